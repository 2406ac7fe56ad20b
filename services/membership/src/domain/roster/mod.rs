//! A chat group as the chat application exports it, against the register.

mod apply;
mod compare;
mod record;

use senani_order::{Person, Slot};
use senani_vault::{BlindIndex, PhoneNumber};
use uuid::Uuid;

use super::{Custodians, Role};

pub(crate) use apply::{Applied, ApplyError, Change, apply};
pub(crate) use compare::compare;
pub(crate) use record::{Reconciliation, RecordedDifference, RosterLine};

/// Days that a reconciliation is kept.
pub(crate) const KEPT_DAYS: i64 = 14;
/// Participants present at most: several times what the chat application lets into a group.
pub(crate) const MAX_PRESENT: usize = 5_000;
/// Differences that one call applies at most.
pub(crate) const MAX_SELECTED: usize = 10_000;

/// What was uploaded. The numbers are those of `senani.membership.v1.Reconciliation.Format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum Format {
    ChatExport = 1,
    List = 2,
    Table = 3,
}

impl Format {
    pub(crate) fn from_number(number: i32) -> Option<Self> {
        [Self::ChatExport, Self::List, Self::Table].into_iter().find(|format| *format as i32 == number)
    }
}

/// What differs. The numbers are those of `senani.membership.v1.RosterDifference.Kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i32)]
pub(crate) enum DifferenceKind {
    NumberChanged = 1,
    OnlyInChat = 2,
    OnlyInRegister = 3,
    RoleDiffers = 4,
}

impl DifferenceKind {
    pub(crate) fn from_number(number: i32) -> Option<Self> {
        let all = [Self::NumberChanged, Self::OnlyInChat, Self::OnlyInRegister, Self::RoleDiffers];
        all.into_iter().find(|kind| *kind as i32 == number)
    }
}

/// How sure it is that a member is not in the chat. The numbers are those of `senani.membership.v1.RosterDifference.Evidence`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum Evidence {
    Left = 1,
    NotListed = 2,
    NotSeen = 3,
}

impl Evidence {
    pub(crate) fn from_number(number: i32) -> Option<Self> {
        [Self::Left, Self::NotListed, Self::NotSeen].into_iter().find(|evidence| *evidence as i32 == number)
    }
}

/// Why a difference cannot be applied. The numbers are those of `senani.membership.v1.RosterDifference.Obstacle`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum Obstacle {
    NewNumberUnknown = 2,
    NumberTaken = 3,
    MemberInactive = 4,
    NotAdmitted = 5,
    GroupFull = 6,
    CustodianUnfit = 7,
    SoleCustodian = 8,
}

impl Obstacle {
    pub(crate) fn from_number(number: i32) -> Option<Self> {
        let all = [
            Self::NewNumberUnknown,
            Self::NumberTaken,
            Self::MemberInactive,
            Self::NotAdmitted,
            Self::GroupFull,
            Self::CustodianUnfit,
            Self::SoleCustodian,
        ];
        all.into_iter().find(|obstacle| *obstacle as i32 == number)
    }
}

/// Whether a participant is in the group at the end of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Present,
    Left,
    /// Goes on under a number that the file does not tell.
    NumberChanged,
}

/// Somebody in the file whose number is of the number plan. Each number comes once.
#[derive(Debug, Clone)]
pub(crate) struct Participant {
    pub(crate) number: PhoneNumber,
    pub(crate) index: BlindIndex,
    /// `None` when the file does not say.
    pub(crate) admin: Option<bool>,
    pub(crate) standing: Standing,
    /// Blind indexes of the numbers before, the last one first.
    pub(crate) formerly: Vec<BlindIndex>,
}

/// What a file says of a group.
#[derive(Debug, Clone)]
pub(crate) struct Upload {
    pub(crate) format: Format,
    /// BCP 47, empty when nothing tells.
    pub(crate) language: &'static str,
    pub(crate) participants: Vec<Participant>,
    /// Entries without a number, those of `own` not counted.
    pub(crate) unnumbered: usize,
    /// Numbers that are not of the number plan.
    pub(crate) foreign: usize,
    /// Whether the file names its owner without a number.
    pub(crate) own: bool,
    /// The member who uploads, when a member does.
    pub(crate) uploader: Option<Uuid>,
}

impl Upload {
    /// Whether the uploader is one of those whom the file names without a number. Who exports a chat is in it.
    fn names_uploader(&self) -> bool {
        self.own || self.format == Format::ChatExport
    }

    /// Whether everybody in the chat is accounted for.
    pub(crate) fn is_complete(&self) -> bool {
        let own = self.own && self.uploader.is_none();
        self.format != Format::ChatExport && self.unnumbered == 0 && !own
    }
}

/// A member as far as a comparison needs them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) id: Uuid,
    pub(crate) person: Person,
    pub(crate) active: bool,
    /// What they do in the group; `None` when not enrolled there.
    pub(crate) role: Option<Role>,
}

impl Known {
    /// Whether they can administer a group.
    fn is_fit(&self) -> bool {
        self.active && self.person.police
    }
}

/// The register as far as a comparison needs it.
#[derive(Debug, Clone)]
pub(crate) struct Register {
    pub(crate) slot: Slot,
    pub(crate) custodians: Custodians,
    pub(crate) enrolled_count: i32,
    /// How many the group can hold.
    pub(crate) ceiling: i32,
    /// Everybody who is enrolled, and everybody whose number the file holds, in the order of their ids.
    pub(crate) members: Vec<Known>,
    /// Who has the numbers of the file now.
    pub(crate) owners: std::collections::HashMap<BlindIndex, Uuid>,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) kind: DifferenceKind,
    pub(crate) member: Uuid,
    /// What they do in the group before; `None` when not enrolled.
    pub(crate) role: Option<Role>,
    /// What they do there when it is applied; `None` when nothing.
    pub(crate) applied_role: Option<Role>,
    /// Of [`DifferenceKind::OnlyInRegister`].
    pub(crate) evidence: Option<Evidence>,
    pub(crate) obstacle: Option<Obstacle>,
    /// Of [`DifferenceKind::NumberChanged`], when the file tells the new number.
    pub(crate) number: Option<NumberChange>,
}

/// A number that became another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NumberChange {
    /// The number by which the member was found.
    pub(crate) old: BlindIndex,
    pub(crate) new: BlindIndex,
    pub(crate) new_number: PhoneNumber,
}

/// What a comparison finds.
#[derive(Debug, Clone)]
pub(crate) struct Comparison {
    /// In the order of their kinds.
    pub(crate) differences: Vec<Difference>,
    pub(crate) in_both: usize,
    /// Numbers in the chat that no member has.
    pub(crate) strangers: Vec<PhoneNumber>,
}

#[cfg(test)]
mod tests;
