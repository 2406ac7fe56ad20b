//! Which groups the orders in force still lack.

use std::collections::{BTreeMap, HashMap};

use senani_order::{Audience, Rank, Slot, UnitRules};
use senani_unit_tree::Unit;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::vocabulary::rank_word;

/// Characters of a slug at most.
const SLUG_LENGTH: usize = 63;

/// A group that an order demands and that does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlannedGroup {
    pub(crate) unit_id: Uuid,
    pub(crate) unit_slug: String,
    /// A number of `senani.hierarchy.v1.UnitKind`.
    pub(crate) unit_kind: i32,
    pub(crate) slot: Slot,
    /// 1, or the next after parts that are closed.
    pub(crate) part: i32,
    /// Slug of the order that demands it.
    pub(crate) order: String,
    /// Members that it needs at least.
    pub(crate) min: u32,
    pub(crate) slug: String,
    /// Names by language.
    pub(crate) names: BTreeMap<String, String>,
}

/// What is due.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// In the order of units' ids, then slots.
    pub(crate) groups: Vec<PlannedGroup>,
    /// Units that have every group that is demanded of them.
    pub(crate) complete_units: usize,
    /// Whether an order in force speaks of any of the units.
    pub(crate) bound: bool,
}

/// What exists in one slot of a unit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ExistingParts {
    /// Whether one of the groups is in use.
    pub(crate) active: bool,
    /// The greatest part, of closed groups too; 0 for none.
    pub(crate) last: i32,
}

/// What exists in each slot of each unit that ever had a group.
pub(crate) type Existing = HashMap<(Uuid, Slot), ExistingParts>;

