//! What may happen to a member, depending on where they stand.

use super::MemberState;

/// Something that is done with a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    Verify,
    Reject,
    /// Other names, category, rank, gender, language; another identifier; a consent.
    Amend,
    Enrol,
    EndEnrolment,
    Transfer,
    Suspend,
    Reinstate,
    Withdraw,
    /// Another record of the person is merged into this one.
    Absorb,
    /// This record is merged into another.
    MergeInto,
}

impl Act {
    #[cfg(test)]
    pub(crate) const ALL: [Self; 11] = [
        Self::Verify,
        Self::Reject,
        Self::Amend,
        Self::Enrol,
        Self::EndEnrolment,
        Self::Transfer,
        Self::Suspend,
        Self::Reinstate,
        Self::Withdraw,
        Self::Absorb,
        Self::MergeInto,
    ];
}

impl MemberState {
    /// Where a member stands after an act; `None` when it is not allowed.
    pub(crate) fn after(self, act: Act) -> Option<Self> {
        match (act, self) {
            (Act::Verify, Self::Pending) | (Act::Reinstate, Self::Suspended) => Some(Self::Active),
            (Act::Reject, Self::Pending) => Some(Self::Rejected),
            (Act::Suspend, Self::Active) => Some(Self::Suspended),
            (Act::Withdraw, Self::Active | Self::Suspended | Self::Pending) => Some(Self::Withdrawn),
            (Act::MergeInto, Self::Active | Self::Suspended | Self::Pending) => Some(Self::Merged),
            (Act::Enrol | Act::Absorb, Self::Active)
            | (Act::EndEnrolment, Self::Active | Self::Suspended)
            | (Act::Transfer, Self::Active | Self::Pending)
            | (Act::Amend, Self::Active | Self::Suspended | Self::Pending) => Some(self),
            _ => None,
        }
    }

    /// Whether the member holds places in groups.
    pub(crate) fn has_places(self) -> bool {
        matches!(self, Self::Active | Self::Suspended)
    }

    /// The state in the contract's words, for errors.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Withdrawn => "WITHDRAWN",
            Self::Pending => "PENDING",
            Self::Rejected => "REJECTED",
            Self::Suspended => "SUSPENDED",
            Self::Merged => "MERGED",
            Self::Erased => "ERASED",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_an_officer_s_verification_or_a_reinstatement_makes_somebody_active() {
        for state in MemberState::ALL {
            for act in Act::ALL {
                if state != MemberState::Active && state.after(act) == Some(MemberState::Active) {
                    assert!(matches!(
                        (state, act),
                        (MemberState::Pending, Act::Verify) | (MemberState::Suspended, Act::Reinstate)
                    ));
                }
            }
        }
    }

    #[test]
    fn nothing_happens_any_more_to_who_has_left() {
        for state in [MemberState::Withdrawn, MemberState::Rejected, MemberState::Merged, MemberState::Erased] {
            assert!(Act::ALL.into_iter().all(|act| state.after(act).is_none()), "{}", state.word());
        }
    }

    proptest! {
        /// Who was never verified never has a place, whatever was tried before.
        #[test]
        fn places_come_after_a_verification(tried in prop::collection::vec(0..Act::ALL.len(), 0..20)) {
            let mut state = MemberState::Pending;
            let mut verified = false;
            for act in tried.into_iter().map(|index| Act::ALL[index]) {
                if let Some(next) = state.after(act) {
                    verified |= act == Act::Verify;
                    state = next;
                }
                prop_assert!(verified || !state.has_places());
            }
        }
    }
}
