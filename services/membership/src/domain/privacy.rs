//! Who sees what of a person in clear, and what for.

use std::fmt;

use uuid::Uuid;

use super::{Enrolment, ErasureReason, Happening, IdentifierKind, Incident, ListedConsent, Member, Note};

/// Characters of a reason for a disclosure: enough to say something, and no file of its own.
const REASON_LENGTH: std::ops::RangeInclusive<usize> = 10..=500;

/// What a disclosure is needed for. It may say something of the person: `Debug` does not show it, and it is kept sealed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct DisclosureReason(String);

impl DisclosureReason {
    /// `None` when it is too short, too long or holds control characters.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let right = REASON_LENGTH.contains(&text.chars().count()) && !text.chars().any(char::is_control);
        right.then(|| Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DisclosureReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DisclosureReason(…)")
    }
}

/// What was done with a person's data. The numbers are those of `senani.membership.v1.AuditEntry.Action`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum AuditAction {
    PhoneRevealed = 1,
    PersonExported = 2,
    PersonErased = 3,
}

impl AuditAction {
    pub(crate) fn from_number(number: i32) -> Option<Self> {
        [Self::PhoneRevealed, Self::PersonExported, Self::PersonErased]
            .into_iter()
            .find(|action| *action as i32 == number)
    }
}

/// An entry of the audit.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct AuditEntry {
    pub(crate) id: Uuid,
    pub(crate) member: Uuid,
    pub(crate) action: AuditAction,
    /// Who did it.
    pub(crate) subject: String,
    /// Microseconds since the epoch.
    pub(crate) recorded_at: i64,
    /// Empty for erasures, and once the person is erased.
    pub(crate) reason: String,
    /// Of an erasure.
    pub(crate) erasure_reason: Option<ErasureReason>,
    pub(crate) reference: String,
}

/// An identifier, present or past.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Identifier {
    /// Under whom it is recorded.
    pub(crate) member: Uuid,
    pub(crate) kind: IdentifierKind,
    pub(crate) value: String,
    /// Microseconds since the epoch.
    pub(crate) valid_from: i64,
    /// 0: present.
    pub(crate) valid_to: i64,
}

/// A place in a group, present or past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RecordedEnrolment {
    /// Under whom it is recorded.
    pub(crate) member: Uuid,
    pub(crate) enrolment: Enrolment,
    /// Microseconds since the epoch; 0 while it lasts.
    pub(crate) ended_at: i64,
}

/// Everything that the register holds of a person. No `Debug`: it is theirs.
pub(crate) struct PersonExport {
    pub(crate) member: Member,
    pub(crate) household_known: bool,
    pub(crate) identifiers: Vec<Identifier>,
    pub(crate) consents: Vec<ListedConsent>,
    /// Present and past.
    pub(crate) enrolments: Vec<RecordedEnrolment>,
    pub(crate) history: Vec<Happening>,
    pub(crate) audit_entries: Vec<AuditEntry>,
    /// With their notes.
    pub(crate) incidents: Vec<(Incident, Note)>,
    /// Microseconds since the epoch.
    pub(crate) exported_at: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_says_something_and_is_not_shown() {
        for wrong in ["", "x", "  short    ", "nine char", "with a \u{7} bell in it", &"न".repeat(501)] {
            assert_eq!(DisclosureReason::parse(wrong), None);
        }
        let reason = DisclosureReason::parse("  सीता देवी से बात करनी है ").unwrap();
        assert_eq!(reason.as_str(), "सीता देवी से बात करनी है");
        assert_eq!(format!("{reason:?}"), "DisclosureReason(…)");
    }
}