/// What the rules demand of open units and `existing` does not hold in use. A group that was closed is formed anew, as the next part. `rules_of` tells what binds a unit.
pub(crate) fn plan<'t, 'r>(
    units: impl IntoIterator<Item = Unit<'t>>,
    today: &str,
    rules_of: impl Fn(Unit<'t>) -> UnitRules<'r>,
    existing: &Existing,
) -> Plan {
    let mut plan = Plan::default();
    for unit in units.into_iter().filter(|unit| unit.is_open_on(today)) {
        let rules = rules_of(unit);
        plan.bound |= !rules.is_empty();
        let before = plan.groups.len();
        let mut demanded = false;
        for rule in rules.demands() {
            demanded = true;
            let parts = existing.get(&(unit.id(), rule.slot)).copied().unwrap_or_default();
            if !parts.active {
                let part = parts.last + 1;
                plan.groups.push(PlannedGroup {
                    unit_id: unit.id(),
                    unit_slug: unit.slug().to_owned(),
                    unit_kind: unit.kind(),
                    slot: rule.slot,
                    part,
                    order: rule.order.clone(),
                    min: rule.terms.min,
                    slug: slug(unit.slug(), rule.slot, part),
                    names: names(unit, rule.slot, part),
                });
            }
        }
        plan.complete_units += usize::from(demanded && plan.groups.len() == before);
    }
    plan.groups.sort_unstable_by_key(|group| (group.unit_id, group.slot));
    plan
}

impl Plan {
    /// Of exactly this plan: other groups, or the same for another order or of another size, give another one.
    pub(crate) fn fingerprint(&self) -> String {
        use std::fmt::Write as _;
        let mut hasher = Sha256::new();
        for group in &self.groups {
            hasher.update(group.unit_id.as_bytes());
            hasher.update(group.slot.audience.number().to_be_bytes());
            hasher.update(group.slot.rank.map_or(0, Rank::number).to_be_bytes());
            hasher.update(group.part.to_be_bytes());
            hasher.update(group.min.to_be_bytes());
            hasher.update((group.order.len() as u64).to_be_bytes());
            hasher.update(group.order.as_bytes());
        }
        hasher.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

/// Kinds of units, as numbers of `senani.hierarchy.v1.UnitKind`, that may have an apex group, and those that may have a regional one,
/// also without an order: every wing has a top-level group and regional groups.
const WITH_APEX: [i32; 2] = [1, 2];
const WITH_REGIONAL: [i32; 1] = [3];

/// Whether a unit of a kind may have such a group whatever the orders say.
pub(crate) fn may_have_without_order(kind: i32, slot: Slot) -> bool {
    match slot.audience {
        Audience::Apex => WITH_APEX.contains(&kind),
        Audience::Regional => WITH_REGIONAL.contains(&kind),
        _ => false,
    }
}

/// The slug of a group: that of the unit, the audience, the rank, and the part after the first. One that would be too long keeps the beginning of the unit's slug
/// and eight digits that are always the same for this unit.
pub(crate) fn slug(unit: &str, slot: Slot, part: i32) -> String {
    let mut ending = match (slot.audience, slot.rank) {
        (Audience::PoliceRank, Some(rank)) => format!("police-rank-{}", rank_word(rank).replace('_', "-")),
        (Audience::PoliceRank, None) => "police-rank".to_owned(),
        (Audience::Community, _) => "community".to_owned(),
        (Audience::WomenPolice, _) => "women-police".to_owned(),
        (Audience::Officers, _) => "officers".to_owned(),
        (Audience::Apex, _) => "apex".to_owned(),
        (Audience::Regional, _) => "regional".to_owned(),
    };
    if part > 1 {
        ending = format!("{ending}-{part}");
    }
    let whole = format!("{unit}-{ending}");
    if whole.len() <= SLUG_LENGTH {
        return whole;
    }
    let hash = Sha256::digest(unit.as_bytes());
    let mark = format!("{:02x}{:02x}{:02x}{:02x}", hash[0], hash[1], hash[2], hash[3]);
    let room = SLUG_LENGTH - ending.len() - mark.len() - 2;
    // Slugs are ASCII: any place is between characters.
    let kept = unit.get(..room).unwrap_or(unit).trim_end_matches('-');
    format!("{kept}-{mark}-{ending}")
}

/// Names in the languages of the unit that groups are named in.
pub(crate) fn names(unit: Unit<'_>, slot: Slot, part: i32) -> BTreeMap<String, String> {
    let label = |language| match (language, slot.audience) {
        ("hi", Audience::Community) => Some("साइबर सेनानी समूह"),
        ("hi", Audience::PoliceRank) => slot.rank.map(rank_in_hindi),
        ("hi", Audience::WomenPolice) => Some("महिला पुलिस"),
        ("hi", Audience::Officers) => Some("पदाधिकारी"),
        ("hi", Audience::Apex) => Some("शीर्ष समूह"),
        ("hi", Audience::Regional) => Some("क्षेत्रीय समूह"),
        ("en", Audience::Community) => Some("Cyber Senani group"),
        ("en", Audience::PoliceRank) => slot.rank.map(rank_in_english),
        ("en", Audience::WomenPolice) => Some("Women police"),
        ("en", Audience::Officers) => Some("Officers"),
        ("en", Audience::Apex) => Some("Apex group"),
        ("en", Audience::Regional) => Some("Regional group"),
        _ => None,
    };
    let ending = if part > 1 { format!(" ({part})") } else { String::new() };
    unit.names()
        .filter_map(|(language, name)| Some((language.to_owned(), format!("{name} – {}{ending}", label(language)?))))
        .collect()
}

fn rank_in_hindi(rank: Rank) -> &'static str {
    match rank {
        Rank::DirectorGeneral => "पुलिस महानिदेशक",
        Rank::AdditionalDirectorGeneral => "अपर पुलिस महानिदेशक",
        Rank::InspectorGeneral => "पुलिस महानिरीक्षक",
        Rank::DeputyInspectorGeneral => "पुलिस उप महानिरीक्षक",
        Rank::Superintendent => "पुलिस अधीक्षक",
        Rank::AdditionalSuperintendent => "अपर पुलिस अधीक्षक",
        Rank::DeputySuperintendent => "पुलिस उपाधीक्षक",
        Rank::Inspector => "पुलिस निरीक्षक",
        Rank::SubInspector => "अवर निरीक्षक",
        Rank::AssistantSubInspector => "सहायक अवर निरीक्षक",
        Rank::Havildar => "हवलदार",
        Rank::Constable => "सिपाही",
    }
}

fn rank_in_english(rank: Rank) -> &'static str {
    match rank {
        Rank::DirectorGeneral => "Directors General",
        Rank::AdditionalDirectorGeneral => "Additional Directors General",
        Rank::InspectorGeneral => "Inspectors General",
        Rank::DeputyInspectorGeneral => "Deputy Inspectors General",
        Rank::Superintendent => "Superintendents",
        Rank::AdditionalSuperintendent => "Additional Superintendents",
        Rank::DeputySuperintendent => "Deputy Superintendents",
        Rank::Inspector => "Inspectors",
        Rank::SubInspector => "Sub-inspectors",
        Rank::AssistantSubInspector => "Assistant sub-inspectors",
        Rank::Havildar => "Havildars",
        Rank::Constable => "Constables",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use senani_order::{Order, Rule, RulesInForce, Target, Terms};
    use senani_unit_tree::{UnitEntry, UnitTree};

    use super::*;

    const TODAY: &str = "2026-01-01";

    fn tree() -> UnitTree {
        let unit = |id: u128, kind, slug: &str, close_date: Option<&str>| UnitEntry {
            id: Uuid::from_u128(id),
            parent: (id > 1).then(|| Uuid::from_u128(1)),
            kind,
            slug: slug.to_owned(),
            names: [("hi".to_owned(), "थाना".to_owned()), ("xx".to_owned(), "?".to_owned())].into(),
            close_date: close_date.map(str::to_owned),
            ..UnitEntry::default()
        };
        UnitTree::build([
            unit(1, 6, "patna", None),
            unit(2, 10, "kotwali-ps", None),
            unit(3, 10, "old-ps", Some("2020-01-01")),
            unit(4, 7, "patna-centre", None),
        ])
        .unwrap()
    }

    fn rules() -> RulesInForce {
        let rule = |kind, audience, ranks, required| Rule {
            target: Target::Kind(kind),
            audience,
            ranks,
            terms: Terms { required, min: 100, target: 100, split_at: 100, max: 100, ..Terms::default() },
        };
        let day = "2020-05-20".parse().unwrap();
        let order = Order {
            slug: "order".into(),
            number: "1".into(),
            issue_date: day,
            effective_date: day,
            supersedes: vec![],
            rules: vec![
                rule(10, Audience::Community, vec![], true),
                rule(7, Audience::PoliceRank, vec![Rank::Constable, Rank::Havildar], true),
                rule(7, Audience::WomenPolice, vec![], false),
            ],
        };
        RulesInForce::on(day, &[order])
    }

    #[test]
    fn what_is_demanded_and_missing_is_planned_and_nothing_else() {
        let tree = tree();
        let rules = rules();
        let rules_of = |unit: Unit<'_>| rules.for_unit(unit.kind(), []);
        let first = plan(tree.units(), TODAY, rules_of, &Existing::new());
        let slugs: Vec<&str> = first.groups.iter().map(|group| group.slug.as_str()).collect();
        let expected =
            ["kotwali-ps-community", "patna-centre-police-rank-havildar", "patna-centre-police-rank-constable"];
        assert_eq!(slugs, expected);
        assert_eq!(first.groups[0].names, [("hi".to_owned(), "थाना – साइबर सेनानी समूह".to_owned())].into());
        assert_eq!((first.complete_units, first.bound), (0, true));

        let mut existing: Existing = first
            .groups
            .iter()
            .map(|group| ((group.unit_id, group.slot), ExistingParts { active: true, last: 1 }))
            .collect();
        let second = plan(tree.units(), TODAY, rules_of, &existing);
        assert_eq!((second.groups.len(), second.complete_units), (0, 2));
        assert_ne!(first.fingerprint(), second.fingerprint());

        // A closed group is formed anew, under a slug of its own.
        existing.values_mut().for_each(|parts| parts.active = parts.last != 1);
        let third = plan(tree.units(), TODAY, rules_of, &existing);
        assert_eq!((third.groups.len(), third.groups[0].slug.as_str()), (3, "kotwali-ps-community-2"));
        assert_eq!(third.groups[0].names["hi"], "थाना – साइबर सेनानी समूह (2)");
        assert_ne!(third.fingerprint(), first.fingerprint());
    }

    #[test]
    fn without_a_rule_for_any_unit_nothing_is_bound() {
        let tree = tree();
        let district = tree.by_slug("patna").unwrap();
        let rules = rules();
        assert!(!plan([district], TODAY, |unit| rules.for_unit(unit.kind(), []), &Existing::new()).bound);
    }

    #[test]
    fn long_slugs_are_shortened_and_stay_apart() {
        let unit = "a-very-long-name-of-a-police-station-in-a-far-district";
        let slot = Slot::of_rank(Rank::AssistantSubInspector);
        let first = slug(unit, slot, 1);
        assert_eq!(first, slug(unit, slot, 1));
        assert_ne!(first, slug(&format!("{unit}-2"), slot, 1));
        assert_ne!(first, slug(unit, slot, 2));
        assert!(first.starts_with("a-very-long-name-o-") && first.ends_with("-police-rank-assistant-sub-inspector"));
    }

    proptest! {
        #[test]
        fn every_slug_is_one(unit in "[a-z0-9]{1,3}(-[a-z0-9]{1,9}){1,5}", audience in 0usize..6, rank in 0usize..12, part in 1i32..1_000) {
            let slot = match Audience::ALL[audience] {
                Audience::PoliceRank => Slot::of_rank(Rank::ALL[rank]),
                audience => Slot::of(audience),
            };
            let slug = slug(&unit, slot, part);
            prop_assert!(senani_proto::name::is_slug(&slug), "{}", slug);
        }
    }
}
