//! Selectors of audiences, for the services that take them.

use std::collections::HashSet;
use std::sync::Arc;

use senani_order::{Audience, Rank};
use senani_proto::hierarchy::v1::UnitKind;
use senani_proto::membership::v1::{self as pb, ErrorReason};
use senani_proto::name::{GroupName, MemberName, UnitSetName};
use senani_unit_replica::UnitSets;
use senani_unit_tree::{Place, UnitTree};

use super::{Cell, unit_referred};
use crate::convert;
use crate::domain::{AudienceGroup, AudienceGroups, CATEGORIES, Gender, LANGUAGES, PersonFilter, Standing};
use crate::error::{Error, Wrong};

/// Values in a list at most.
const LISTED: usize = 100;

/// Groups or members that are excluded at most.
const EXCLUDED: usize = 1_000;

/// Whom a selector means.
#[derive(Debug)]
pub(super) struct Selection {
    tree: Arc<UnitTree>,
    sets: Arc<UnitSets>,
    units: Units,
    kinds: Vec<i32>,
    audiences: Vec<Audience>,
    excluded: Units,
    /// Slugs, in the order of the request.
    excluded_groups: Vec<String>,
    pub(super) persons: PersonFilter,
}

/// Units by where they stand and by sets.
#[derive(Debug, Default)]
struct Units {
    tops: Vec<Place>,
    /// Slugs.
    sets: Vec<String>,
}

impl Selection {
    /// Reads a selector; every wrong field of it is named.
    pub(super) fn read(cell: &Cell, selector: Option<pb::AudienceSelector>) -> Result<Self, Error> {
        let selector = selector.ok_or_else(|| invalid("audience", "is required"))?;
        let excluded = selector.excluded.unwrap_or_default();
        let (tree, sets) = (cell.structure()?, cell.replica.sets());
        let mut reader = Reader { tree: &tree, sets: &sets, wrong: Vec::new() };

        if selector.units.is_empty() && selector.unit_sets.is_empty() {
            reader.wrong.push(invalid("audience.units", "must name 1 to 100 units, unless unit_sets says where"));
        }
        let units = reader.units("audience", &selector.units, &selector.unit_sets);
        let kinds = reader.list("audience.unit_kinds", LISTED, &selector.unit_kinds, |number| {
            let kind = UnitKind::try_from(*number).ok().filter(|kind| *kind != UnitKind::Unspecified);
            kind.map(i32::from).ok_or("names no kind of unit")
        });
        let audiences = reader.list("audience.group_audiences", LISTED, &selector.group_audiences, |number| {
            Audience::from_number(*number).ok_or("names no audience of groups")
        });
        let categories = reader.list("audience.categories", LISTED, &selector.categories, |word| {
            CATEGORIES.contains(&word.as_str()).then(|| word.clone()).ok_or("is no category of members")
        });
        let ranks = reader.list("audience.ranks", LISTED, &selector.ranks, |number| {
            Rank::from_number(*number).ok_or("names no rank")
        });
        let genders = reader.list("audience.genders", LISTED, &selector.genders, |word| {
            Gender::from_word(word).ok_or("must be `female`, `male` or `other`")
        });
        let languages = reader.list("audience.languages", LISTED, &selector.languages, |word| {
            LANGUAGES.contains(&word.as_str()).then(|| word.clone()).ok_or("is no language of messages")
        });
        let excluded_units = reader.units("audience.excluded", &excluded.units, &excluded.unit_sets);
        let excluded_groups =
            reader.names("audience.excluded.groups", &excluded.groups, |name: GroupName| name.slug().to_owned());
        let without = reader.names("audience.excluded.members", &excluded.members, |name: MemberName| name.0);
        if !reader.wrong.is_empty() {
            return Err(Error::Invalid(reader.wrong));
        }
        let persons = PersonFilter { categories, ranks, genders, languages, without };
        Ok(Self { tree, sets, units, kinds, audiences, excluded: excluded_units, excluded_groups, persons })
    }

