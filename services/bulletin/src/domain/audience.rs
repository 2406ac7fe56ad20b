//! Whom a publication is for.

use senani_unit_replica::UnitSets;
use senani_unit_tree::{Unit, UnitTree};
use uuid::Uuid;

/// Names in one list of an audience at most.
const LISTED: usize = 100;

/// Whom a publication is for: `senani.membership.v1.AudienceSelector`, with slugs instead of names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Audience {
    /// Tops of subtrees.
    pub(crate) units: Vec<String>,
    /// Numbers of `senani.membership.v1.GroupAudience`.
    pub(crate) group_audiences: Vec<i32>,
    /// Numbers of `senani.hierarchy.v1.UnitKind`.
    pub(crate) unit_kinds: Vec<i32>,
    pub(crate) unit_sets: Vec<String>,
    pub(crate) persons: Persons,
    pub(crate) excluded: Excluded,
}

/// What the persons of an audience are; only membership knows who is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Persons {
    pub(crate) categories: Vec<String>,
    /// Numbers of `senani.membership.v1.Rank`.
    pub(crate) ranks: Vec<i32>,
    pub(crate) genders: Vec<String>,
    pub(crate) languages: Vec<String>,
}

/// Who is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Excluded {
    /// Tops of subtrees.
    pub(crate) units: Vec<String>,
    pub(crate) unit_sets: Vec<String>,
    pub(crate) groups: Vec<String>,
    pub(crate) members: Vec<Uuid>,
}

/// Why an audience is refused here, before membership is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AudienceFault {
    /// The list, as a path in the selector.
    pub(crate) list: &'static str,
    pub(crate) kind: FaultKind,
}

/// What is wrong with a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// It and `unit_sets` are empty.
    Nowhere,
    /// Over [`LISTED`].
    TooMany,
    /// What is there is not an audience of groups.
    GroupAudience(usize),
    /// No such unit.
    UnitUnknown(usize, String),
    /// No such set.
    SetUnknown(usize, String),
}

impl Audience {
    /// The audience in the structure as it is known here.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub(crate) fn covering<'a>(
        &'a self,
        tree: &'a UnitTree,
        sets: &'a UnitSets,
    ) -> Result<Covering<'a>, AudienceFault> {
        let fault = |list, kind| AudienceFault { list, kind };
        if self.units.is_empty() && self.unit_sets.is_empty() {
            return Err(fault("units", FaultKind::Nowhere));
        }
        let find = |list, slugs: &[String]| {
            if slugs.len() > LISTED {
                return Err(fault(list, FaultKind::TooMany));
            }
            let one = |(at, slug): (usize, &String)| {
                tree.by_slug(slug).ok_or_else(|| fault(list, FaultKind::UnitUnknown(at, slug.clone())))
            };
            slugs.iter().enumerate().map(one).collect::<Result<Vec<_>, _>>()
        };
        let known = |list, slugs: &[String]| {
            if slugs.len() > LISTED {
                return Err(fault(list, FaultKind::TooMany));
            }
            let unknown = slugs.iter().position(|set| !sets.knows(set));
            unknown.map_or(Ok(()), |at| Err(fault(list, FaultKind::SetUnknown(at, slugs[at].clone()))))
        };
        if let Some(at) = self.group_audiences.iter().position(|audience| !(1..=6).contains(audience)) {
            return Err(fault("group_audiences", FaultKind::GroupAudience(at)));
        }
        known("unit_sets", &self.unit_sets)?;
        known("excluded.unit_sets", &self.excluded.unit_sets)?;
        let tops = find("units", &self.units)?;
        let excluded = find("excluded.units", &self.excluded.units)?;
        Ok(Covering { audience: self, tree, sets, tops, excluded })
    }

    /// Whether its groups get a post. A post reaches everybody in a group: what is only for some kind of persons goes to them alone.
    pub(crate) fn is_posted(&self) -> bool {
        self.persons == Persons::default()
    }
}

/// An audience in the structure.
#[derive(Debug)]
pub(crate) struct Covering<'a> {
    audience: &'a Audience,
    tree: &'a UnitTree,
    sets: &'a UnitSets,
    tops: Vec<Unit<'a>>,
    excluded: Vec<Unit<'a>>,
}

impl Covering<'_> {
    /// Whether a group gets a post: its slug, its unit and the number of its audience.
    pub(crate) fn posts_to(&self, slug: &str, unit: Uuid, audience: i32) -> bool {
        let Audience { group_audiences, unit_kinds, unit_sets, excluded, .. } = self.audience;
        let Some(at) = self.tree.by_id(unit) else { return false };
        let in_one_of = |sets: &[String]| sets.iter().any(|set| self.sets.contains(set, unit));
        let left_out = self.excluded.iter().any(|top| top.contains(at))
            || in_one_of(&excluded.unit_sets)
            || excluded.groups.iter().any(|group| group == slug);
        self.audience.is_posted()
            && !left_out
            && (self.tops.is_empty() || self.tops.iter().any(|top| top.contains(at)))
            && (unit_sets.is_empty() || in_one_of(unit_sets))
            && (unit_kinds.is_empty() || unit_kinds.contains(&at.kind()))
            && (group_audiences.is_empty() || group_audiences.contains(&audience))
    }
}

/// `senani.hierarchy.v1.UnitKind.UNIT_KIND_DISTRICT`.
const DISTRICT: i32 = 6;

