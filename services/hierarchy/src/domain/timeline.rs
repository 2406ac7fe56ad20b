//! The structure over time: where each unit stood, what it was and whether it was open, by the day. A change is judged on every
//! day from which it holds, so that there is one tree on each.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use super::{Kind, KindRules};

/// The end of what still holds: after every day of the calendar, as text too.
pub const FOREVER: &str = "9999-12-31";

/// What a unit was from one day until another, `YYYY-MM-DD`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The first day.
    pub from: String,
    /// The first day after; [`FOREVER`] while it holds.
    pub until: String,
    /// The unit above; `None` for the root.
    pub parent: Option<Uuid>,
    /// What it was.
    pub kind: Kind,
    /// Whether it was closed.
    pub closed: bool,
}

/// A change of one unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It stands under a unit, and is of a kind: one of both may be new, or both.
    Place {
        /// The unit above.
        parent: Uuid,
        /// What it is.
        kind: Kind,
    },
    /// It becomes of another kind where it stands, at the root too.
    Kind(Kind),
    /// It closes.
    Close,
    /// It closes in favour of another, to which what stands under it has gone.
    Merge(Uuid),
    /// It opens again.
    Reopen,
    /// Its place, kind and state stay; something else is new.
    Describe,
}

/// Why a change cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The unit changed on a later day already, or was not on record: a change holds from this day on at the earliest.
    TooEarly(String),
    /// The unit is closed.
    Closed,
    /// The unit is open.
    Open,
    /// The root stands under no unit.
    Root,
    /// The unit above is closed or not on record on this day.
    ParentClosed(String),
    /// The unit in favour of which it would close is itself closed, or not on record, on this day.
    SuccessorClosed(String),
    /// The unit would stand under itself, or be its own successor.
    Cycle,
    /// A kind may not stand there: of the unit itself, or of a unit under it.
    Kind {
        /// The unit whose kind it is.
        unit: Uuid,
        /// Its kind.
        kind: Kind,
        /// The kind above; `None` at the top.
        parent: Option<Kind>,
    },
    /// Units under it are open: how many, and one of them.
    ChildrenOpen(usize, Uuid),
}

/// Where each unit stood when.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timeline {
    /// In the order of the days, without gaps; never empty.
    units: HashMap<Uuid, Vec<Span>>,
}

impl Timeline {
    /// Nobody yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Enters what is on record, each unit's spans in the order of the days.
    pub fn enter(&mut self, unit: Uuid, span: Span) {
        self.units.entry(unit).or_default().push(span);
    }

    /// What a unit was on a day; `None` when it was not on record.
    pub fn on(&self, unit: Uuid, day: &str) -> Option<&Span> {
        let spans = self.units.get(&unit)?;
        spans.iter().rev().find(|span| span.from.as_str() <= day).filter(|span| day < span.until.as_str())
    }

    /// The day since which a unit is open without a break; `None` when it is closed.
    pub fn open_since(&self, unit: Uuid) -> Option<&str> {
        let spans = self.units.get(&unit)?;
        spans.iter().rev().take_while(|span| !span.closed).last().map(|span| span.from.as_str())
    }

    /// The units on record on a day.
    pub fn units_on(&self, day: &str) -> impl Iterator<Item = (Uuid, &Span)> {
        self.units.keys().filter_map(move |unit| Some((*unit, self.on(*unit, day)?)))
    }

    /// The day from which a new unit of a kind can be on record under a parent: its opening day, but from no day on which the
    /// parent was closed, missing, or of a kind that the unit may not stand under; and at the latest today.
    pub fn record_start(
        &self,
        kind: Kind,
        parent: Option<Uuid>,
        opened_on: &str,
        today: &str,
        rules: &KindRules,
    ) -> String {
        let spans = parent.and_then(|parent| self.units.get(&parent)).map_or(&[][..], Vec::as_slice);
        let fit = spans.iter().rev().take_while(|span| !span.closed && rules.allows(kind, Some(span.kind)));
        let earliest = fit.last().map_or(opened_on, |span| span.from.as_str());
        opened_on.max(earliest).min(today).to_owned()
    }

