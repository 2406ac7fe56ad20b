//! Misconduct in a group: recorded, acted on, closed.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;

use uuid::Uuid;

/// Incidents of one subject that are named at most.
const NAMED: usize = 20;

/// Declares an enum whose numbers are those of the contract.
macro_rules! numbered {
    ($(#[doc = $doc:literal])* $name:ident { $($variant:ident = $number:literal),+ $(,)? }) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(i32)]
        pub(crate) enum $name { $($variant = $number),+ }

        impl $name {
            pub(crate) fn from_number(number: i32) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

numbered! {
    /// What it was. The numbers are those of `senani.membership.v1.Incident.Kind`.
    IncidentKind {
        ObscenePost = 1,
        PoliticalPost = 2,
        CommunalPost = 3,
        FalseInformation = 4,
        Abuse = 5,
        Spam = 6,
        Fraud = 7,
        Disclosure = 8,
        Other = 9,
    }
}

numbered! {
    /// Where it stands. The numbers are those of `senani.membership.v1.Incident.State`.
    IncidentState { Open = 1, Acted = 2, Closed = 3 }
}

numbered! {
    /// How it ended. The numbers are those of `senani.membership.v1.Incident.Outcome`.
    Outcome { Upheld = 1, NotUpheld = 2 }
}

numbered! {
    /// What was done. The numbers are those of `senani.membership.v1.IncidentAction.Kind`.
    ActionKind { Warned = 1, PostDeleted = 2, MemberRemoved = 3, GroupClosed = 4, Reported = 5 }
}

/// What was done about an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IncidentAction {
    pub(crate) kind: ActionKind,
    pub(crate) reference: String,
    /// Who recorded it.
    pub(crate) acted_by: String,
    /// Microseconds since the epoch.
    pub(crate) acted_at: i64,
}

/// What happened, in an officer's words. It may say something of a person: `Debug` does not show it, and it is kept sealed.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Note(pub(crate) String);

impl fmt::Debug for Note {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Note(…)")
    }
}

/// Misconduct in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Incident {
    pub(crate) id: Uuid,
    pub(crate) group_id: Uuid,
    pub(crate) group_slug: String,
    pub(crate) unit_id: Uuid,
    pub(crate) unit_slug: String,
    /// Who did it, where that is known.
    pub(crate) member: Option<Uuid>,
    pub(crate) kind: IncidentKind,
    pub(crate) state: IncidentState,
    pub(crate) outcome: Option<Outcome>,
    /// Microseconds since the epoch.
    pub(crate) occurred_at: i64,
    pub(crate) recorded_at: i64,
    /// 0 while it is not closed.
    pub(crate) closed_at: i64,
    pub(crate) recorded_by: String,
    pub(crate) closed_by: String,
    /// SHA-256, or empty.
    pub(crate) evidence: Vec<u8>,
    pub(crate) reference: String,
    pub(crate) actions: Vec<IncidentAction>,
    /// Grows with every change.
    pub(crate) version: i64,
}

/// Why something cannot happen to an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotNow {
    /// It is closed.
    Closed,
    /// It cannot be upheld without an action.
    NotActedOn,
}

impl Incident {
    /// Something was done.
    pub(crate) fn act(&mut self, action: IncidentAction) -> Result<(), NotNow> {
        if self.state == IncidentState::Closed {
            return Err(NotNow::Closed);
        }
        self.state = IncidentState::Acted;
        self.actions.push(action);
        self.version += 1;
        Ok(())
    }

    /// Nothing more is to do.
    pub(crate) fn close(&mut self, outcome: Outcome, by: &str, at: i64) -> Result<(), NotNow> {
        match (self.state, outcome) {
            (IncidentState::Closed, _) => return Err(NotNow::Closed),
            (IncidentState::Open, Outcome::Upheld) => return Err(NotNow::NotActedOn),
            _ => {}
        }
        self.state = IncidentState::Closed;
        self.outcome = Some(outcome);
        self.closed_by = by.to_owned();
        self.closed_at = at;
        self.version += 1;
        Ok(())
    }
}

/// What counting needs of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Happened {
    pub(crate) incident: Uuid,
    /// The member, or the group.
    pub(crate) subject: Uuid,
    pub(crate) occurred_at: i64,
}

