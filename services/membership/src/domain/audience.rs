//! Whom an audience means: groups, and what the members in them are.

use senani_order::{Audience, Rank};
use uuid::Uuid;

use super::vocabulary::Gender;

/// A group as an audience looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AudienceGroup {
    pub(crate) id: Uuid,
    pub(crate) slug: String,
    pub(crate) unit_id: Uuid,
    /// `None` for one that a later version knows.
    pub(crate) audience: Option<Audience>,
    pub(crate) active: bool,
    /// Present enrolments.
    pub(crate) enrolled_count: i32,
}

/// What a group is to an audience.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Its members are meant.
    Within,
    /// Its members are left out, whatever else they are in.
    Excluded,
    /// Neither.
    Beside,
}

/// The groups of an audience.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AudienceGroups {
    /// Active groups whose members are meant.
    pub(crate) within: Vec<Uuid>,
    /// Groups whose members are left out.
    pub(crate) excluded: Vec<Uuid>,
    /// Whether every group is within.
    pub(crate) all: bool,
    /// Enrolments in those within.
    pub(crate) enrolled: i64,
    /// Enrolments in all groups.
    pub(crate) total: i64,
}

impl AudienceGroups {
    /// Sorts all groups of the register by what they are to an audience.
    pub(crate) fn sort(groups: &[AudienceGroup], standing: impl Fn(&AudienceGroup) -> Standing) -> Self {
        let mut sorted = Self { all: true, ..Self::default() };
        for group in groups {
            let enrolled = i64::from(group.enrolled_count);
            sorted.total += enrolled;
            match standing(group) {
                Standing::Excluded => sorted.excluded.push(group.id),
                Standing::Within if group.active => {
                    sorted.within.push(group.id);
                    sorted.enrolled += enrolled;
                    continue;
                }
                Standing::Within | Standing::Beside => {}
            }
            sorted.all = false;
        }
        sorted
    }

    /// How many groups there are within.
    pub(crate) fn count(&self) -> i64 {
        i64::try_from(self.within.len()).unwrap_or(i64::MAX)
    }
}

/// What the members of an audience are: all of what is not empty, and of each one of the values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PersonFilter {
    pub(crate) categories: Vec<String>,
    pub(crate) ranks: Vec<Rank>,
    pub(crate) genders: Vec<Gender>,
    pub(crate) languages: Vec<String>,
    /// Members who are left out.
    pub(crate) without: Vec<Uuid>,
}

/// How many persons an audience has, as of a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AudienceCount {
    /// Their enrolments in its groups.
    pub(crate) enrolments: i64,
    /// Each once.
    pub(crate) persons: i64,
    /// Of these, who consent to direct messages.
    pub(crate) consenting: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_active_groups_are_within_and_one_that_is_not_makes_it_less_than_all() {
        let group = |id: u128, active, enrolled_count| AudienceGroup {
            id: Uuid::from_u128(id),
            slug: format!("group-{id}"),
            unit_id: Uuid::from_u128(100 + id),
            audience: Some(Audience::Community),
            active,
            enrolled_count,
        };
        let groups = [group(1, true, 10), group(2, true, 20), group(3, true, 40)];
        let id = Uuid::from_u128;
        let all = AudienceGroups::sort(&groups, |_| Standing::Within);
        assert_eq!((all.all, all.count(), all.enrolled, all.total), (true, 3, 70, 70));
        let some = AudienceGroups::sort(&groups, |group| match group.enrolled_count {
            10 => Standing::Excluded,
            20 => Standing::Beside,
            _ => Standing::Within,
        });
        assert_eq!((some.within, some.excluded), (vec![id(3)], vec![id(1)]));
        assert_eq!((some.all, some.enrolled, some.total), (false, 40, 70));
        let closed = AudienceGroups::sort(&[group(1, false, 0), group(2, true, 5)], |_| Standing::Within);
        assert_eq!((closed.within, closed.all), (vec![id(2)], false));
    }
}