    /// Makes a change from a day on, if it is right on that day and on every later one.
    ///
    /// # Errors
    /// [`Refusal`]; nothing has changed then.
    pub fn apply(&mut self, unit: Uuid, step: Step, from: &str, rules: &KindRules) -> Result<(), Refusal> {
        let Some(last) = self.units.get(&unit).and_then(|spans| spans.last()) else {
            return Err(Refusal::TooEarly(from.to_owned()));
        };
        if from < last.from.as_str() {
            return Err(Refusal::TooEarly(last.from.clone()));
        }
        let mut next = Span { from: from.to_owned(), until: FOREVER.to_owned(), ..last.clone() };
        match step {
            Step::Describe => {}
            Step::Reopen if !last.closed => return Err(Refusal::Open),
            Step::Reopen => next.closed = false,
            _ if last.closed => return Err(Refusal::Closed),
            Step::Place { .. } if last.parent.is_none() => return Err(Refusal::Root),
            Step::Place { parent, kind } => {
                next.parent = Some(parent);
                next.kind = kind;
            }
            Step::Kind(kind) => next.kind = kind,
            Step::Merge(successor) if successor == unit => return Err(Refusal::Cycle),
            Step::Close | Step::Merge(_) => next.closed = true,
        }
        if step != Step::Describe {
            for day in self.days_since(from) {
                self.check(unit, &next, day, rules)?;
                if let Step::Merge(successor) = step {
                    let open = self.on(successor, day).is_some_and(|span| !span.closed);
                    open.then_some(()).ok_or_else(|| Refusal::SuccessorClosed(day.to_owned()))?;
                }
            }
        }
        let spans = self.units.entry(unit).or_default();
        // Of two changes from the same day on, the later is on record.
        if spans.last().is_some_and(|last| last.from == from) {
            spans.pop();
        }
        if let Some(last) = spans.last_mut() {
            from.clone_into(&mut last.until);
        }
        spans.push(next);
        Ok(())
    }

    /// Opens a new unit from a day on, if its place is right on that day and on every later one.
    ///
    /// # Errors
    /// [`Refusal`]; nothing has changed then.
    pub fn open(&mut self, unit: Uuid, parent: Uuid, kind: Kind, from: &str, rules: &KindRules) -> Result<(), Refusal> {
        let (from, until) = (from.to_owned(), FOREVER.to_owned());
        let span = Span { from, until, parent: Some(parent), kind, closed: false };
        for day in self.days_since(&span.from) {
            self.check(unit, &span, day, rules)?;
        }
        self.enter(unit, span);
        Ok(())
    }

    /// The units that stand open under one since the last change.
    pub fn open_children(&self, unit: Uuid) -> Vec<Uuid> {
        let last = self.units.iter().filter_map(|(child, spans)| Some((*child, spans.last()?)));
        let mut children: Vec<Uuid> =
            last.filter(|(_, span)| span.parent == Some(unit) && !span.closed).map(|(child, _)| child).collect();
        children.sort_unstable();
        children
    }

    /// The day, and every later one on which something changes: between them the structure is the same.
    fn days_since<'t>(&'t self, from: &'t str) -> BTreeSet<&'t str> {
        let changes = self.units.values().flatten().map(|span| span.from.as_str());
        changes.filter(|day| *day > from).chain([from]).collect()
    }

    /// Whether a unit may be so on a day, with everyone else as they are.
    fn check(&self, unit: Uuid, next: &Span, day: &str, rules: &KindRules) -> Result<(), Refusal> {
        let mut children = self.units_on(day).filter(|(_, span)| span.parent == Some(unit) && !span.closed);
        if next.closed {
            let mut open: Vec<Uuid> = children.map(|(child, _)| child).collect();
            open.sort_unstable();
            return open.first().map_or(Ok(()), |first| Err(Refusal::ChildrenOpen(open.len(), *first)));
        }
        let mut above = None;
        if let Some(parent) = next.parent {
            let mut at = Some(parent);
            while let Some(ancestor) = at {
                if ancestor == unit {
                    return Err(Refusal::Cycle);
                }
                at = self.on(ancestor, day).and_then(|span| span.parent);
            }
            let span = self.on(parent, day).filter(|span| !span.closed);
            above = Some(span.ok_or_else(|| Refusal::ParentClosed(day.to_owned()))?.kind);
        }
        if !rules.allows(next.kind, above) {
            return Err(Refusal::Kind { unit, kind: next.kind, parent: above });
        }
        match children.find(|(_, span)| !rules.allows(span.kind, Some(next.kind))) {
            Some((unit, span)) => Err(Refusal::Kind { unit, kind: span.kind, parent: Some(next.kind) }),
            None => Ok(()),
        }
    }
}
