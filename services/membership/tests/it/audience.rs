//! What the bulletin service asks for.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use senani_proto::membership::v1::address::Refusal;
use senani_proto::membership::v1::audience_service_client::AudienceServiceClient;
use senani_proto::membership::v1::resolve_audience_response::Part;
use senani_proto::membership::v1::{
    AudiencePerson, AudienceSelector, OpenAddressesRequest, RecordConsentRequest, ResolveAudienceRequest, ResolvedCount,
};
use senani_testkit::engines;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::fixture::{HEADER, Membership, connect, file, police, public, refusal};
use crate::hierarchy::unit_id;

fn now() -> prost_types::Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after the epoch");
    prost_types::Timestamp { seconds: since.as_secs() as i64, nanos: since.subsec_nanos() as i32 }
}

fn of(unit: &str) -> ResolveAudienceRequest {
    let audience = AudienceSelector { units: vec![format!("units/{unit}")], ..Default::default() };
    ResolveAudienceRequest { audience: Some(audience), as_of: Some(now()), after_member_uid: Bytes::new() }
}

/// How many consent, and everybody.
async fn resolve(
    membership: &mut Membership,
    request: ResolveAudienceRequest,
) -> Result<(i64, Vec<AudiencePerson>), Status> {
    let (count, persons) = resolve_counted(membership, request).await?;
    Ok((count.consenting_count, persons))
}

/// The counts and everybody.
pub(crate) async fn resolve_counted(
    membership: &mut Membership,
    request: ResolveAudienceRequest,
) -> Result<(ResolvedCount, Vec<AudiencePerson>), Status> {
    let mut stream = membership.audience.resolve_audience(request).await?.into_inner();
    let Some(Part::Count(count)) = stream.message().await?.and_then(|response| response.part) else {
        panic!("the count comes first");
    };
    let mut persons = Vec::new();
    while let Some(response) = stream.message().await? {
        let Some(Part::Page(page)) = response.part else { panic!("pages follow") };
        assert!(page.persons.len() <= 1_000);
        persons.extend(page.persons);
    }
    Ok((count, persons))
}

#[tokio::test]
async fn everybody_who_consents_comes_once_in_order_whichever_way_they_are_found() {
    for engine in engines() {
        let mut membership = Membership::with_groups_and(engine, |config| config.app_ceiling = 1024).await;
        let units = ["kotwali-ps", "gaya-ps", "gandhi-maidan-ps", "kotwali-op"];
        membership.import(file(0..4_000, &units)).await.expect("imports");
        let centre: String =
            (5_000..6_000).map(|number| police(number, "patna-centre", "constable", "female", "member")).collect();
        membership.import(HEADER.to_owned() + &centre).await.expect("imports");
        let silent: String = (6_000..7_000)
            .map(|number| police(number, "eou-wing", "dsp", "male", "member").replace(",yes", ",no"))
            .collect();
        membership.import(HEADER.to_owned() + &silent + &public(4_000, "kotwali-op")).await.expect("imports");

        for (unit, expected) in [
            ("bihar-hq", 5_001),
            ("patna-district", 4_001),
            ("kotwali-op", 1_001),
            ("patna-centre", 1_000),
            ("eou-wing", 0),
        ] {
            let (count, persons) = resolve(&mut membership, of(unit)).await.expect("resolves");
            assert_eq!((count, persons.len()), (expected, expected as usize), "{unit}");
            assert!(persons.is_sorted_by(|one, next| one.member_uid < next.member_uid), "in order, each once");
            if unit == "patna-centre" {
                assert!(persons.iter().all(|person| person.unit_uid == unit_id(unit).as_bytes().as_slice()));
            }
        }

        let (_, all) = resolve(&mut membership, of("bihar-hq")).await.expect("resolves");
        let after = all[2_345].member_uid.clone();
        let (count, rest) =
            resolve(&mut membership, ResolveAudienceRequest { after_member_uid: after, ..of("bihar-hq") })
                .await
                .expect("resumes");
        assert_eq!((count, rest.as_slice()), (5_001, &all[2_346..]));
    }
}

