//! The end of a person in the register.

use uuid::Uuid;

use super::Custodians;

/// Why a person is erased. The numbers are those of `senani.membership.v1.ErasureReason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum ErasureReason {
    Request = 1,
    ConsentWithdrawn = 2,
    PurposeEnded = 3,
    RecordedWrongly = 4,
    Ordered = 5,
    Deceased = 6,
}

impl ErasureReason {
    const ALL: [Self; 6] = [
        Self::Request,
        Self::ConsentWithdrawn,
        Self::PurposeEnded,
        Self::RecordedWrongly,
        Self::Ordered,
        Self::Deceased,
    ];

    pub(crate) fn from_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| *reason as i32 == number)
    }
}

/// Characters of a reference at most.
const REFERENCE_LENGTH: usize = 40;

/// Whether a text names a file and cannot well name a person: it remains after the erasure. Empty is right.
pub(crate) fn is_reference(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || matches!(byte, b'/' | b'-' | b'.');
    text.is_empty()
        || (text.len() <= REFERENCE_LENGTH
            && text.bytes().all(allowed)
            && text.bytes().any(|byte| byte.is_ascii_digit()))
}

/// An erasure, done or planned: counts and codes, and nothing of the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Erasure {
    /// The record that stood for the person.
    pub(crate) member: Uuid,
    /// Those that had been merged into it.
    pub(crate) merged: Vec<Uuid>,
    pub(crate) reason: ErasureReason,
    pub(crate) reference: String,
    /// Microseconds since the epoch.
    pub(crate) erased_at: i64,
    /// Identifiers destroyed, present and past.
    pub(crate) identifiers: i64,
    /// Reasons of disclosures that can be read no more.
    pub(crate) disclosures: i64,
    /// Entries of the history, of which the act and its time remain.
    pub(crate) happenings: i64,
    /// Records of consent that remain.
    pub(crate) consents: i64,
    /// Enrolments that remain, ended.
    pub(crate) enrolments: i64,
    /// Entries of the audit that remain, that of the erasure included.
    pub(crate) audit_entries: i64,
    pub(crate) incidents: i64,
    /// Slugs of the groups that the person was taken out of.
    pub(crate) groups: Vec<String>,
}

/// Nobody else administers the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OnlyCustodian;

/// The custodians without a person; `None` when the person is none of them. The first backup follows a primary.
pub(crate) fn without(custodians: &Custodians, person: Uuid) -> Result<Option<Custodians>, OnlyCustodian> {
    if custodians.all().all(|custodian| custodian != person) {
        return Ok(None);
    }
    let mut others = custodians.all().filter(|custodian| *custodian != person);
    let primary = others.next().ok_or(OnlyCustodian)?;
    Ok(Some(Custodians { primary: Some(primary), backups: others.collect() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_not_alone_gives_up_the_place_and_the_next_one_follows() {
        let [one, two, three, other] = [1, 2, 3, 4].map(Uuid::from_u128);
        let custodians = |ids: &[Uuid]| Custodians { primary: ids.first().copied(), backups: ids[1..].to_vec() };
        assert_eq!(without(&custodians(&[one, two, three]), one), Ok(Some(custodians(&[two, three]))));
        assert_eq!(without(&custodians(&[one, two, three]), three), Ok(Some(custodians(&[one, two]))));
        assert_eq!(without(&custodians(&[one, two]), other), Ok(None));
        assert_eq!(without(&Custodians::default(), other), Ok(None));
        assert_eq!(without(&custodians(&[one]), one), Err(OnlyCustodian));
        assert_eq!(without(&Custodians { primary: None, backups: vec![one] }, one), Err(OnlyCustodian));
    }

    #[test]
    fn a_reference_names_a_file_and_no_person() {
        for right in ["", "EOU/2026/0042", "7", "DPB-12.3"] {
            assert!(is_reference(right), "{right}");
        }
        for wrong in ["SITA", "Sita 42", "सीता 42", "EOU/2026/0042 ", &"1".repeat(41)] {
            assert!(!is_reference(wrong), "{wrong}");
        }
    }
}
