//! Reports: what the public tells, and what comes of it.
//!
//! received → triaged → assigned → resolved, from there again triaged or assigned; and from anywhere before the end merged into another.

pub(crate) mod chain;
pub(crate) mod content;
pub(crate) mod inbound;
pub(crate) mod outcome;
pub(crate) mod retention;
pub(crate) mod rumour;
pub(crate) mod sight;
pub(crate) mod similarity;

use uuid::Uuid;

use super::Micros;
use outcome::Outcome;

/// Where a report stands. The numbers are those of `senani.bulletin.v1.Report.State`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum ReportState {
    Received = 1,
    Triaged = 2,
    Assigned = 3,
    Resolved = 4,
    Merged = 5,
}

impl ReportState {
    pub(crate) const ALL: [Self; 5] = [Self::Received, Self::Triaged, Self::Assigned, Self::Resolved, Self::Merged];

    pub(crate) fn code(self) -> i32 {
        self as i32
    }

    pub(crate) fn from_code(code: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }

    /// As the contract writes it, without its prefix.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Received => "RECEIVED",
            Self::Triaged => "TRIAGED",
            Self::Assigned => "ASSIGNED",
            Self::Resolved => "RESOLVED",
            Self::Merged => "MERGED",
        }
    }

    /// Whether somebody must still do something.
    pub(crate) fn is_open(self) -> bool {
        matches!(self, Self::Received | Self::Triaged | Self::Assigned)
    }
}

/// A report without its words.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Report {
    pub(crate) id: Uuid,
    pub(crate) state: ReportState,
    /// A number of `senani.bulletin.v1.ReportKind`.
    pub(crate) kind: i32,
    /// A number of `senani.bulletin.v1.Category`.
    pub(crate) category: i32,
    /// A number of `senani.bulletin.v1.Severity`.
    pub(crate) severity: i32,
    pub(crate) unit: Uuid,
    /// The unit above that was told last.
    pub(crate) escalated_unit: Option<Uuid>,
    pub(crate) escalation_count: i32,
    pub(crate) bulletin: Option<Uuid>,
    pub(crate) reporter: Option<Uuid>,
    pub(crate) anonymous: bool,
    /// A number of `senani.bulletin.v1.ReportSource`.
    pub(crate) source: i32,
    pub(crate) assignee: Option<Uuid>,
    pub(crate) merged_into: Option<Uuid>,
    pub(crate) frequently_forwarded: bool,
    pub(crate) outcomes: Vec<Outcome>,
    /// When something must be done; 0 when nothing must.
    pub(crate) due_at: Micros,
    /// When the next unit above is told; 0 for never.
    pub(crate) escalate_at: Micros,
    pub(crate) received_at: Micros,
    pub(crate) triaged_at: Micros,
    pub(crate) resolved_at: Micros,
    /// Until when the content is kept; 0 while it is open.
    pub(crate) retain_until: Micros,
    /// When the content was destroyed.
    pub(crate) erased_at: Micros,
    pub(crate) version: i64,
    pub(crate) entry_count: i64,
    /// Hash of the last entry; 32 bytes, none before the first.
    pub(crate) chain_head: Vec<u8>,
}

/// Why a step is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReportRefusal {
    /// The state does not allow it.
    State(ReportState),
    /// Its content is destroyed.
    Erased,
}

/// What triage says of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Judgement {
    pub(crate) category: i32,
    pub(crate) severity: i32,
    pub(crate) due_at: Micros,
    pub(crate) unit: Uuid,
}

impl Report {
    /// One that has just come in, for a unit, from a source of `senani.bulletin.v1.ReportSource`; somebody is to look at it by `due_at`.
    pub(crate) fn received(id: Uuid, unit: Uuid, source: i32, now: Micros, due_at: Micros) -> Self {
        Self {
            id,
            state: ReportState::Received,
            kind: 0,
            category: 0,
            severity: 0,
            unit,
            escalated_unit: None,
            escalation_count: 0,
            bulletin: None,
            reporter: None,
            anonymous: false,
            source,
            assignee: None,
            merged_into: None,
            frequently_forwarded: false,
            outcomes: Vec::new(),
            due_at,
            escalate_at: due_at,
            received_at: now,
            triaged_at: 0,
            resolved_at: 0,
            retain_until: 0,
            erased_at: 0,
            version: 1,
            entry_count: 0,
            chain_head: Vec::new(),
        }
    }

