//! What a file of units changes in the register.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Draft, Kind, KindRules, Problem, Unit, check_draft};

/// A row of the file: its line and what it says.
#[derive(Debug, Clone)]
pub struct ImportRow {
    /// Line in the file, the header being line 1.
    pub line: u64,
    /// What it says.
    pub draft: Draft,
}

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowProblem {
    /// Wrong by itself.
    Draft(Problem),
    /// Neither in the file nor in the register.
    ParentUnknown(String),
    /// The kind may not stand there.
    KindForbidden {
        /// The unit's kind.
        kind: Kind,
        /// The parent's; `None` at the top.
        parent: Option<Kind>,
    },
    /// The unit would stand under itself.
    Cycle(String),
    /// The slug is in the file twice.
    SlugTwice(String),
    /// The unit exists with another kind.
    KindChanged(String),
    /// Another unit has this code; the system is named.
    CodeTaken(String),
    /// There is another root.
    RootExists,
    /// The unit above is closed, and this one is not.
    ParentClosed(String),
}

/// How a unit differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Not in the register.
    Added,
    /// Other names, codes, certainty or dates.
    Changed,
    /// Under another parent.
    Moved,
}

/// A unit that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// How.
    pub change: Change,
    /// What the file says.
    pub draft: Draft,
}

/// What an import does.
#[derive(Debug, Clone, Default)]
pub struct Import {
    /// Units that differ, parents before their children.
    pub differences: Vec<Difference>,
    /// Units that are as in the file.
    pub unchanged: usize,
    /// Slugs of open units of the register that the file does not name, in their order. They stay as they are.
    pub gone: Vec<String>,
}

/// Compares a file with the register (by slug); all rows must be right.
///
/// # Errors
/// Every wrong row with its line, in the order of the lines.
pub fn plan_import(
    register: &HashMap<String, Unit>,
    rows: &[ImportRow],
    rules: &KindRules,
    is_slug: impl Fn(&str) -> bool + Copy,
) -> Result<Import, Vec<(u64, RowProblem)>> {
    let mut problems = Vec::new();
    let mut after: HashMap<&str, &Draft> = register.iter().map(|(slug, unit)| (slug.as_str(), &unit.draft)).collect();
    let mut seen = HashSet::new();
    for row in rows {
        problems
            .extend(check_draft(&row.draft, is_slug).into_iter().map(|problem| (row.line, RowProblem::Draft(problem))));
        if !seen.insert(row.draft.slug.as_str()) {
            problems.push((row.line, RowProblem::SlugTwice(row.draft.slug.clone())));
        }
        if register.get(&row.draft.slug).is_some_and(|known| known.draft.kind != row.draft.kind) {
            problems.push((row.line, RowProblem::KindChanged(row.draft.slug.clone())));
        }
        after.insert(&row.draft.slug, &row.draft);
    }

    let mut owners: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    for (slug, draft) in &after {
        for (system, code) in &draft.codes {
            let owner = owners.entry((system, code)).or_insert(slug);
            // The smaller slug owns the code, whatever the order of the map, so that one of the two rows is named.
            *owner = (*owner).min(slug);
        }
    }
    let roots = after.values().filter(|draft| draft.parent.is_none()).count();
    for row in rows {
        let draft = &row.draft;
        match &draft.parent {
            None if roots > 1 => problems.push((row.line, RowProblem::RootExists)),
            None if !rules.allows(draft.kind, None) => {
                problems.push((row.line, RowProblem::KindForbidden { kind: draft.kind, parent: None }));
            }
            None => {}
            Some(parent) => match after.get(parent.as_str()) {
                None => problems.push((row.line, RowProblem::ParentUnknown(parent.clone()))),
                // Before the kinds: whatever they are, this is what is wrong.
                Some(_) if depth(&after, &draft.slug).is_none() => {
                    problems.push((row.line, RowProblem::Cycle(draft.slug.clone())))
                }
                Some(above) if !rules.allows(draft.kind, Some(above.kind)) => {
                    problems.push((row.line, RowProblem::KindForbidden { kind: draft.kind, parent: Some(above.kind) }));
                }
                Some(_) if is_closed(register, parent) && !is_closed(register, &draft.slug) => {
                    problems.push((row.line, RowProblem::ParentClosed(parent.clone())));
                }
                Some(_) => {}
            },
        }
        let taken = draft.codes.iter().find(|(system, code)| {
            owners.get(&(system.as_str(), code.as_str())).is_some_and(|owner| *owner != draft.slug)
        });
        if let Some((system, _)) = taken {
            problems.push((row.line, RowProblem::CodeTaken(system.clone())));
        }
    }
    if !problems.is_empty() {
        problems.sort_by_key(|(line, _)| *line);
        return Err(problems);
    }

    let mut differences: Vec<(usize, Difference)> = rows
        .iter()
        .filter_map(|row| {
            let change = match register.get(&row.draft.slug) {
                None => Change::Added,
                Some(known) if known.draft.parent != row.draft.parent => Change::Moved,
                Some(known) if known.draft != row.draft => Change::Changed,
                Some(_) => return None,
            };
            let depth = depth(&after, &row.draft.slug).unwrap_or(0);
            Some((depth, Difference { change, draft: row.draft.clone() }))
        })
        .collect();
    differences.sort_by_key(|(depth, _)| *depth);
    let differences: Vec<Difference> = differences.into_iter().map(|(_, difference)| difference).collect();
    let unchanged = rows.len() - differences.len();
    let unnamed = |unit: &&Unit| unit.closed_on.is_empty() && !seen.contains(unit.draft.slug.as_str());
    let mut gone: Vec<String> = register.values().filter(unnamed).map(|unit| unit.draft.slug.clone()).collect();
    gone.sort_unstable();
    Ok(Import { differences, unchanged, gone })
}

fn is_closed(register: &HashMap<String, Unit>, slug: &str) -> bool {
    register.get(slug).is_some_and(|unit| !unit.closed_on.is_empty())
}

/// Steps to the root; `None` when the way up does not end.
fn depth(units: &HashMap<&str, &Draft>, slug: &str) -> Option<usize> {
    let mut steps = 0;
    let mut at = units.get(slug)?;
    while let Some(parent) = &at.parent {
        steps += 1;
        if steps > units.len() {
            return None;
        }
        // A parent that is missing is another problem, of the row that names it.
        let Some(above) = units.get(parent.as_str()) else { return Some(steps) };
        at = above;
    }
    Some(steps)
}
