//! What becomes of an accepted message: which receipts, when, in which order.

use crate::{
    config::{Delays, Outcomes},
    draw::Draws,
};

/// `statuses[].status` of a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Sent,
    Delivered,
    Read,
    /// With its code.
    Failed(u32),
}

/// What the message ends as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Delivered,
    Read,
    Failed(u32),
}

/// One receipt of the plan. Times are milliseconds after acceptance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) status: Status,
    /// When it happened: the receipt's timestamp.
    pub(crate) happened_ms: u32,
    /// When its receipt leaves.
    pub(crate) due_ms: u32,
    /// Whether this is the second copy of a receipt.
    pub(crate) repeated: bool,
    /// Whether a receipt that should have come before it comes after it.
    pub(crate) early: bool,
    /// Whether it carries `pricing`.
    pub(crate) priced: bool,
}

/// At most `sent`, `delivered` and `read`, each twice.
const MAX_STEPS: usize = 6;

/// All receipts of one message, by the time at which they leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    steps: [Step; MAX_STEPS],
    length: usize,
    pub(crate) outcome: Outcome,
}

impl Plan {
    /// The plan for the message with this key (its callback data): a function of its arguments only, so that it need
    /// not be stored while receipts wait.
    pub(crate) fn new(seed: u64, key: &[u8], outcomes: &Outcomes, delays: &Delays) -> Self {
        let mut draws = Draws::new(seed, key);
        let outcome = draw_outcome(&mut draws, outcomes);
        let blank =
            Step { status: Status::Sent, happened_ms: 0, due_ms: 0, repeated: false, early: false, priced: false };
        let mut plan = Self { steps: [blank; MAX_STEPS], length: 0, outcome };

        let sent = draws.between(delays.sent.from, delays.sent.to);
        let delivered = sent.saturating_add(draws.between(delays.delivered.from, delays.delivered.to));
        let read = delivered.saturating_add(draws.between(delays.read.from, delays.read.to));
        let skip_delivered = outcome == Outcome::Read && draws.happens(outcomes.read_without_delivered);
        if let Outcome::Failed(code) = outcome {
            plan.push(Step { status: Status::Failed(code), happened_ms: sent, due_ms: sent, ..blank });
        } else {
            plan.push(Step { happened_ms: sent, due_ms: sent, priced: true, ..blank });
            if !skip_delivered {
                let step = Step { status: Status::Delivered, happened_ms: delivered, due_ms: delivered, ..blank };
                plan.push(Step { priced: true, ..step });
            }
            if outcome == Outcome::Read {
                let step = Step { status: Status::Read, happened_ms: read, due_ms: read, ..blank };
                plan.push(Step { priced: skip_delivered, ..step });
            }
        }

        if plan.length > 1 && draws.happens(outcomes.out_of_order) {
            let first = draws.between(0, plan.length as u32 - 2) as usize;
            let due = plan.steps[first].due_ms;
            // Two receipts of the same millisecond would keep their order.
            plan.steps[first].due_ms = plan.steps[first + 1].due_ms.max(due.saturating_add(1));
            plan.steps[first + 1].due_ms = due;
            plan.steps[first + 1].early = true;
        }
        for index in 0..plan.length {
            if draws.happens(outcomes.repeated) {
                let step = plan.steps[index];
                let later = draws.between(delays.repeated.from, delays.repeated.to);
                let due_ms = step.due_ms.saturating_add(later);
                plan.push(Step { due_ms, repeated: true, early: false, ..step });
            }
        }
        plan.steps[..plan.length].sort_by_key(|step| step.due_ms);
        plan
    }

    fn push(&mut self, step: Step) {
        self.steps[self.length] = step;
        self.length += 1;
    }

    /// The receipts in the order in which they leave; never empty.
    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps[..self.length]
    }
}

fn draw_outcome(draws: &mut Draws, outcomes: &Outcomes) -> Outcome {
    let drawn = draws.share();
    let mut upper = 0.0;
    for failure in &outcomes.failed {
        upper += failure.share;
        if drawn < upper {
            return Outcome::Failed(failure.code);
        }
    }
    if draws.happens(outcomes.read) { Outcome::Read } else { Outcome::Delivered }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plans(seed: u64, count: u32) -> impl Iterator<Item = Plan> {
        let (outcomes, delays) = (Outcomes::default(), Delays::default());
        (0..count).map(move |number| Plan::new(seed, format!("delivery-{number}").as_bytes(), &outcomes, &delays))
    }

    #[test]
    fn the_shares_are_those_of_the_configuration() {
        let count = 100_000;
        let (mut failed, mut read, mut silent_delivery, mut early, mut repeated, mut receipts) = (0, 0, 0, 0, 0, 0);
        for plan in plans(3, count) {
            match plan.outcome {
                Outcome::Failed(_) => failed += 1,
                Outcome::Read => read += 1,
                Outcome::Delivered => {}
            }
            let has = |status| plan.steps().iter().any(|step| step.status == status);
            silent_delivery += u32::from(has(Status::Read) && !has(Status::Delivered));
            early += u32::from(plan.steps().iter().any(|step| step.early));
            repeated += plan.steps().iter().filter(|step| step.repeated).count();
            receipts += plan.steps().iter().filter(|step| !step.repeated).count();
        }
        let share = |part: u32, whole: u32| f64::from(part) / f64::from(whole);
        assert!((share(failed, count) - 0.028).abs() < 0.003, "{failed} failed");
        assert!((share(read, count - failed) - 0.55).abs() < 0.01, "{read} read");
        assert!((share(silent_delivery, read) - 0.05).abs() < 0.01, "{silent_delivery} without delivered");
        assert!((share(early, count - failed) - 0.05).abs() < 0.01, "{early} out of order");
        assert!((repeated as f64 / receipts as f64 - 0.03).abs() < 0.005, "{repeated} repeated");
    }

    #[test]
    fn the_same_seed_and_key_give_the_same_plan() {
        assert!(plans(3, 500).eq(plans(3, 500)));
        assert!(!plans(3, 500).eq(plans(4, 500)));
    }

    #[test]
    fn a_plan_is_in_order_of_time_and_pricing_is_on_sent_and_one_more() {
        for plan in plans(5, 20_000) {
            assert!(!plan.steps().is_empty());
            assert!(plan.steps().is_sorted_by_key(|step| step.due_ms));
            let priced = plan.steps().iter().filter(|step| step.priced && !step.repeated).count();
            assert_eq!(priced, if matches!(plan.outcome, Outcome::Failed(_)) { 0 } else { 2 });
            if let Some(early) = plan.steps().iter().position(|step| step.early) {
                let happened = plan.steps()[early].happened_ms;
                assert!(plan.steps()[early + 1..].iter().any(|step| !step.repeated && step.happened_ms < happened));
            }
        }
    }
}