    /// Opaque to callers; changes with every change.
    pub(crate) fn etag(&self) -> String {
        format!("\"{}\"", self.version)
    }

    /// Accepts it, or judges it again. A report that goes to another unit is nobody's there.
    pub(crate) fn triage(&mut self, judgement: &Judgement, now: Micros) -> Result<(), ReportRefusal> {
        self.expect_open()?;
        if self.unit != judgement.unit {
            self.assignee = None;
        }
        self.category = judgement.category;
        self.severity = judgement.severity;
        self.unit = judgement.unit;
        if self.triaged_at == 0 {
            self.triaged_at = now;
        }
        self.wait_until(judgement.due_at);
        self.enter(if self.assignee.is_some() { ReportState::Assigned } else { ReportState::Triaged });
        Ok(())
    }

    /// Gives it to an officer, or takes it back.
    pub(crate) fn assign(&mut self, assignee: Option<Uuid>) -> Result<(), ReportRefusal> {
        self.expect(&[ReportState::Triaged, ReportState::Assigned])?;
        self.assignee = assignee;
        self.enter(if assignee.is_some() { ReportState::Assigned } else { ReportState::Triaged });
        Ok(())
    }

    /// Ends it.
    pub(crate) fn resolve(
        &mut self,
        outcomes: Vec<Outcome>,
        now: Micros,
        retain_until: Micros,
    ) -> Result<(), ReportRefusal> {
        self.expect(&[ReportState::Triaged, ReportState::Assigned])?;
        self.outcomes = outcomes;
        self.resolved_at = now;
        self.retain_until = retain_until;
        self.wait_until(0);
        self.enter(ReportState::Resolved);
        Ok(())
    }

    /// Opens it again.
    pub(crate) fn reopen(&mut self, due_at: Micros) -> Result<(), ReportRefusal> {
        self.expect(&[ReportState::Resolved])?;
        self.check_content()?;
        self.outcomes.clear();
        self.resolved_at = 0;
        self.retain_until = 0;
        self.wait_until(due_at);
        self.enter(if self.assignee.is_some() { ReportState::Assigned } else { ReportState::Triaged });
        Ok(())
    }

    /// Whether it may be merged, away or with another into it.
    pub(crate) fn check_merge(&self) -> Result<(), ReportRefusal> {
        self.expect_open()
    }

    /// Ends it because another tells the same.
    pub(crate) fn merge_into(&mut self, other: Uuid) -> Result<(), ReportRefusal> {
        self.check_merge()?;
        self.merged_into = Some(other);
        self.wait_until(0);
        self.enter(ReportState::Merged);
        Ok(())
    }

    /// Whether an officer may add a note or a file.
    pub(crate) fn check_note(&self) -> Result<(), ReportRefusal> {
        if self.state == ReportState::Merged {
            return Err(ReportRefusal::State(self.state));
        }
        self.check_content()
    }

    /// Whether there is a key to seal more with.
    pub(crate) fn check_content(&self) -> Result<(), ReportRefusal> {
        if self.erased_at == 0 { Ok(()) } else { Err(ReportRefusal::Erased) }
    }

    /// Something was added, and nothing else changed.
    pub(crate) fn touch(&mut self) {
        self.version += 1;
    }

    /// Nothing was done in time: the unit above is told, and the one above it at `next` (0: there is none).
    pub(crate) fn escalate(&mut self, to: Uuid, next: Micros) -> Result<(), ReportRefusal> {
        self.expect_open()?;
        self.escalated_unit = Some(to);
        self.escalation_count += 1;
        self.escalate_at = next;
        self.version += 1;
        Ok(())
    }

    /// Its content and who told it are destroyed.
    pub(crate) fn erase(&mut self, now: Micros) -> Result<(), ReportRefusal> {
        self.expect(&[ReportState::Resolved, ReportState::Merged])?;
        self.check_content()?;
        self.reporter = None;
        self.erased_at = now;
        self.version += 1;
        Ok(())
    }

    fn wait_until(&mut self, due_at: Micros) {
        self.due_at = due_at;
        self.escalate_at = due_at;
        self.escalated_unit = None;
        self.escalation_count = 0;
    }

    fn expect_open(&self) -> Result<(), ReportRefusal> {
        if self.state.is_open() { Ok(()) } else { Err(ReportRefusal::State(self.state)) }
    }

    fn expect(&self, states: &[ReportState]) -> Result<(), ReportRefusal> {
        if states.contains(&self.state) { Ok(()) } else { Err(ReportRefusal::State(self.state)) }
    }