    /// The groups of the audience, out of all of the register.
    pub(super) fn choose(&self, groups: &[AudienceGroup]) -> Result<AudienceGroups, Error> {
        let excluded: HashSet<&str> = self.excluded_groups.iter().map(String::as_str).collect();
        if !excluded.is_empty() {
            let known: HashSet<&str> = groups.iter().map(|group| group.slug.as_str()).collect();
            let unknown = |(index, slug): (usize, &String)| {
                (!known.contains(slug.as_str())).then(|| {
                    let field = format!("audience.excluded.groups[{index}]");
                    Wrong::new(ErrorReason::GroupUnknown, field, "no such group")
                        .with("group", format!("groups/{slug}"))
                })
            };
            let wrong: Vec<Wrong> = self.excluded_groups.iter().enumerate().filter_map(unknown).collect();
            if !wrong.is_empty() {
                return Err(Error::Invalid(wrong));
            }
        }
        Ok(AudienceGroups::sort(groups, |group| self.standing(group, &excluded)))
    }

    fn standing(&self, group: &AudienceGroup, excluded: &HashSet<&str>) -> Standing {
        let unit = self.tree.by_id(group.unit_id);
        let under =
            |tops: &[Place]| unit.is_some_and(|unit| tops.iter().any(|top| self.tree.contains(*top, unit.place())));
        let in_one_of = |sets: &[String]| sets.iter().any(|set| self.sets.contains(set, group.unit_id));
        if under(&self.excluded.tops) || in_one_of(&self.excluded.sets) || excluded.contains(group.slug.as_str()) {
            return Standing::Excluded;
        }
        let within = (self.units.tops.is_empty() || under(&self.units.tops))
            && (self.units.sets.is_empty() || in_one_of(&self.units.sets))
            && (self.kinds.is_empty() || unit.is_some_and(|unit| self.kinds.contains(&unit.kind())))
            && (self.audiences.is_empty() || group.audience.is_some_and(|one| self.audiences.contains(&one)));
        if within { Standing::Within } else { Standing::Beside }
    }
}

fn invalid(field: impl Into<String>, what: &str) -> Wrong {
    Wrong::new(ErrorReason::AudienceInvalid, field, what)
}

/// Reads the lists of a selector and notes what is wrong.
struct Reader<'r> {
    tree: &'r UnitTree,
    sets: &'r UnitSets,
    wrong: Vec<Wrong>,
}

impl Reader<'_> {
    /// The lists `units` and `unit_sets` of a message that stands in the field `of`.
    fn units(&mut self, of: &str, units: &[String], sets: &[String]) -> Units {
        let (tree, known) = (self.tree, self.sets);
        let tops = self.each(&format!("{of}.units"), LISTED, units, |name, field| {
            unit_referred(tree, name, field).map(|unit| unit.place())
        });
        let sets = self.each(&format!("{of}.unit_sets"), LISTED, sets, |name, field| {
            let name: UnitSetName = convert::name(name, field)?;
            let unknown = || Wrong::new(ErrorReason::UnitSetUnknown, field, "no such set").with("unit_set", &name);
            known.knows(name.slug()).then(|| name.slug().to_owned()).ok_or_else(|| unknown().into())
        });
        Units { tops, sets }
    }

    /// A list of names.
    fn names<N, T>(&mut self, field: &str, names: &[String], of: impl Fn(N) -> T) -> Vec<T>
    where
        N: std::str::FromStr<Err = senani_proto::name::NameError>,
    {
        self.each(field, EXCLUDED, names, |name, field| Ok(of(convert::name(name, field)?)))
    }

    /// A list of words or numbers.
    fn list<V, T>(
        &mut self,
        field: &str,
        most: usize,
        values: &[V],
        of: impl Fn(&V) -> Result<T, &'static str>,
    ) -> Vec<T> {
        self.each(field, most, values, |value, field| of(value).map_err(|what| invalid(field, what).into()))
    }

    fn each<V, T>(
        &mut self,
        field: &str,
        most: usize,
        values: &[V],
        of: impl Fn(&V, &str) -> Result<T, Error>,
    ) -> Vec<T> {
        if values.len() > most {
            self.wrong.push(invalid(field, &format!("must hold at most {most} values")));
            return Vec::new();
        }
        let mut read = Vec::with_capacity(values.len());
        for (index, value) in values.iter().enumerate() {
            match of(value, &format!("{field}[{index}]")) {
                Ok(value) => read.push(value),
                Err(Error::Invalid(wrong)) => self.wrong.extend(wrong),
                // What names no field cannot come from reading one.
                Err(error) => self.wrong.push(invalid(format!("{field}[{index}]"), &error.to_string())),
            }
        }
        read
    }
}