#[tokio::test]
async fn who_came_later_is_not_in_an_audience_of_an_earlier_moment() {
    for engine in engines() {
        let mut membership = Membership::with_groups(engine).await;
        membership.import(file(0..10, &["kotwali-ps"])).await.expect("imports");
        let moment = now();
        membership.import(file(10..20, &["kotwali-ps"])).await.expect("imports");
        for unit in ["bihar-hq", "kotwali-ps"] {
            let (count, persons) = resolve(&mut membership, ResolveAudienceRequest { as_of: Some(moment), ..of(unit) })
                .await
                .expect("resolves");
            assert_eq!((count, persons.len()), (10, 10));
            let (count, persons) = resolve(&mut membership, of(unit)).await.expect("resolves");
            assert_eq!((count, persons.len()), (20, 20));
        }
    }
}

#[tokio::test]
async fn addresses_open_for_those_who_consent_at_that_moment() {
    for engine in engines() {
        let mut membership = Membership::with_groups(engine).await;
        membership.import(file(1..4, &["kotwali-ps"])).await.expect("imports");
        let (_, persons) = resolve(&mut membership, of("kotwali-ps")).await.expect("resolves");
        let withdrawn = Uuid::from_slice(&persons[1].member_uid).expect("an id");
        let request = RecordConsentRequest { name: format!("members/{withdrawn}"), ..Default::default() };
        membership.members.record_consent(request).await.expect("withdraws");

        let gone = Bytes::copy_from_slice(Uuid::new_v4().as_bytes());
        let mut member_uids: Vec<Bytes> = persons.into_iter().map(|person| person.member_uid).collect();
        member_uids.push(gone);
        member_uids.push(member_uids[0].clone());
        let opened =
            membership.audience.open_addresses(OpenAddressesRequest { member_uids }).await.expect("opens").into_inner();
        let refusals: Vec<Refusal> = opened.addresses.iter().map(|address| address.refusal()).collect();
        let none = Refusal::Unspecified;
        assert_eq!(refusals, [none, Refusal::ConsentWithdrawn, none, Refusal::MemberGone, none]);
        let phones: BTreeSet<&str> = opened.addresses.iter().map(|address| address.phone.as_str()).collect();
        assert_eq!(phones.len(), 3);
        assert!(phones.iter().all(|phone| phone.is_empty() || phone.starts_with("+91100000000")));
    }
}

#[tokio::test]
async fn only_services_may_ask_and_wrong_questions_are_refused() {
    for engine in engines() {
        let mut membership = Membership::with_groups(engine).await;
        let mut officer = AudienceServiceClient::new(membership.officer.clone());
        let open = |count: usize| OpenAddressesRequest { member_uids: vec![Bytes::from_static(&[7; 16]); count] };
        let status = officer.open_addresses(open(1)).await.expect_err("an officer");
        assert_eq!((status.code(), refusal(&status).0), (Code::PermissionDenied, "SERVICES_ONLY".into()));
        let status = officer.resolve_audience(of("bihar-hq")).await.expect_err("an officer");
        assert_eq!((status.code(), refusal(&status).0), (Code::PermissionDenied, "SERVICES_ONLY".into()));
        let options = senani_client::ClientOptions::default();
        let nobody = senani_client::connect(&format!("http://{}", membership.address), options).expect("an address");
        let status = AudienceServiceClient::new(nobody).open_addresses(open(1)).await.expect_err("nobody");
        assert_eq!(status.code(), Code::Unauthenticated);

        for (count, reason) in [(0, "BATCH_SIZE_INVALID"), (1_001, "BATCH_SIZE_INVALID")] {
            let status = membership.audience.open_addresses(open(count)).await.expect_err(reason);
            assert_eq!(refusal(&status).0, reason);
        }
        let short =
            OpenAddressesRequest { member_uids: vec![Bytes::from_static(&[7; 16]), Bytes::from_static(&[7; 3])] };
        let status = membership.audience.open_addresses(short).await.expect_err("no id");
        assert_eq!(refusal(&status), ("NAME_INVALID".into(), vec!["member_uids[1]".into()]));
        let status = resolve(&mut membership, of("nowhere-ps")).await.expect_err("no unit");
        assert_eq!(refusal(&status), ("UNIT_UNKNOWN".into(), vec!["audience.units[0]".into()]));
        let after = ResolveAudienceRequest { after_member_uid: Bytes::from_static(b"x"), ..of("bihar-hq") };
        let status = resolve(&mut membership, after).await.expect_err("no id");
        assert_eq!(refusal(&status).0, "NAME_INVALID");
        // A service of another name may ask as well.
        let mut analytics = AudienceServiceClient::new(connect(membership.address, "services/analytics"));
        analytics.open_addresses(open(1)).await.expect("a service");
    }
}

