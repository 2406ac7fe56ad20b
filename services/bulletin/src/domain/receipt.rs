//! Receipts and how they merge.
//!
//! A provider's receipts repeat, come late and in any order. What they prove is kept as the earliest time of each kind, and the state is
//! the highest that anything proves: the merge is commutative, associative and idempotent, so that any order ends in one state. Delivered
//! and read beat failed; a failure stands only while nothing higher is known.

use super::Micros;
use super::delivery::DeliveryState;

/// What a receipt says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Receipt {
    Sent,
    Delivered,
    Read,
    /// With the provider's code.
    Failed(String),
}

/// Everything that receipts prove about one delivery.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Evidence {
    sent_at: Micros,
    delivered_at: Micros,
    read_at: Micros,
    /// When and why, the earliest; of two at the same time the smaller reason.
    failure: Option<(Micros, String)>,
    /// Empty when none was named; the smallest of several, which only a repeated send can bring.
    provider_message_id: String,
}

impl Evidence {
    /// What one receipt proves. `at` is the provider's time; a receipt without one counts as of time 1.
    pub(crate) fn of(receipt: Receipt, at: Micros, provider_message_id: &str) -> Self {
        let at = at.max(1);
        let mut evidence = Self { provider_message_id: provider_message_id.to_owned(), ..Self::default() };
        match receipt {
            Receipt::Sent => evidence.sent_at = at,
            Receipt::Delivered => evidence.delivered_at = at,
            Receipt::Read => evidence.read_at = at,
            Receipt::Failed(reason) => evidence.failure = Some((at, reason)),
        }
        evidence
    }

    /// What both prove together.
    pub(crate) fn merge(&mut self, other: Self) {
        self.sent_at = earliest(self.sent_at, other.sent_at);
        self.delivered_at = earliest(self.delivered_at, other.delivered_at);
        self.read_at = earliest(self.read_at, other.read_at);
        self.failure = [self.failure.take(), other.failure].into_iter().flatten().min();
        let ids = [std::mem::take(&mut self.provider_message_id), other.provider_message_id];
        self.provider_message_id = ids.into_iter().filter(|id| !id.is_empty()).min().unwrap_or_default();
    }

    /// The highest state that it proves; `None` when it proves nothing.
    fn state(&self) -> Option<DeliveryState> {
        [
            (self.read_at != 0, DeliveryState::Read),
            (self.delivered_at != 0, DeliveryState::Delivered),
            (self.failure.is_some(), DeliveryState::Failed),
            (self.sent_at != 0, DeliveryState::Sent),
        ]
        .into_iter()
        .find_map(|(proven, state)| proven.then_some(state))
    }
}

/// Where a delivery stands and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) state: DeliveryState,
    /// Why it failed; empty unless it has.
    pub(crate) reason: String,
    pub(crate) provider_message_id: String,
    pub(crate) sent_at: Micros,
    pub(crate) delivered_at: Micros,
    pub(crate) read_at: Micros,
    pub(crate) failed_at: Micros,
}

impl Standing {
    /// Takes evidence into account; whether anything changed.
    pub(crate) fn settle(&mut self, evidence: Evidence) -> bool {
        let before = self.clone();
        let mut known = Evidence {
            sent_at: self.sent_at,
            delivered_at: self.delivered_at,
            read_at: self.read_at,
            failure: (self.failed_at != 0).then(|| (self.failed_at, std::mem::take(&mut self.reason))),
            provider_message_id: std::mem::take(&mut self.provider_message_id),
        };
        known.merge(evidence);
        self.state = known.state().map_or(self.state, |proven| proven.max(self.state));
        self.sent_at = known.sent_at;
        self.delivered_at = known.delivered_at;
        self.read_at = known.read_at;
        self.provider_message_id = known.provider_message_id;
        (self.failed_at, self.reason) = known.failure.unwrap_or_default();
        if self.state != DeliveryState::Failed {
            self.reason = String::new();
        }
        *self != before
    }
}

