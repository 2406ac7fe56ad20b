//! An order as it is issued.

use crate::{Audience, Date, Rank, Slot};

/// A dated, numbered instruction on group formation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Order {
    /// The readable name that never changes; unique.
    pub slug: String,
    /// The number on the paper.
    pub number: String,
    /// The day on the paper. Of two orders that cover the same, the one issued later prevails.
    pub issue_date: Date,
    /// The first day on which it binds; not before `issue_date`.
    pub effective_date: Date,
    /// Slugs of the orders that it supersedes for what it covers. Those issued earlier give way in any case; naming one
    /// decides between orders of the same day.
    pub supersedes: Vec<String>,
    /// At least one.
    pub rules: Vec<Rule>,
}

/// The units that a rule is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// All of a kind: a number of `senani.hierarchy.v1.UnitKind`.
    Kind(i32),
    /// Those in a set of units, whatever their kinds, named by its slug.
    Set(String),
}

/// What an order demands of, or allows, every unit of a kind or set: one group for its audience, rank-wise one for each rank.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rule {
    /// The units that it binds.
    pub target: Target,
    /// Whom the group is for.
    pub audience: Audience,
    /// One group for each of these; only and always for [`Audience::PoliceRank`].
    pub ranks: Vec<Rank>,
    /// What is asked of each such group.
    pub terms: Terms,
}

/// What is asked of a group. 1 ≤ `min` ≤ `target` ≤ `split_at` ≤ `max`, all in members.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Terms {
    /// Whether the group must exist; otherwise it may.
    pub required: bool,
    /// Below this the group is short.
    pub min: u32,
    /// What to aim at.
    pub target: u32,
    /// From here on the group should be split.
    pub split_at: u32,
    /// What the group can hold.
    pub max: u32,
    /// The last day on which the group may still be short.
    pub due_date: Option<Date>,
    /// Ranks that administer such a group, preferred first; empty for any.
    pub custodian_ranks: Vec<Rank>,
}

impl Rule {
    /// The groups that it speaks of, at each unit that it is for.
    pub fn slots(&self) -> impl Iterator<Item = Slot> {
        let rank_wise = self.audience == Audience::PoliceRank;
        let one = (!rank_wise).then(|| Slot::of(self.audience));
        one.into_iter().chain(self.ranks.iter().filter(move |_| rank_wise).map(|rank| Slot::of_rank(*rank)))
    }
}