#[tokio::test]
async fn every_wrong_field_of_a_selector_is_named() {
    use senani_proto::membership::v1::{AudienceExclusion, CountAudienceRequest};
    for engine in engines() {
        let mut membership = Membership::with_groups(engine).await;
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let many = |word: &str, count| vec![word.to_owned(); count];
        let gaya = AudienceSelector { units: words(&["units/gaya-ps"]), ..Default::default() };
        let without = |excluded| AudienceSelector { excluded: Some(excluded), ..gaya.clone() };
        let none = AudienceExclusion::default();
        for (selector, reason, fields) in [
            (AudienceSelector::default(), "AUDIENCE_INVALID", &["audience.units"][..]),
            (
                AudienceSelector { unit_kinds: vec![10, 0, 999], ..gaya.clone() },
                "AUDIENCE_INVALID",
                &["audience.unit_kinds[1]", "audience.unit_kinds[2]"],
            ),
            (
                AudienceSelector {
                    unit_sets: words(&["unitSets/railway", "unitSets/nowhere", "railway"]),
                    ..gaya.clone()
                },
                "UNIT_SET_UNKNOWN",
                &["audience.unit_sets[1]", "audience.unit_sets[2]"],
            ),
            (
                AudienceSelector { unit_sets: many("unitSets/railway", 101), ..gaya.clone() },
                "AUDIENCE_INVALID",
                &["audience.unit_sets"],
            ),
            (
                AudienceSelector { categories: words(&["teacher", "Teacher", ""]), ..gaya.clone() },
                "AUDIENCE_INVALID",
                &["audience.categories[1]", "audience.categories[2]"],
            ),
            (
                AudienceSelector { ranks: vec![0, 12, 13], ..gaya.clone() },
                "AUDIENCE_INVALID",
                &["audience.ranks[0]", "audience.ranks[2]"],
            ),
            (
                AudienceSelector { genders: words(&["woman"]), ..gaya.clone() },
                "AUDIENCE_INVALID",
                &["audience.genders[0]"],
            ),
            (
                AudienceSelector { languages: words(&["hi", "xx"]), ..gaya.clone() },
                "AUDIENCE_INVALID",
                &["audience.languages[1]"],
            ),
            (
                without(AudienceExclusion { units: words(&["units/nowhere-ps"]), ..none.clone() }),
                "UNIT_UNKNOWN",
                &["audience.excluded.units[0]"],
            ),
            (
                without(AudienceExclusion { unit_sets: words(&["unitSets/none"]), ..none.clone() }),
                "UNIT_SET_UNKNOWN",
                &["audience.excluded.unit_sets[0]"],
            ),
            (
                without(AudienceExclusion {
                    groups: words(&["groups/gaya-ps-community", "groups/none"]),
                    ..none.clone()
                }),
                "GROUP_UNKNOWN",
                &["audience.excluded.groups[1]"],
            ),
            (
                without(AudienceExclusion { groups: many("groups/none", 1_001), ..none.clone() }),
                "AUDIENCE_INVALID",
                &["audience.excluded.groups"],
            ),
            (
                without(AudienceExclusion { members: words(&["members/7"]), ..none.clone() }),
                "NAME_INVALID",
                &["audience.excluded.members[0]"],
            ),
            (
                without(AudienceExclusion { members: many("members/7", 1_001), ..none.clone() }),
                "AUDIENCE_INVALID",
                &["audience.excluded.members"],
            ),
        ] {
            let request = CountAudienceRequest { audience: Some(selector.clone()) };
            let expected = (reason.to_owned(), words(fields));
            let status = membership.members.count_audience(request).await.expect_err(reason);
            assert_eq!((status.code(), refusal(&status)), (Code::InvalidArgument, expected.clone()), "{selector:?}");
            let request = ResolveAudienceRequest { audience: Some(selector), ..of("gaya-ps") };
            let status = resolve(&mut membership, request).await.expect_err(reason);
            assert_eq!(refusal(&status), expected);
        }
        let absent = AudienceExclusion { members: words(&["members/01900000-0000-7000-8000-0000000000ff"]), ..none };
        let request = CountAudienceRequest { audience: Some(without(absent)) };
        membership.members.count_audience(request).await.expect("nobody is left out");
    }
}
