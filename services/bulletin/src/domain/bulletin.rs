//! The life of a bulletin: draft → in review → approved → publishing → published.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::Micros;
use super::code::Code;
use super::poster::Poster;

/// Where a bulletin stands. The numbers are those of `senani.bulletin.v1.Bulletin.State`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Draft = 1,
    InReview = 2,
    Approved = 3,
    Publishing = 4,
    Published = 5,
}

impl State {
    pub(crate) fn from_code(code: i32) -> Option<Self> {
        [Self::Draft, Self::InReview, Self::Approved, Self::Publishing, Self::Published]
            .into_iter()
            .find(|state| state.code() == code)
    }

    pub(crate) fn code(self) -> i32 {
        self as i32
    }

    /// As the contract writes it, without its prefix.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Draft => "DRAFT",
            Self::InReview => "IN_REVIEW",
            Self::Approved => "APPROVED",
            Self::Publishing => "PUBLISHING",
            Self::Published => "PUBLISHED",
        }
    }
}

/// A unit by its key and by its name that never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IssuingUnit {
    pub(crate) id: Uuid,
    pub(crate) slug: String,
}

/// A cyber bulletin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bulletin {
    pub(crate) id: Uuid,
    /// Empty until it is approved.
    pub(crate) number: String,
    pub(crate) issuing_unit: IssuingUnit,
    pub(crate) state: State,
    /// A number of `senani.bulletin.v1.Category`, which is not interpreted here.
    pub(crate) category: i32,
    /// A number of `senani.bulletin.v1.Severity`: the higher, the sooner it is sent.
    pub(crate) severity: i32,
    pub(crate) headlines: BTreeMap<String, String>,
    pub(crate) texts: BTreeMap<String, String>,
    pub(crate) poster: Option<Poster>,
    /// Subject of the officer who wrote it.
    pub(crate) author: String,
    /// Subject of the officer who approved it; empty until then.
    pub(crate) approver: String,
    /// Counts the changes.
    pub(crate) version: i64,
    pub(crate) created_at: Micros,
    pub(crate) approved_at: Micros,
    pub(crate) published_at: Micros,
    /// W3C traceparent of the approval, which everything that follows continues; empty when it was not traced.
    pub(crate) trace_parent: String,
    pub(crate) visibility: Visibility,
    /// The code on its poster; given at approval.
    pub(crate) code: Option<Code>,
}

/// Who may read a bulletin without being a member. The numbers are those of `senani.bulletin.v1.Visibility`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Visibility {
    Members = 1,
    Public = 2,
}

impl Visibility {
    /// What is not public is for members.
    pub(crate) fn from_code(code: i32) -> Self {
        if code == Self::Public.code() { Self::Public } else { Self::Members }
    }

    pub(crate) fn code(self) -> i32 {
        self as i32
    }
}

/// Why a step is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The state does not allow it.
    State(State),
    /// The author may not approve.
    OwnBulletin,
    /// Only what is approved can be published.
    NotApproved(State),
}

impl Bulletin {
    /// Opaque to callers; changes with every change.
    pub(crate) fn etag(&self) -> String {
        format!("\"{}\"", self.version)
    }

    pub(crate) fn check_attach(&self) -> Result<(), Refusal> {
        self.expect(State::Draft)
    }

    pub(crate) fn attach(&mut self, poster: Poster) -> Result<(), Refusal> {
        self.check_attach()?;
        self.poster = Some(poster);
        self.version += 1;
        Ok(())
    }

    pub(crate) fn submit(&mut self) -> Result<(), Refusal> {
        self.expect(State::Draft)?;
        self.enter(State::InReview);
        Ok(())
    }

    pub(crate) fn give_back(&mut self) -> Result<(), Refusal> {
        self.expect(State::InReview)?;
        self.enter(State::Draft);
        Ok(())
    }

    /// Whether `approver` may approve it now.
    pub(crate) fn check_approve(&self, approver: &str) -> Result<(), Refusal> {
        self.expect(State::InReview)?;
        if self.author == approver { Err(Refusal::OwnBulletin) } else { Ok(()) }
    }

    pub(crate) fn approve(
        &mut self,
        approver: &str,
        number: String,
        code: Code,
        at: Micros,
        trace_parent: String,
    ) -> Result<(), Refusal> {
        self.check_approve(approver)?;
        self.number = number;
        self.code = Some(code);
        approver.clone_into(&mut self.approver);
        self.approved_at = at;
        self.trace_parent = trace_parent;
        self.enter(State::Approved);
        Ok(())
    }

    /// Whether it may be published, for the first time or again to a wider audience.
    pub(crate) fn check_publish(&self) -> Result<(), Refusal> {
        match self.state {
            State::Approved | State::Publishing | State::Published => Ok(()),
            state => Err(Refusal::NotApproved(state)),
        }
    }

    pub(crate) fn publish(&mut self, at: Micros) -> Result<(), Refusal> {
        self.check_publish()?;
        if self.published_at == 0 {
            self.published_at = at;
        }
        self.enter(State::Publishing);
        Ok(())
    }

    /// Nothing is under way any more.
    pub(crate) fn close(&mut self) -> Result<(), Refusal> {
        self.expect(State::Publishing)?;
        self.enter(State::Published);
        Ok(())
    }

    fn expect(&self, state: State) -> Result<(), Refusal> {
        if self.state == state { Ok(()) } else { Err(Refusal::State(self.state)) }
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.version += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> Bulletin {
        Bulletin {
            id: Uuid::nil(),
            number: String::new(),
            issuing_unit: IssuingUnit { id: Uuid::nil(), slug: "eou".to_owned() },
            state: State::Draft,
            category: 1,
            severity: 1,
            headlines: BTreeMap::new(),
            texts: BTreeMap::new(),
            poster: None,
            author: "officers/author".to_owned(),
            approver: String::new(),
            version: 1,
            created_at: 1,
            approved_at: 0,
            published_at: 0,
            trace_parent: String::new(),
            visibility: Visibility::Members,
            code: None,
        }
    }

    #[test]
    fn a_bulletin_goes_through_review_by_another_officer_and_may_be_published_twice() {
        let mut bulletin = draft();
        bulletin.submit().unwrap();
        let number = "EOU/2026/0001".to_owned();
        let own = bulletin.approve("officers/author", number.clone(), Code::of(7), 2, String::new());
        assert_eq!(own, Err(Refusal::OwnBulletin));
        bulletin.approve("officers/approver", number, Code::of(7), 2, String::new()).unwrap();
        bulletin.publish(3).unwrap();
        bulletin.close().unwrap();
        bulletin.publish(4).unwrap();
        assert_eq!((bulletin.state, bulletin.published_at, bulletin.version), (State::Publishing, 3, 6));
    }

    #[test]
    fn a_returned_bulletin_is_a_draft_again() {
        let mut bulletin = draft();
        bulletin.submit().unwrap();
        assert_eq!(bulletin.submit(), Err(Refusal::State(State::InReview)));
        bulletin.give_back().unwrap();
        assert_eq!(bulletin.state, State::Draft);
        assert_eq!(bulletin.publish(1), Err(Refusal::NotApproved(State::Draft)));
        assert_eq!(bulletin.close(), Err(Refusal::State(State::Draft)));
    }
}