/// A member or group with several incidents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Repeated {
    pub(crate) subject: Uuid,
    pub(crate) count: usize,
    pub(crate) last_occurred_at: i64,
    /// The last ones, the last first.
    pub(crate) incidents: Vec<Uuid>,
}

/// Those with at least `min` incidents: the most first, then those of whom the last is the latest, then by id.
pub(crate) fn repeated(happened: impl IntoIterator<Item = Happened>, min: usize) -> Vec<Repeated> {
    let mut by_subject = BTreeMap::<Uuid, Vec<(i64, Uuid)>>::new();
    for one in happened {
        by_subject.entry(one.subject).or_default().push((one.occurred_at, one.incident));
    }
    let mut repeated: Vec<Repeated> = by_subject
        .into_iter()
        .filter(|(_, incidents)| incidents.len() >= min)
        .map(|(subject, mut incidents)| {
            incidents.sort_unstable_by_key(|incident| Reverse(*incident));
            Repeated {
                subject,
                count: incidents.len(),
                last_occurred_at: incidents.first().map_or(0, |(at, _)| *at),
                incidents: incidents.into_iter().take(NAMED).map(|(_, incident)| incident).collect(),
            }
        })
        .collect();
    repeated.sort_by_key(|one| (Reverse(one.count), Reverse(one.last_occurred_at), one.subject));
    repeated
}

#[cfg(test)]
mod tests {
    use super::*;

    fn incident() -> Incident {
        Incident {
            id: Uuid::from_u128(1),
            group_id: Uuid::from_u128(2),
            group_slug: "group".into(),
            unit_id: Uuid::from_u128(3),
            unit_slug: "unit".into(),
            member: None,
            kind: IncidentKind::Spam,
            state: IncidentState::Open,
            outcome: None,
            occurred_at: 1,
            recorded_at: 2,
            closed_at: 0,
            recorded_by: "officers/a".into(),
            closed_by: String::new(),
            evidence: vec![],
            reference: String::new(),
            actions: vec![],
            version: 1,
        }
    }

    fn warned() -> IncidentAction {
        IncidentAction {
            kind: ActionKind::Warned,
            reference: String::new(),
            acted_by: "officers/a".into(),
            acted_at: 3,
        }
    }

    #[test]
    fn an_incident_is_acted_on_then_closed_and_nothing_happens_after() {
        let mut open = incident();
        assert_eq!(open.close(Outcome::Upheld, "officers/b", 4), Err(NotNow::NotActedOn));
        assert_eq!(open, incident());
        open.act(warned()).unwrap();
        open.act(warned()).unwrap();
        assert_eq!((open.state, open.actions.len(), open.version), (IncidentState::Acted, 2, 3));
        open.close(Outcome::Upheld, "officers/b", 4).unwrap();
        let closed = open.clone();
        assert_eq!((closed.state, closed.outcome, closed.closed_at), (IncidentState::Closed, Some(Outcome::Upheld), 4));
        assert_eq!(open.act(warned()), Err(NotNow::Closed));
        assert_eq!(open.close(Outcome::NotUpheld, "officers/c", 5), Err(NotNow::Closed));
        assert_eq!(open, closed);
        let mut unfounded = incident();
        unfounded.close(Outcome::NotUpheld, "officers/b", 4).unwrap();
        assert_eq!(unfounded.outcome, Some(Outcome::NotUpheld));
    }

    #[test]
    fn those_with_the_most_come_first_and_single_ones_not_at_all() {
        let happened = |subject: u128, incident: u128, occurred_at| Happened {
            incident: Uuid::from_u128(incident),
            subject: Uuid::from_u128(subject),
            occurred_at,
        };
        let all = [
            happened(1, 11, 5),
            happened(2, 12, 9),
            happened(3, 13, 1),
            happened(1, 14, 7),
            happened(2, 15, 2),
            happened(2, 16, 3),
        ];
        let found = repeated(all, 2);
        let counts: Vec<_> = found.iter().map(|one| (one.subject.as_u128(), one.count, one.last_occurred_at)).collect();
        assert_eq!(counts, [(2, 3, 9), (1, 2, 7)]);
        assert_eq!(found[0].incidents.iter().map(Uuid::as_u128).collect::<Vec<_>>(), [12, 16, 15]);
    }
}
