//! Any selector, over any register, answers what a naive model in memory answers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use sea_orm::{ConnectionTrait as _, QueryResult, Statement};
use senani_proto::hierarchy::v1::UnitKind;
use senani_proto::membership::v1::{
    AudienceExclusion, AudiencePerson, AudienceSelector, CountAudienceRequest, GroupAudience, Rank,
    ResolveAudienceRequest, ResolvedCount,
};
use senani_store::{Rows, Timestamp};
use senani_testkit::{engines, eventually};
use uuid::Uuid;

use crate::audience::resolve_counted;
use crate::fixture::{HEADER, Membership};
use crate::hierarchy::{UNITS, set_changed, unit_id};

/// Questions to each register.
const QUESTIONS: usize = 60;

/// People in a register.
const PEOPLE: usize = 120;

/// Slug of a set, and what is in it.
const SETS: [(&str, &[&str]); 2] =
    [("border", &["gaya-ps", "patna-district", "old-ps"]), ("depot", &["kotwali-op", "gaya-ps", "eou-wing"])];

/// When enrolments begin and end, in microseconds since the epoch; the imports' own begin much later.
const MOMENTS: [i64; 4] = [1_000, 2_000, 3_000, 4_000];

#[derive(Debug)]
struct Person {
    id: Uuid,
    category: String,
    rank: i32,
    gender: String,
    language: String,
    active: bool,
    consents: bool,
    /// Whether they have a phone number, a user id of WhatsApp, an e-mail address.
    channels: [bool; 3],
}

#[derive(Debug, Clone, Copy)]
struct Place {
    member: Uuid,
    group: Uuid,
    started_at: i64,
    ended_at: i64,
}

/// A person who is sent to, and by what they can be reached.
type Sent = (Uuid, [bool; 3]);

fn sent(persons: &[AudiencePerson]) -> Vec<Sent> {
    let one = |person: &AudiencePerson| {
        let id = Uuid::from_slice(&person.member_uid).expect("an id");
        (id, [person.has_phone, person.has_whatsapp_user, person.has_email])
    };
    persons.iter().map(one).collect()
}

#[derive(Debug)]
struct Group {
    unit: Uuid,
    audience: i32,
    slug: String,
    active: bool,
}

/// Everything that the answer depends on, as the tables have it.
#[derive(Debug)]
struct Register {
    persons: Vec<Person>,
    places: Vec<Place>,
    groups: BTreeMap<Uuid, Group>,
}

async fn rows<T>(membership: &Membership, sql: &str, read: impl Fn(&QueryResult) -> T) -> Vec<T> {
    let statement = Statement::from_string(membership.store.backend(), sql);
    let rows = membership.store.reader().query_all_raw(statement).await.expect("the query runs");
    rows.iter().map(read).collect()
}

macro_rules! column {
    ($row:expr, $index:literal) => {
        $row.try_get_by_index($index).expect("a column")
    };
}

impl Register {
    async fn read(membership: &Membership) -> Self {
        let persons = "SELECT id, category, rank, gender, language, state, consents FROM member";
        let persons = rows(membership, persons, |row| Person {
            id: column!(row, 0),
            category: column!(row, 1),
            rank: column!(row, 2),
            gender: column!(row, 3),
            language: column!(row, 4),
            active: row.try_get_by_index::<i32>(5).expect("a state") == 1,
            consents: column!(row, 6),
            channels: [false; 3],
        });
        let identifiers = "SELECT member_id, kind FROM member_identifier WHERE valid_to = 0";
        let identifiers: BTreeSet<(Uuid, i32)> =
            rows(membership, identifiers, |row| (column!(row, 0), column!(row, 1))).await.into_iter().collect();
        let places = "SELECT member_id, group_id, started_at, ended_at FROM enrolment";
        let places = rows(membership, places, |row| Place {
            member: column!(row, 0),
            group: column!(row, 1),
            started_at: column!(row, 2),
            ended_at: column!(row, 3),
        });
        let groups = rows(membership, "SELECT id, unit_id, audience, slug, state FROM member_group", |row| {
            let group = Group {
                unit: column!(row, 1),
                audience: column!(row, 2),
                slug: column!(row, 3),
                active: row.try_get_by_index::<i32>(4).expect("a state") == 1,
            };
            (column!(row, 0), group)
        });
        let mut persons = persons.await;
        for person in &mut persons {
            person.channels = [1, 2, 3].map(|kind| identifiers.contains(&(person.id, kind)));
        }
        Self { persons, places: places.await, groups: groups.await.into_iter().collect() }
    }