/// The unit whose figures something of `unit` enters: its district, or itself when it is under none or not known here.
pub(crate) fn district_of(tree: &UnitTree, unit: Uuid) -> Uuid {
    tree.by_id(unit).and_then(|unit| unit.ancestor_of_kind(DISTRICT)).map_or(unit, |district| district.id())
}

#[cfg(test)]
mod tests {
    use senani_unit_tree::UnitEntry;

    use super::*;

    fn tree() -> UnitTree {
        let unit = |id: u128, parent: u128, kind, slug: &str| UnitEntry {
            id: Uuid::from_u128(id),
            parent: (parent != 0).then(|| Uuid::from_u128(parent)),
            kind,
            slug: slug.to_owned(),
            ..UnitEntry::default()
        };
        UnitTree::build([
            unit(1, 0, 1, "bihar"),
            unit(2, 1, 2, "eou"),
            unit(3, 1, DISTRICT, "patna"),
            unit(4, 3, 10, "patna-kotwali-ps"),
        ])
        .unwrap()
    }

    fn audience(units: &[&str], group_audiences: &[i32]) -> Audience {
        Audience { units: words(units), group_audiences: group_audiences.to_vec(), ..Audience::default() }
    }

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    /// Units whose community group gets a post.
    fn posted(audience: &Audience) -> Vec<&'static str> {
        let (tree, sets) = (tree(), UnitSets::default());
        let covering = audience.covering(&tree, &sets).unwrap();
        let posted = |slug: &&str| {
            tree.by_slug(slug).is_some_and(|unit| covering.posts_to(&format!("{slug}-community"), unit.id(), 1))
        };
        ["bihar", "eou", "patna", "patna-kotwali-ps", "nowhere"].into_iter().filter(posted).collect()
    }

    #[test]
    fn an_audience_covers_the_groups_under_its_units_that_fit_and_are_not_excluded() {
        let bihar = audience(&["bihar"], &[]);
        assert_eq!(posted(&bihar), ["bihar", "eou", "patna", "patna-kotwali-ps"]);
        assert_eq!(posted(&audience(&["patna", "eou"], &[1])), ["eou", "patna", "patna-kotwali-ps"]);
        assert!(posted(&audience(&["patna"], &[2])).is_empty());
        assert_eq!(posted(&Audience { unit_kinds: vec![10, 2], ..bihar.clone() }), ["eou", "patna-kotwali-ps"]);
        let excluded = Excluded { units: words(&["patna"]), ..Excluded::default() };
        assert_eq!(posted(&Audience { excluded, ..bihar.clone() }), ["bihar", "eou"]);
        let excluded = Excluded { groups: words(&["patna-community"]), ..Excluded::default() };
        assert_eq!(posted(&Audience { excluded, ..bihar.clone() }), ["bihar", "eou", "patna-kotwali-ps"]);
        let excluded = Excluded { members: vec![Uuid::from_u128(9)], ..Excluded::default() };
        assert_eq!(posted(&Audience { excluded, ..bihar.clone() }), posted(&bihar), "a post reaches the whole group");
    }

    #[test]
    fn what_is_for_some_kind_of_persons_is_posted_in_no_group() {
        for persons in [
            Persons { categories: words(&["teacher"]), ..Persons::default() },
            Persons { ranks: vec![12], ..Persons::default() },
            Persons { genders: words(&["female"]), ..Persons::default() },
            Persons { languages: words(&["mai"]), ..Persons::default() },
        ] {
            assert!(posted(&Audience { persons, ..audience(&["bihar"], &[]) }).is_empty());
        }
    }

    #[test]
    fn a_wrong_audience_names_what_is_wrong() {
        let (tree, sets) = (tree(), UnitSets::default());
        let fault = |audience: Audience| {
            let fault = audience.covering(&tree, &sets).unwrap_err();
            (fault.list, fault.kind)
        };
        let bihar = audience(&["bihar"], &[]);
        assert_eq!(fault(Audience::default()), ("units", FaultKind::Nowhere));
        assert_eq!(fault(audience(&["patna"; LISTED + 1], &[])), ("units", FaultKind::TooMany));
        assert_eq!(fault(audience(&["patna"], &[1, 7])), ("group_audiences", FaultKind::GroupAudience(1)));
        let unknown = |at| FaultKind::UnitUnknown(at, "gaya".to_owned());
        assert_eq!(fault(audience(&["patna", "gaya"], &[])), ("units", unknown(1)));
        let excluded = Excluded { units: words(&["gaya"]), ..Excluded::default() };
        assert_eq!(fault(Audience { excluded, ..bihar.clone() }), ("excluded.units", unknown(0)));
        let unknown = FaultKind::SetUnknown(0, "river".to_owned());
        assert_eq!(
            fault(Audience { unit_sets: words(&["river"]), ..Audience::default() }),
            ("unit_sets", unknown.clone())
        );
        let excluded = Excluded { unit_sets: words(&["river"]), ..Excluded::default() };
        assert_eq!(fault(Audience { excluded, ..bihar }), ("excluded.unit_sets", unknown));
    }

    #[test]
    fn figures_belong_to_the_district_or_to_the_unit_without_one() {
        let tree = tree();
        let id = Uuid::from_u128;
        assert_eq!([4, 3, 2, 9].map(|unit| district_of(&tree, id(unit))), [id(3), id(3), id(2), id(9)]);
    }
}