fn earliest(one: Micros, other: Micros) -> Micros {
    match (one, other) {
        (0, time) | (time, 0) => time,
        (one, other) => one.min(other),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fresh(state: DeliveryState) -> Standing {
        Standing {
            state,
            reason: String::new(),
            provider_message_id: String::new(),
            sent_at: 0,
            delivered_at: 0,
            read_at: 0,
            failed_at: 0,
        }
    }

    fn receipt() -> impl Strategy<Value = Receipt> {
        prop_oneof![
            Just(Receipt::Sent),
            Just(Receipt::Delivered),
            Just(Receipt::Read),
            "13102[1-6]".prop_map(Receipt::Failed),
        ]
    }

    fn evidence() -> impl Strategy<Value = Evidence> {
        (receipt(), 0..6_i64, "(wamid[1-3])?").prop_map(|(receipt, at, id)| Evidence::of(receipt, at, &id))
    }

    fn merged(one: &Evidence, other: &Evidence) -> Evidence {
        let mut one = one.clone();
        one.merge(other.clone());
        one
    }

    proptest! {
        #[test]
        fn evidence_merges_in_any_order_any_grouping_and_any_number_of_times(
            a in evidence(), b in evidence(), c in evidence(),
        ) {
            prop_assert_eq!(merged(&a, &b), merged(&b, &a));
            prop_assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
            prop_assert_eq!(merged(&a, &a), a);
        }

        #[test]
        fn a_delivery_ends_in_one_standing_whatever_the_order_batches_and_repetitions(
            receipts in prop::collection::vec(evidence(), 1..8),
            order in any::<prop::sample::Index>(),
            repeated in any::<prop::sample::Index>(),
            batch in 1..4_usize,
        ) {
            let mut straight = fresh(DeliveryState::Accepted);
            for evidence in &receipts {
                straight.settle(evidence.clone());
            }
            let mut shuffled = receipts.clone();
            shuffled.rotate_left(order.index(receipts.len()));
            shuffled.reverse();
            shuffled.push(repeated.get(&receipts).clone());
            let mut other = fresh(DeliveryState::Accepted);
            for batch in shuffled.chunks(batch) {
                let mut together = Evidence::default();
                batch.iter().for_each(|evidence| together.merge(evidence.clone()));
                other.settle(together);
            }
            prop_assert_eq!(straight, other);
        }

        #[test]
        fn a_state_never_falls_and_a_second_time_changes_nothing(
            state in prop::sample::select(&DeliveryState::ALL[..]), receipts in prop::collection::vec(evidence(), 1..6),
        ) {
            let mut standing = fresh(state);
            for evidence in receipts {
                let before = standing.state;
                standing.settle(evidence.clone());
                prop_assert!(standing.state >= before);
                prop_assert!(!standing.settle(evidence));
                prop_assert_eq!(standing.reason.is_empty(), standing.state != DeliveryState::Failed || standing.failed_at == 0);
            }
        }
    }

    #[test]
    fn delivered_beats_failed_in_both_orders_and_the_times_stay() {
        let failed = Evidence::of(Receipt::Failed("131026".to_owned()), 5, "w");
        let delivered = Evidence::of(Receipt::Delivered, 9, "w");
        for order in [[&failed, &delivered], [&delivered, &failed]] {
            let mut standing = fresh(DeliveryState::Unknown);
            for evidence in order {
                standing.settle(evidence.clone());
            }
            assert_eq!((standing.state, standing.reason.as_str()), (DeliveryState::Delivered, ""));
            assert_eq!((standing.failed_at, standing.delivered_at), (5, 9));
        }
    }

    #[test]
    fn a_receipt_settles_what_was_never_answered() {
        let mut standing = fresh(DeliveryState::Sending);
        assert!(standing.settle(Evidence::of(Receipt::Read, 7, "w")));
        assert_eq!((standing.state, standing.provider_message_id.as_str()), (DeliveryState::Read, "w"));
    }
}