    /// What the contract says, word for word. Groups, counts, and who is sent to in the order of their ids.
    fn answer(&self, selector: &AudienceSelector, as_of: i64) -> (i64, ResolvedCount, Vec<Sent>) {
        let excluded = selector.excluded.clone().unwrap_or_default();
        let named = |list: &[String], name: &str| list.iter().any(|one| one == name);
        let any_or = |list: &[i32], value: i32| list.is_empty() || list.contains(&value);
        let word_or = |list: &[String], value: &String| list.is_empty() || list.contains(value);
        let slug = |unit: Uuid| UNITS.iter().find(|(slug, ..)| unit_id(slug) == unit).expect("of the structure").0;
        let kind = |unit: Uuid| UNITS.iter().find(|(slug, ..)| unit_id(slug) == unit).expect("of the structure").2;
        let under = |tops: &[String], unit: Uuid| {
            let mut at = slug(unit);
            while !at.is_empty() {
                if named(tops, &format!("units/{at}")) {
                    return true;
                }
                at = UNITS.iter().find(|(slug, ..)| *slug == at).expect("of the structure").1;
            }
            false
        };
        let in_sets = |sets: &[String], unit: Uuid| {
            SETS.iter().any(|(set, units)| named(sets, &format!("unitSets/{set}")) && units.contains(&slug(unit)))
        };
        let out = |group: &Group| {
            under(&excluded.units, group.unit)
                || in_sets(&excluded.unit_sets, group.unit)
                || named(&excluded.groups, &format!("groups/{}", group.slug))
        };
        let meant = |group: &Group| {
            group.active
                && !out(group)
                && (selector.units.is_empty() || under(&selector.units, group.unit))
                && (selector.unit_sets.is_empty() || in_sets(&selector.unit_sets, group.unit))
                && any_or(&selector.unit_kinds, kind(group.unit).into())
                && any_or(&selector.group_audiences, group.audience)
        };
        let now = |place: &&Place| place.started_at <= as_of && (place.ended_at == 0 || place.ended_at > as_of);
        let mut count = ResolvedCount::default();
        let mut reached = BTreeSet::new();
        for person in &self.persons {
            let places = || self.places.iter().filter(|place| place.member == person.id).filter(now);
            let enrolments = places().filter(|place| meant(&self.groups[&place.group])).count() as i64;
            let left_out = places().any(|place| out(&self.groups[&place.group]))
                || named(&excluded.members, &format!("members/{}", person.id));
            let fits = person.active
                && word_or(&selector.categories, &person.category)
                && any_or(&selector.ranks, person.rank)
                && word_or(&selector.genders, &person.gender)
                && word_or(&selector.languages, &person.language);
            if enrolments > 0 && fits && !left_out {
                count.enrolment_count += enrolments;
                count.person_count += 1;
                if person.consents {
                    count.consenting_count += 1;
                    reached.insert((person.id, person.channels));
                }
            }
        }
        (self.groups.values().filter(|group| meant(group)).count() as i64, count, reached.into_iter().collect())
    }
}

/// A row of an import, right for its unit.
fn row() -> impl Strategy<Value = String> {
    let public = (
        select(&["kotwali-ps", "gaya-ps", "gandhi-maidan-ps", "kotwali-op"][..]),
        select(&["teacher,", "doctor,"][..]),
    );
    let police = prop_oneof![
        select(&["kotwali-ps", "gaya-ps", "kotwali-op"][..]).prop_map(|unit| (unit, "police,constable")),
        (Just("patna-centre"), select(&["police,constable", "police,havildar"][..])),
        Just(("eou-wing", "police,dsp")),
    ];
    let genders = select(&["female", "male", "other"][..]);
    let languages = select(&["hi", "en", "mai"][..]);
    (prop_oneof![public, police], genders, languages, select(&["yes", "yes", "no"][..])).prop_map(
        |((unit, what), gender, language, consent)| format!("{unit},{what},{gender},{language},member,{consent}\n"),
    )
}

/// A few of these, or none.
fn some<T: Clone + std::fmt::Debug + 'static>(of: Vec<T>) -> impl Strategy<Value = Vec<T>> {
    let most = of.len().min(3);
    prop_oneof![3 => Just(Vec::new()), 2 => subsequence(of, 0..=most)]
}

fn names(collection: &str, of: impl IntoIterator<Item = impl std::fmt::Display>) -> Vec<String> {
    of.into_iter().map(|one| format!("{collection}/{one}")).collect()
}

