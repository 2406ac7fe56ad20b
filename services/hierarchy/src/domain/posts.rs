//! The posts of some units over time, and what may be done with them. Substantive appointments change by the day, from a day on that is
//! not before what is on record; delegations and break-glass have exact times. A unit has one head at a time.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::appointment::{Appointment, Day, Nature, OPEN_ENDED, Post};

/// Microseconds of an hour.
const HOUR: i64 = 3_600_000_000;

/// Hours that a delegation may last: 60 days.
pub const DELEGATION_HOURS: i64 = 60 * 24;

/// Why something cannot be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Objection {
    /// No such appointment.
    Unknown(Uuid),
    /// The unit has this head.
    HeadTaken(Uuid),
    /// The officer has this appointment, to the same post of the unit.
    AlreadyAppointed(Uuid),
    /// Something else is on record from this day on.
    TooEarly(String),
    /// The appointment is over.
    Ended(Uuid),
    /// The appointment is of another nature.
    NatureWrong(Uuid, Nature),
    /// The officer would stand in for themselves.
    OwnDelegate,
    /// The appointment is delegated at that time, by this other one.
    DelegatedAlready(Uuid, Uuid),
    /// The time ends before it begins, begins before now, or is longer than so many hours.
    Term(i64),
}

/// Who does something, and when that is put on record.
#[derive(Debug, Clone, Copy)]
pub struct Act<'a> {
    /// The subject.
    pub by: &'a str,
    /// Now.
    pub now: i64,
}

/// Appointments to the posts of some units: all of them, past ones too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Posts {
    appointments: BTreeMap<Uuid, Appointment>,
    changed: BTreeSet<Uuid>,
}

impl Posts {
    /// Those on record.
    pub fn new(appointments: impl IntoIterator<Item = Appointment>) -> Self {
        let appointments = appointments.into_iter().map(|appointment| (appointment.id, appointment)).collect();
        Self { appointments, changed: BTreeSet::new() }
    }

