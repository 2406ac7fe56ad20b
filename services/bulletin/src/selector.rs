//! Between membership's selector and the domain's audience, both ways: for calls, and for what is kept.

use prost::Message as _;
use senani_proto::membership::v1::{AudienceExclusion, AudienceSelector};
use senani_proto::name::{GroupName, MemberName, NameError, UnitName, UnitSetName};

use crate::domain::audience::{Audience, Excluded, Persons};

/// The selector that means an audience.
pub(crate) fn of(audience: &Audience) -> AudienceSelector {
    let names = |collection: &str, slugs: &[String]| slugs.iter().map(|slug| format!("{collection}/{slug}")).collect();
    let Audience { persons, excluded, .. } = audience;
    let excluded = (*excluded != Excluded::default()).then(|| AudienceExclusion {
        units: names(UnitName::COLLECTION, &excluded.units),
        unit_sets: names(UnitSetName::COLLECTION, &excluded.unit_sets),
        groups: names(GroupName::COLLECTION, &excluded.groups),
        members: excluded.members.iter().map(|member| MemberName(*member).to_string()).collect(),
    });
    AudienceSelector {
        units: names(UnitName::COLLECTION, &audience.units),
        group_audiences: audience.group_audiences.clone(),
        unit_kinds: audience.unit_kinds.clone(),
        unit_sets: names(UnitSetName::COLLECTION, &audience.unit_sets),
        categories: persons.categories.clone(),
        ranks: persons.ranks.clone(),
        genders: persons.genders.clone(),
        languages: persons.languages.clone(),
        excluded,
    }
}

/// The audience that a selector means; otherwise the path of the first name that is not of the documented form.
pub(crate) fn read(selector: AudienceSelector) -> Result<Audience, String> {
    let excluded = selector.excluded.unwrap_or_default();
    let slug = |name: &UnitName| name.slug().to_owned();
    let set_slug = |name: &UnitSetName| name.slug().to_owned();
    Ok(Audience {
        units: each("units", &selector.units, slug)?,
        group_audiences: selector.group_audiences,
        unit_kinds: selector.unit_kinds,
        unit_sets: each("unit_sets", &selector.unit_sets, set_slug)?,
        persons: Persons {
            categories: selector.categories,
            ranks: selector.ranks,
            genders: selector.genders,
            languages: selector.languages,
        },
        excluded: Excluded {
            units: each("excluded.units", &excluded.units, slug)?,
            unit_sets: each("excluded.unit_sets", &excluded.unit_sets, set_slug)?,
            groups: each("excluded.groups", &excluded.groups, |name: &GroupName| name.slug().to_owned())?,
            members: each("excluded.members", &excluded.members, |name: &MemberName| name.0)?,
        },
    })
}

fn each<N, T>(list: &str, names: &[String], of: impl Fn(&N) -> T) -> Result<Vec<T>, String>
where
    N: std::str::FromStr<Err = NameError>,
{
    let one = |(at, name): (usize, &String)| name.parse().map(|name| of(&name)).map_err(|_| format!("{list}[{at}]"));
    names.iter().enumerate().map(one).collect()
}

/// An audience as it is kept: the selector, encoded, so that what a later version adds needs no column.
pub(crate) fn encode(audience: &Audience) -> Vec<u8> {
    of(audience).encode_to_vec()
}

/// An audience that was kept; `None` when it cannot be read.
pub(crate) fn decode(bytes: &[u8]) -> Option<Audience> {
    read(AudienceSelector::decode(bytes).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    proptest! {
        #[test]
        fn an_audience_is_kept_whole(
            slugs in prop::array::uniform5(prop::collection::vec("[a-z]{3,8}", 0..3)),
            words in prop::array::uniform3(prop::collection::vec("[a-z]{2,8}", 0..3)),
            numbers in prop::array::uniform3(prop::collection::vec(1..12, 0..3)),
            members in prop::collection::vec(any::<u128>().prop_map(Uuid::from_u128), 0..3),
        ) {
            let [units, unit_sets, out_units, out_sets, groups] = slugs;
            let [categories, genders, languages] = words;
            let [group_audiences, unit_kinds, ranks] = numbers;
            let audience = Audience {
                units,
                group_audiences,
                unit_kinds,
                unit_sets,
                persons: Persons { categories, ranks, genders, languages },
                excluded: Excluded { units: out_units, unit_sets: out_sets, groups, members },
            };
            prop_assert_eq!(decode(&encode(&audience)), Some(audience));
        }
    }
}
