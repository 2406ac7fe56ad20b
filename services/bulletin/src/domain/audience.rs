//! Whom a publication is for.

use senani_unit_tree::{Unit, UnitTree};
use uuid::Uuid;

/// Units in one audience at most.
pub(crate) const UNITS: usize = 100;

/// The groups of some subtrees, perhaps only of some audiences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Audience {
    /// Slugs of the tops of the subtrees, 1 to [`UNITS`].
    pub(crate) units: Vec<String>,
    /// Numbers of `senani.membership.v1.GroupAudience`; empty for all.
    pub(crate) group_audiences: Vec<i32>,
}

/// Why an audience is refused, with the path of the field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AudienceFault {
    /// No unit, or too many.
    Units,
    /// Not an audience of groups.
    GroupAudience(usize),
    /// No such unit.
    UnitUnknown(usize),
}

impl Audience {
    /// The tops of the subtrees.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub(crate) fn tops<'t>(&self, tree: &'t UnitTree) -> Result<Vec<Unit<'t>>, AudienceFault> {
        if self.units.is_empty() || self.units.len() > UNITS {
            return Err(AudienceFault::Units);
        }
        if let Some(at) = self.group_audiences.iter().position(|audience| !(1..=6).contains(audience)) {
            return Err(AudienceFault::GroupAudience(at));
        }
        let find = |(at, slug): (usize, &String)| tree.by_slug(slug).ok_or(AudienceFault::UnitUnknown(at));
        self.units.iter().enumerate().map(find).collect()
    }

    /// Whether a group of this unit and audience is meant.
    pub(crate) fn covers(&self, tops: &[Unit<'_>], unit: Option<Unit<'_>>, audience: i32) -> bool {
        (self.group_audiences.is_empty() || self.group_audiences.contains(&audience))
            && unit.is_some_and(|unit| tops.iter().any(|top| top.contains(unit)))
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
        Audience {
            units: units.iter().map(|slug| (*slug).to_owned()).collect(),
            group_audiences: group_audiences.to_vec(),
        }
    }

    #[test]
    fn an_audience_covers_the_groups_under_its_units() {
        let tree = tree();
        let patna = audience(&["patna"], &[1]);
        let tops = patna.tops(&tree).unwrap();
        let covers = |slug: &str, kind| patna.covers(&tops, tree.by_slug(slug), kind);
        assert!(covers("patna-kotwali-ps", 1) && covers("patna", 1));
        assert!(!covers("patna-kotwali-ps", 2) && !covers("eou", 1) && !covers("nowhere", 1));
    }

    #[test]
    fn a_wrong_audience_names_what_is_wrong() {
        let tree = tree();
        let fault = |units: &[&str], group_audiences: &[i32]| audience(units, group_audiences).tops(&tree).unwrap_err();
        assert_eq!(fault(&[], &[]), AudienceFault::Units);
        assert_eq!(fault(&["patna"; UNITS + 1], &[]), AudienceFault::Units);
        assert_eq!(fault(&["patna"], &[1, 7]), AudienceFault::GroupAudience(1));
        assert_eq!(fault(&["patna", "gaya"], &[]), AudienceFault::UnitUnknown(1));
    }

    #[test]
    fn figures_belong_to_the_district_or_to_the_unit_without_one() {
        let tree = tree();
        let id = Uuid::from_u128;
        assert_eq!([4, 3, 2, 9].map(|unit| district_of(&tree, id(unit))), [id(3), id(3), id(2), id(9)]);
    }
}
