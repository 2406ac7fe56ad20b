//! Deliveries: bulletin to member over channel.

use uuid::Uuid;

use super::Micros;

/// Where a delivery stands. The numbers are those of `senani.bulletin.v1.Delivery.State`, and they are ranks: evidence only ever raises a
/// delivery (see [`super::receipt`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum DeliveryState {
    Queued = 1,
    Sending = 2,
    Unknown = 3,
    Accepted = 4,
    Sent = 5,
    Failed = 6,
    Delivered = 7,
    Read = 8,
}

impl DeliveryState {
    pub(crate) const ALL: [Self; 8] = [
        Self::Queued,
        Self::Sending,
        Self::Unknown,
        Self::Accepted,
        Self::Sent,
        Self::Failed,
        Self::Delivered,
        Self::Read,
    ];

    pub(crate) fn from_code(code: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }

    pub(crate) fn code(self) -> i32 {
        self as i32
    }

    /// Whether the house still has something to do for it.
    #[cfg(test)]
    pub(crate) fn is_open(self) -> bool {
        self <= Self::Unknown
    }
}

/// Reason of a delivery whose member has withdrawn consent since the audience was resolved.
pub(crate) const CONSENT_WITHDRAWN: &str = "CONSENT_WITHDRAWN";
/// Reason of a delivery whose member has left the register since.
pub(crate) const MEMBER_GONE: &str = "MEMBER_GONE";
/// Reason of a delivery that the provider would not take again and again.
pub(crate) const ATTEMPTS_EXHAUSTED: &str = "ATTEMPTS_EXHAUSTED";

/// A row of the ledger, as callers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) id: Uuid,
    pub(crate) bulletin: Uuid,
    pub(crate) member: Uuid,
    pub(crate) unit: Uuid,
    pub(crate) channel: String,
    pub(crate) attempt_count: i32,
    pub(crate) created_at: Micros,
    pub(crate) standing: super::receipt::Standing,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_states_are_those_before_the_provider_has_it() {
        let open: Vec<_> = DeliveryState::ALL.into_iter().filter(|state| state.is_open()).collect();
        assert_eq!(open, [DeliveryState::Queued, DeliveryState::Sending, DeliveryState::Unknown]);
    }
}