    /// One of them.
    ///
    /// # Errors
    /// [`Objection::Unknown`].
    pub fn get(&self, id: Uuid) -> Result<&Appointment, Objection> {
        self.appointments.get(&id).ok_or(Objection::Unknown(id))
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Appointment> {
        self.appointments.values()
    }

    /// Those that are new or changed, in the order of their ids.
    pub fn changed(&self) -> impl Iterator<Item = &Appointment> {
        self.changed.iter().filter_map(|id| self.appointments.get(id))
    }

    /// Puts a new substantive appointment on record.
    ///
    /// # Errors
    /// [`Objection`]; nothing has changed then.
    pub fn appoint(&mut self, new: Appointment) -> Result<(), Objection> {
        let in_the_way: Vec<&Appointment> = self
            .all()
            .filter(|other| other.nature == Nature::Substantive && other.unit == new.unit && other.post == new.post)
            .filter(|other| other.end > new.start && (new.post == Post::Head || other.officer == new.officer))
            .collect();
        let held = || in_the_way.iter().filter(|other| other.is_open_ended());
        if let Some(own) = held().find(|other| other.officer == new.officer) {
            return Err(Objection::AlreadyAppointed(own.id));
        }
        if let Some(head) = held().next() {
            return Err(Objection::HeadTaken(head.id));
        }
        if let Some(free) = in_the_way.iter().map(|other| &other.end_date).max() {
            return Err(Objection::TooEarly(free.clone()));
        }
        self.put(new);
        Ok(())
    }

    /// Ends a substantive appointment from a day on, and what is delegated from it.
    ///
    /// # Errors
    /// [`Objection`]; nothing has changed then.
    pub fn relieve(&mut self, id: Uuid, from: &Day, act: Act<'_>) -> Result<(), Objection> {
        let appointment = self.get(id)?;
        if appointment.nature != Nature::Substantive {
            return Err(Objection::NatureWrong(id, appointment.nature));
        }
        if !appointment.is_open_ended() {
            return Err(Objection::Ended(id));
        }
        if from.begins < appointment.start {
            return Err(Objection::TooEarly(appointment.start_date.clone()));
        }
        self.change(id, act, |appointment| {
            from.date.clone_into(&mut appointment.end_date);
            appointment.end = from.begins;
        });
        let delegations = self.all().filter(|other| other.delegated_from == Some(id));
        let lasting = delegations.filter(|other| other.end > from.begins.max(other.start));
        for delegation in lasting.map(|other| other.id).collect::<Vec<_>>() {
            self.change(delegation, act, |other| other.end = other.start.max(from.begins));
        }
        Ok(())
    }

    /// Puts a delegation on record.
    ///
    /// # Errors
    /// [`Objection`]; nothing has changed then.
    pub fn delegate(&mut self, new: Appointment, act: Act<'_>) -> Result<(), Objection> {
        let from = new.delegated_from.unwrap_or_default();
        let holder = self.get(from)?;
        if holder.nature != Nature::Substantive {
            return Err(Objection::NatureWrong(from, holder.nature));
        }
        if !holder.is_open_ended() {
            return Err(Objection::Ended(from));
        }
        if holder.officer == new.officer {
            return Err(Objection::OwnDelegate);
        }
        check_term(&new, act.now, DELEGATION_HOURS)?;
        let meanwhile = |other: &&Appointment| other.start.max(new.start) < other.end.min(new.end);
        if let Some(other) = self.all().filter(|other| other.delegated_from == Some(from)).find(meanwhile) {
            return Err(Objection::DelegatedAlready(from, other.id));
        }
        self.put(new);
        Ok(())
    }

    /// Puts a break-glass on record.
    ///
    /// # Errors
    /// [`Objection::Term`]; nothing has changed then.
    pub fn break_glass(&mut self, new: Appointment, act: Act<'_>, longest_hours: i64) -> Result<(), Objection> {
        check_term(&new, act.now, longest_hours)?;
        self.put(new);
        Ok(())
    }

    /// Ends a delegation or break-glass now; one that has not begun never was.
    ///
    /// # Errors
    /// [`Objection`]; nothing has changed then.
    pub fn end(&mut self, id: Uuid, act: Act<'_>) -> Result<(), Objection> {
        let appointment = self.get(id)?;
        if appointment.nature == Nature::Substantive {
            return Err(Objection::NatureWrong(id, appointment.nature));
        }
        if appointment.end <= act.now || appointment.end <= appointment.start {
            return Err(Objection::Ended(id));
        }
        self.change(id, act, |appointment| appointment.end = appointment.start.max(act.now));
        Ok(())
    }

    /// Ends an appointment, unless it is over already, and starts another from the same day on.
    ///
    /// # Errors
    /// [`Objection`]; nothing has changed then.
    pub fn transfer(&mut self, id: Uuid, from: &Day, new: Appointment, act: Act<'_>) -> Result<(), Objection> {
        let before = self.clone();
        let relieved = match self.relieve(id, from, act) {
            Err(Objection::Ended(_)) => Ok(()),
            outcome => outcome,
        };
        relieved.and_then(|()| self.appoint(new)).inspect_err(|_| *self = before)
    }

    /// Ends what is held in a unit that closes from a day on.
    ///
    /// # Errors
    /// [`Objection::TooEarly`] when something began or ended there on a later day; nothing has changed then.
    pub fn close(&mut self, unit: Uuid, from: &Day, act: Act<'_>) -> Result<(), Objection> {
        let of_unit = || self.all().filter(|held| held.unit == unit);
        let dates = of_unit().filter(|held| held.nature == Nature::Substantive).map(|held| {
            let ended = !held.is_open_ended();
            if ended { (held.end, &held.end_date) } else { (held.start, &held.start_date) }
        });
        if let Some((_, date)) = dates.filter(|(moment, _)| *moment > from.begins).max() {
            return Err(Objection::TooEarly(date.clone()));
        }
        let ids = |nature| of_unit().filter(move |held| held.nature == nature).map(|held| held.id).collect::<Vec<_>>();
        let (substantive, emergencies) = (ids(Nature::Substantive), ids(Nature::BreakGlass));
        for id in substantive {
            match self.relieve(id, from, act) {
                Ok(()) | Err(Objection::Ended(_)) => {}
                Err(objection) => return Err(objection),
            }
        }
        for id in emergencies {
            // What has been over for a while stays on record as it was.
            let _ = self.end(id, act);
        }
        Ok(())
    }

    /// Who answers for a unit at a moment: the head, or who stands in, beside the head.
    pub fn answerable(&self, unit: Uuid, moment: i64) -> Option<(&Appointment, Option<&Appointment>)> {
        let held = || self.all().filter(|held| held.unit == unit && held.held_at(moment));
        let head = held().find(|held| held.post == Post::Head && held.nature == Nature::Substantive)?;
        let delegate = held().find(|held| held.delegated_from == Some(head.id));
        Some(delegate.map_or((head, None), |delegate| (delegate, Some(head))))
    }

    fn put(&mut self, new: Appointment) {
        self.changed.insert(new.id);
        self.appointments.insert(new.id, new);
    }

    fn change(&mut self, id: Uuid, act: Act<'_>, change: impl FnOnce(&mut Appointment)) {
        if let Some(appointment) = self.appointments.get_mut(&id) {
            change(appointment);
            act.by.clone_into(&mut appointment.ended_by);
            appointment.updated_at = act.now;
            appointment.version += 1;
            self.changed.insert(id);
        }
    }
}

/// A time with an end: it begins now or later, and is not too long.
fn check_term(new: &Appointment, now: i64, longest_hours: i64) -> Result<(), Objection> {
    let long = new.end.saturating_sub(new.start) > longest_hours.saturating_mul(HOUR);
    if new.start < now || new.end <= new.start || long || new.end == OPEN_ENDED {
        return Err(Objection::Term(longest_hours));
    }
    Ok(())
}

/// What was found at a unit on the way to who answers; the numbers are those of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Finding {
    /// The head answers.
    Head = 1,
    /// Somebody answers in the place of the head.
    Delegate = 2,
    /// Nobody was head.
    Vacant = 3,
    /// The unit was closed.
    Closed = 4,
}
