//! Whom a group is for, and who belongs in it.

use std::fmt;

/// Whom a group is for. The numbers are those of `senani.membership.v1.GroupAudience`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i32)]
pub enum Audience {
    /// Police and public of a unit's area.
    Community = 1,
    /// The police of one rank.
    PoliceRank = 2,
    /// Women of the police.
    WomenPolice = 3,
    /// Officers.
    Officers = 4,
    /// The top level of a wing.
    Apex = 5,
    /// A regional office of a wing.
    Regional = 6,
}

impl Audience {
    /// Every audience.
    pub const ALL: [Self; 6] =
        [Self::Community, Self::PoliceRank, Self::WomenPolice, Self::Officers, Self::Apex, Self::Regional];

    /// The audience with this number in the contract; `None` for 0 and unknown numbers.
    #[must_use]
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|audience| audience.number() == number)
    }

    /// Its number in the contract.
    #[must_use]
    pub fn number(self) -> i32 {
        self as i32
    }
}

/// Police ranks, the highest first and smallest. The numbers are those of `senani.membership.v1.Rank`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i32)]
pub enum Rank {
    /// Director General of Police.
    DirectorGeneral = 1,
    /// Additional Director General.
    AdditionalDirectorGeneral = 2,
    /// Inspector General.
    InspectorGeneral = 3,
    /// Deputy Inspector General.
    DeputyInspectorGeneral = 4,
    /// (Senior) Superintendent.
    Superintendent = 5,
    /// Additional or Assistant Superintendent.
    AdditionalSuperintendent = 6,
    /// Deputy Superintendent (SDPO).
    DeputySuperintendent = 7,
    /// Inspector.
    Inspector = 8,
    /// Sub-inspector (SHO of most stations).
    SubInspector = 9,
    /// Assistant sub-inspector.
    AssistantSubInspector = 10,
    /// Havildar.
    Havildar = 11,
    /// Constable.
    Constable = 12,
}

impl Rank {
    /// Every rank, the highest first.
    pub const ALL: [Self; 12] = [
        Self::DirectorGeneral,
        Self::AdditionalDirectorGeneral,
        Self::InspectorGeneral,
        Self::DeputyInspectorGeneral,
        Self::Superintendent,
        Self::AdditionalSuperintendent,
        Self::DeputySuperintendent,
        Self::Inspector,
        Self::SubInspector,
        Self::AssistantSubInspector,
        Self::Havildar,
        Self::Constable,
    ];

    /// The rank with this number in the contract; `None` for 0 and unknown numbers.
    #[must_use]
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|rank| rank.number() == number)
    }

    /// Its number in the contract.
    #[must_use]
    pub fn number(self) -> i32 {
        self as i32
    }
}

/// The place for one group at a unit: an audience, and the rank where groups are rank-wise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot {
    /// Whom the group is for.
    pub audience: Audience,
    /// The one rank that it is for; only and always for [`Audience::PoliceRank`].
    pub rank: Option<Rank>,
}

/// What of a person decides in which groups they belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person {
    /// Whether the person is of the police.
    pub police: bool,
    /// The police rank, where it is known.
    pub rank: Option<Rank>,
    /// Whether the person is a woman.
    pub female: bool,
}

impl Slot {
    /// The slot of an audience that is not rank-wise.
    #[must_use]
    pub fn of(audience: Audience) -> Self {
        Self { audience, rank: None }
    }

    /// The slot of the police of one rank.
    #[must_use]
    pub fn of_rank(rank: Rank) -> Self {
        Self { audience: Audience::PoliceRank, rank: Some(rank) }
    }

    /// Whether somebody who is posted or lives at the unit belongs in the group.
    #[must_use]
    pub fn admits(self, person: &Person) -> bool {
        match self.audience {
            Audience::Community => true,
            Audience::PoliceRank => person.police && self.rank.is_some() && person.rank == self.rank,
            Audience::WomenPolice => person.police && person.female,
            Audience::Officers | Audience::Apex | Audience::Regional => person.police,
        }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rank {
            Some(rank) => write!(formatter, "{:?} {rank:?}", self.audience),
            None => write!(formatter, "{:?}", self.audience),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_dense_and_come_back() {
        assert_eq!(Audience::ALL.map(Audience::number), [1, 2, 3, 4, 5, 6]);
        assert_eq!(Rank::ALL.map(Rank::number), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
        assert!(Audience::ALL.iter().all(|audience| Audience::from_number(audience.number()) == Some(*audience)));
        assert!(Rank::ALL.iter().all(|rank| Rank::from_number(rank.number()) == Some(*rank)));
        assert_eq!((Audience::from_number(0), Audience::from_number(7)), (None, None));
        assert_eq!((Rank::from_number(0), Rank::from_number(13)), (None, None));
    }

    #[test]
    fn each_group_admits_whom_it_is_for() {
        let teacher = Person { police: false, rank: None, female: true };
        let constable = Person { police: true, rank: Some(Rank::Constable), female: true };
        let inspector = Person { police: true, rank: Some(Rank::Inspector), female: false };
        let unranked = Person { police: true, rank: None, female: false };
        let all = [teacher, constable, inspector, unranked];
        for (slot, admitted) in [
            (Slot::of(Audience::Community), [true, true, true, true]),
            (Slot::of_rank(Rank::Constable), [false, true, false, false]),
            (Slot::of_rank(Rank::Havildar), [false, false, false, false]),
            (Slot::of(Audience::PoliceRank), [false, false, false, false]),
            (Slot::of(Audience::WomenPolice), [false, true, false, false]),
            (Slot::of(Audience::Officers), [false, true, true, true]),
            (Slot::of(Audience::Apex), [false, true, true, true]),
            (Slot::of(Audience::Regional), [false, true, true, true]),
        ] {
            assert_eq!(all.map(|person| slot.admits(&person)), admitted, "{slot}");
        }
    }
}