fn words(of: &[&str]) -> Vec<String> {
    of.iter().map(|word| (*word).to_owned()).collect()
}

fn selector(register: &Register) -> impl Strategy<Value = AudienceSelector> + use<> {
    let units = names("units", UNITS.iter().map(|unit| unit.0));
    let sets = names("unitSets", SETS.iter().map(|set| set.0));
    let kinds = [UnitKind::Station, UnitKind::Outpost, UnitKind::DistrictPoliceCentre, UnitKind::Wing];
    let audiences = [GroupAudience::Community, GroupAudience::PoliceRank, GroupAudience::WomenPolice];
    let place = prop_oneof![
        4 => (subsequence(units.clone(), 1..4), some(sets.clone())),
        2 => Just((vec!["units/bihar-hq".to_owned()], Vec::new())),
        1 => (Just(Vec::new()), subsequence(sets.clone(), 1..=2)),
    ];
    let of_groups = (some(kinds.map(i32::from).to_vec()), some(audiences.map(i32::from).to_vec()));
    let of_persons = (
        some(words(&["police", "teacher", "doctor"])),
        some([Rank::Constable, Rank::Havildar, Rank::Dsp].map(i32::from).to_vec()),
        some(words(&["female", "male", "other"])),
        some(words(&["hi", "en", "mai"])),
    );
    let excluded = (
        some(units[5..].to_vec()),
        some(sets),
        some(names("groups", register.groups.values().map(|group| &group.slug))),
        some(names("members", register.persons.iter().map(|person| person.id))),
    );
    (place, of_groups, of_persons, excluded).prop_map(
        |((units, unit_sets), (unit_kinds, group_audiences), (categories, ranks, genders, languages), excluded)| {
            let (out_units, out_sets, groups, members) = excluded;
            let excluded = AudienceExclusion { units: out_units, unit_sets: out_sets, groups, members };
            AudienceSelector {
                units,
                group_audiences,
                unit_kinds,
                unit_sets,
                categories,
                ranks,
                genders,
                languages,
                excluded: Some(excluded).filter(|excluded| *excluded != AudienceExclusion::default()),
            }
        },
    )
}

/// People in any groups beside their own, some in the past; some are no longer active, and a group is closed.
async fn mix(membership: &Membership, runner: &mut TestRunner) {
    let register = Register::read(membership).await;
    let groups: Vec<Uuid> = register.groups.keys().copied().collect();
    let extra = (select(groups.clone()), select(&MOMENTS[..3]), prop_oneof![Just(0), Just(1_500), Just(3_500)]);
    let extras = proptest::collection::vec(extra, 0..5);
    let mut places = BTreeMap::new();
    for person in &register.persons {
        for (group, started_at, ended_at) in extras.new_tree(runner).expect("a value").current() {
            let ended_at = if ended_at <= started_at { 0 } else { ended_at };
            places.insert((person.id, group), (started_at, ended_at));
        }
    }
    let some = |step, skip| register.persons.iter().skip(skip).step_by(step).map(|person| person.id);
    let idle: Vec<Uuid> = some(11, 0).collect();
    let txn = membership.store.begin_write().await.expect("begins");
    Rows::new()
        .uuid("member_id", places.keys().map(|place| place.0))
        .uuid("group_id", places.keys().map(|place| place.1))
        .big_int("started_at", places.values().map(|times| times.0))
        .big_int("ended_at", places.values().map(|times| times.1))
        .execute(
            &*txn,
            "INSERT INTO enrolment (member_id, group_id, role, started_at, ended_at) \
             SELECT v.member_id, v.group_id, 1, v.started_at, v.ended_at FROM v WHERE true ON CONFLICT DO NOTHING",
            &[],
        )
        .await
        .expect("enrols");
    // Some have an e-mail address, some had one, some have no number any more.
    let (addresses, numberless) = (some(5, 1).collect::<Vec<_>>(), some(7, 2));
    Rows::new()
        .uuid("member_id", addresses.iter().copied())
        .bytes("value_index", addresses.iter().map(|id| id.as_bytes().to_vec()))
        .big_int("valid_to", addresses.iter().enumerate().map(|(number, _)| number as i64 % 2))
        .execute(
            &*txn,
            "INSERT INTO member_identifier (member_id, valid_from, valid_to, kind, value_index, value_sealed) \
             SELECT v.member_id, 1, v.valid_to, 3, v.value_index, v.value_index FROM v",
            &[],
        )
        .await
        .expect("gives addresses");
    let end = "UPDATE member_identifier SET valid_to = 9 WHERE kind = 1 AND member_id IN (SELECT id FROM v)";
    Rows::new().uuid("id", numberless).execute(&*txn, end, &[]).await.expect("ends");
    let rest = "UPDATE member SET state = 2 WHERE id IN (SELECT id FROM v)";
    Rows::new().uuid("id", idle).execute(&*txn, rest, &[]).await.expect("withdraws");
    // Sizes decide the way in which the persons are found: some look large, some small.
    let sizes = "UPDATE member_group SET enrolled_count = (SELECT COUNT(*) FROM enrolment e WHERE e.group_id = member_group.id)";
    txn.execute_unprepared(sizes).await.expect("counts");
    let close = "UPDATE member_group SET state = 2 WHERE slug = 'gandhi-maidan-ps-community'";
    if prop::bool::ANY.new_tree(runner).expect("a value").current() {
        txn.execute_unprepared(close).await.expect("closes");
    }
    txn.commit().await.expect("commits");
}