    fn enter(&mut self, state: ReportState) {
        self.state = state;
        self.version += 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn received() -> Report {
        Report {
            kind: 1,
            reporter: Some(Uuid::from_u128(20)),
            entry_count: 1,
            chain_head: vec![0; 32],
            ..Report::received(Uuid::from_u128(1), Uuid::from_u128(10), 1, 1, 100)
        }
    }

    fn judgement() -> Judgement {
        Judgement { category: 2, severity: 1, due_at: 500, unit: Uuid::from_u128(10) }
    }

    /// What can be done to a report.
    #[derive(Debug, Clone, Copy)]
    enum Step {
        Triage,
        Send,
        Assign,
        TakeBack,
        Resolve,
        Reopen,
        Merge,
        Escalate,
        Erase,
    }

    const STEPS: [Step; 9] = [
        Step::Triage,
        Step::Send,
        Step::Assign,
        Step::TakeBack,
        Step::Resolve,
        Step::Reopen,
        Step::Merge,
        Step::Escalate,
        Step::Erase,
    ];

    fn take(report: &mut Report, step: Step, now: Micros) -> Result<(), ReportRefusal> {
        match step {
            Step::Triage => report.triage(&judgement(), now),
            Step::Send => report.triage(&Judgement { unit: Uuid::from_u128(11), ..judgement() }, now),
            Step::Assign => report.assign(Some(Uuid::from_u128(30))),
            Step::TakeBack => report.assign(None),
            Step::Resolve => report.resolve(vec![Outcome::FalseReport], now, now + 10),
            Step::Reopen => report.reopen(now + 5),
            Step::Merge => report.merge_into(Uuid::from_u128(2)),
            Step::Escalate => report.escalate(Uuid::from_u128(9), now + 7),
            Step::Erase => report.erase(now),
        }
    }

    proptest! {
        #[test]
        fn whatever_is_tried_in_whatever_order_a_report_is_one_that_can_be(
            steps in proptest::collection::vec(0..STEPS.len(), 0..40)
        ) {
            let mut report = received();
            for (now, step) in steps.into_iter().enumerate() {
                let before = report.clone();
                if take(&mut report, STEPS[step], now as Micros + 200).is_err() {
                    prop_assert_eq!(&report, &before);
                    continue;
                }
                prop_assert!(report.version > before.version);
                prop_assert!(report.state != ReportState::Assigned || report.assignee.is_some());
                let unassigned = [ReportState::Received, ReportState::Triaged].contains(&report.state);
                prop_assert!(!unassigned || report.assignee.is_none());
                prop_assert_eq!(report.state.is_open(), report.due_at > 0);
                prop_assert_eq!(report.state == ReportState::Resolved, !report.outcomes.is_empty());
                prop_assert_eq!(report.state == ReportState::Resolved, report.retain_until > 0);
                prop_assert_eq!(report.state == ReportState::Merged, report.merged_into.is_some());
                prop_assert_eq!(report.escalation_count > 0, report.escalated_unit.is_some());
                prop_assert!(report.state != ReportState::Received || report.triaged_at == 0);
                // What is merged or erased stays so.
                prop_assert!(before.state != ReportState::Merged || report.state == ReportState::Merged);
                prop_assert!(before.erased_at == 0 || report.erased_at == before.erased_at);
            }
        }
    }

    #[test]
    fn only_these_steps_are_open_to_a_state() {
        let allowed = |state: ReportState| {
            let tried = STEPS.into_iter().filter(|step| {
                let mut report = Report { state, ..received() };
                take(&mut report, *step, 200).is_ok()
            });
            tried.map(|step| format!("{step:?}")).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            ReportState::ALL.map(allowed),
            [
                "Triage Send Merge Escalate",
                "Triage Send Assign TakeBack Resolve Merge Escalate",
                "Triage Send Assign TakeBack Resolve Merge Escalate",
                "Reopen Erase",
                "Erase",
            ]
        );
    }

    #[test]
    fn a_report_that_is_sent_to_another_unit_is_nobodys_there() {
        let mut report = received();
        for step in [Step::Triage, Step::Assign, Step::Escalate, Step::Send] {
            take(&mut report, step, 200).unwrap();
        }
        assert_eq!((report.state, report.assignee, report.escalated_unit), (ReportState::Triaged, None, None));
        assert_eq!((report.due_at, report.escalate_at, report.triaged_at), (500, 500, 200));
    }
}