/// Has the hierarchy tell of [`SETS`], and waits until membership has heard.
async fn tell_sets(membership: &Membership) {
    for (set, units) in SETS {
        membership.hierarchy.tell(set_changed(set, units));
    }
    let unit_sets = names("unitSets", SETS.iter().map(|set| set.0));
    let audience = Some(AudienceSelector { unit_sets, ..AudienceSelector::default() });
    eventually(Duration::from_secs(20), "membership to hear of the sets", async || {
        let request = CountAudienceRequest { audience: audience.clone() };
        membership.members.clone().count_audience(request).await.is_ok()
    })
    .await;
}

#[tokio::test]
async fn any_selector_answers_what_a_naive_model_answers() {
    let mut runner = TestRunner::default();
    for engine in engines() {
        let mut membership = Membership::with_groups(engine).await;
        let people = proptest::collection::vec(row(), PEOPLE).new_tree(&mut runner).expect("rows").current();
        let people = people.iter().enumerate().map(|(number, row)| format!("नाम {number},,10{number:08},units/{row}"));
        let done = membership.import(HEADER.to_owned() + &people.collect::<String>()).await.expect("imports");
        assert!(done.accepted_count * 2 > PEOPLE as i64, "{done:?}");
        mix(&membership, &mut runner).await;
        tell_sets(&membership).await;

        let register = Register::read(&membership).await;
        let question =
            (selector(&register), select([&MOMENTS[..], &[i64::MAX / 2]].concat()), any::<prop::sample::Index>());
        let mut found = 0;
        for _ in 0..QUESTIONS {
            let (selector, moment, index) = question.new_tree(&mut runner).expect("a question").current();
            let now = moment > MOMENTS[3];
            let as_of = if now { Timestamp::now() } else { Timestamp(moment) };
            let (groups, counts, reached) = register.answer(&selector, as_of.0);
            let request = ResolveAudienceRequest {
                audience: Some(selector.clone()),
                as_of: as_of.to_proto(),
                after_member_uid: Bytes::new(),
            };
            let answer = resolve_counted(&mut membership, request.clone()).await;
            let (count, persons) = answer.unwrap_or_else(|status| panic!("{selector:?}: {status}"));
            assert_eq!((count, sent(&persons)), (counts, reached.clone()), "{engine}, as of {as_of:?}: {selector:#?}");
            if !reached.is_empty() {
                found += 1;
                let after = reached[index.index(reached.len())].0;
                let rest =
                    ResolveAudienceRequest { after_member_uid: Bytes::copy_from_slice(after.as_bytes()), ..request };
                let (again, rest) = resolve_counted(&mut membership, rest).await.expect("resumes");
                let expected: Vec<Sent> = reached.into_iter().filter(|sent| sent.0 > after).collect();
                assert_eq!((again, sent(&rest)), (counts, expected), "{engine}, after {after}: {selector:#?}");
            }
            if now {
                let request = CountAudienceRequest { audience: Some(selector.clone()) };
                let count = membership.members.count_audience(request).await.expect("counts").into_inner();
                let count = (count.group_count, count.enrolment_count, count.person_count, count.consenting_count);
                let expected = (groups, counts.enrolment_count, counts.person_count, counts.consenting_count);
                assert_eq!(count, expected, "{engine}: {selector:#?}");
            }
        }
        assert!(found * 5 > QUESTIONS, "only {found} questions of {QUESTIONS} found anybody");
    }
}
