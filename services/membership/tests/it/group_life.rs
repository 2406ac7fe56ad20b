//! Groups made, renamed and closed by hand; groups that want something; every audience through an order.

use senani_proto::hierarchy::v1::UnitKind;
use senani_proto::membership::v1::{
    CloseGroupRequest, CreateGroupRequest, Group, GroupAudience, ListOrphansRequest, ListShortRequest, OrderRule, Rank,
    UpdateGroupRequest, group::State, list_short_request::Measure,
};
use senani_testkit::engines;
use tonic::Code;

use crate::fixture::{HEADER, Membership, file, issue, order, police, refusal, rule};

fn create(unit: &str, audience: GroupAudience) -> CreateGroupRequest {
    let group = Group { unit: format!("units/{unit}"), audience: audience.into(), ..Group::default() };
    CreateGroupRequest { group: Some(group), ..CreateGroupRequest::default() }
}

#[tokio::test]
async fn a_group_is_made_by_hand_where_the_rules_allow_it() {
    for engine in engines() {
        let mut membership = Membership::with_groups(engine).await;
        // Allowed by the order, and not demanded.
        let mut request = create("patna-sadar", GroupAudience::Community);
        let plan = CreateGroupRequest { validate_only: true, ..request.clone() };
        let planned = membership.groups.create_group(plan).await.expect("plans").into_inner();
        assert_eq!((planned.name.as_str(), planned.uid.as_str()), ("groups/patna-sadar-community", ""));
        request.request_id = uuid::Uuid::new_v4().to_string();
        let made = membership.groups.create_group(request.clone()).await.expect("makes").into_inner();
        assert_eq!((made.order.as_str(), made.part), ("orders/order-2020", 1));
        assert_eq!(made.display_names["hi"], "इकाई 7 – साइबर सेनानी समूह");
        let again = membership.groups.create_group(request.clone()).await.expect("answers").into_inner();
        assert_eq!(again, made);
        // The headquarters may have an apex group without an order.
        let mut apex = create("bihar-hq", GroupAudience::Apex);
        apex.group.as_mut().expect("a group").display_names = [("hi".to_owned(), "शीर्ष".to_owned())].into();
        let apex = membership.groups.create_group(apex).await.expect("makes").into_inner();
        assert_eq!((apex.order.as_str(), apex.display_names["hi"].as_str()), ("", "शीर्ष"));
        assert_eq!(membership.group("bihar-hq-apex").await, apex);

        let before = membership.state().await;
        let ranked = |audience: GroupAudience, rank: i32| {
            let mut request = create("patna-centre", audience);
            request.group.as_mut().expect("a group").rank = rank;
            request
        };
        let mut nameless = create("patna-district", GroupAudience::Community);
        nameless.group.as_mut().expect("a group").display_names = [("en".to_owned(), "x".to_owned())].into();
        for (request, code, reason) in [
            (create("patna-sadar", GroupAudience::Community), Code::AlreadyExists, "GROUP_EXISTS"),
            (create("kotwali-ps", GroupAudience::Community), Code::AlreadyExists, "GROUP_EXISTS"),
            (create("kotwali-ps", GroupAudience::Apex), Code::FailedPrecondition, "GROUP_NOT_ALLOWED"),
            (create("old-ps", GroupAudience::Community), Code::FailedPrecondition, "UNIT_CLOSED"),
            (create("nowhere-ps", GroupAudience::Community), Code::InvalidArgument, "UNIT_UNKNOWN"),
            (ranked(GroupAudience::PoliceRank, 0), Code::InvalidArgument, "AUDIENCE_INVALID"),
            (ranked(GroupAudience::Community, 12), Code::InvalidArgument, "AUDIENCE_INVALID"),
            (nameless, Code::InvalidArgument, "GROUP_NAME_INVALID"),
        ] {
            let status = membership.groups.create_group(request).await.expect_err(reason);
            assert_eq!((status.code(), refusal(&status).0), (code, reason.to_owned()));
        }
        assert_eq!(membership.state().await, before);
    }
}

#[tokio::test]
async fn a_group_is_renamed_and_closed_and_formed_anew_as_the_next_part() {
    for engine in engines() {
        let mut membership = Membership::with_groups(engine).await;
        membership.import(file(0..3, &["kotwali-ps"])).await.expect("imports");
        let before = membership.group("kotwali-ps-community").await;
        let names = [("hi".to_owned(), "कोतवाली समूह".to_owned())];
        let renamed = Group { display_names: names.clone().into(), ..before.clone() };
        let request = UpdateGroupRequest { group: Some(renamed), ..UpdateGroupRequest::default() };
        let renamed = membership.groups.update_group(request.clone()).await.expect("renames").into_inner();
        assert_eq!(renamed.display_names, names.into());
        let status = membership.groups.update_group(request.clone()).await.expect_err("outdated");
        assert_eq!((status.code(), refusal(&status).0), (Code::Aborted, "ETAG_MISMATCH".into()));
        let masked = UpdateGroupRequest {
            update_mask: Some(prost_types::FieldMask { paths: vec!["unit".to_owned()] }),
            ..request
        };
        let status = membership.groups.update_group(masked).await.expect_err("a field that cannot be set");
        assert_eq!(refusal(&status).0, "UPDATE_MASK_INVALID");

        let request = CloseGroupRequest { name: before.name.clone(), validate_only: true, ..Default::default() };
        let planned = membership.groups.close_group(request.clone()).await.expect("plans").into_inner();
        assert_eq!((planned.state(), planned.enrolled_count), (State::Closed, 0));
        assert_eq!(membership.group("kotwali-ps-community").await, renamed, "a plan changes nothing");
        let request = CloseGroupRequest { validate_only: false, etag: renamed.etag, ..request };
        let closed = membership.groups.close_group(request).await.expect("closes").into_inner();
        assert_eq!((closed.state(), closed.enrolled_count), (State::Closed, 0));
        assert_eq!(membership.number("SELECT COUNT(*) FROM enrolment WHERE ended_at = 0").await, 0);
        assert_eq!(membership.number("SELECT COUNT(*) FROM enrolment").await, 3, "history stays");
        let again = CloseGroupRequest { name: before.name, ..Default::default() };
        let status = membership.groups.close_group(again).await.expect_err("closed");
        assert_eq!((status.code(), refusal(&status).0), (Code::FailedPrecondition, "GROUP_CLOSED".into()));

        assert_eq!(membership.import(file(5..6, &["kotwali-ps"])).await.expect("imports").accepted_count, 0);
        assert_eq!(membership.form("units/kotwali-ps").await.expect("forms").group_count, 1);
        let anew = membership.group("kotwali-ps-community-2").await;
        assert_eq!((anew.part, anew.state()), (2, State::Active));
        assert_eq!(membership.import(file(5..6, &["kotwali-ps"])).await.expect("imports").accepted_count, 1);
        assert_eq!(membership.group("kotwali-ps-community-2").await.enrolled_count, 1);
    }
}

#[tokio::test]
async fn orphans_and_short_groups_are_listed_by_subtree_and_page() {
    for engine in engines() {
        let mut membership = Membership::with_groups(engine).await;
        let rows = [
            police(1, "kotwali-ps", "sub_inspector", "male", "custodian"),
            police(2, "kotwali-ps", "inspector", "female", "custodian"),
            police(3, "gaya-ps", "sub_inspector", "male", "custodian"),
        ];
        membership.import(HEADER.to_owned() + &rows.concat()).await.expect("imports");
        let mut orphans = Vec::new();
        let mut request = ListOrphansRequest { unit: "units/patna-zone".into(), page_size: 2, ..Default::default() };
        loop {
            let page = membership.groups.list_orphans(request.clone()).await.expect("a page").into_inner();
            orphans.extend(page.orphans);
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                break;
            }
        }
        let found: Vec<_> = orphans
            .iter()
            .map(|orphan| {
                let name = orphan.group.as_ref().expect("a group").name.trim_start_matches("groups/");
                (name, orphan.primary_missing, orphan.backup_missing, orphan.officer_count)
            })
            .collect();
        assert_eq!(
            found,
            [
                ("gandhi-maidan-ps-community", true, true, 0),
                ("gaya-ps-community", false, true, 1),
                ("kotwali-op-community", true, true, 0),
                ("patna-centre-police-rank-constable", true, true, 0),
                ("patna-centre-police-rank-havildar", true, true, 0),
                ("patna-centre-women-police", true, true, 0),
            ]
        );

        membership.import(file(100..310, &["gandhi-maidan-ps"])).await.expect("imports");
        for (measure, expected) in [
            (Measure::Min, vec![("units/kotwali-op", 100), ("units/kotwali-ps", 198)]),
            (Measure::Target, vec![("units/kotwali-op", 100), ("units/kotwali-ps", 198)]),
        ] {
            let mut found = Vec::new();
            let mut request = ListShortRequest {
                unit: "units/patna-sadar".into(),
                measure: measure.into(),
                page_size: 1,
                ..Default::default()
            };
            loop {
                let page = membership.groups.list_short(request.clone()).await.expect("a page").into_inner();
                found.extend(page.groups);
                request.page_token = page.next_page_token;
                if request.page_token.is_empty() {
                    break;
                }
            }
            let found: Vec<_> = found.iter().map(|short| (short.unit.as_str(), short.missing)).collect();
            assert_eq!(found, expected);
        }
        let status = membership
            .groups
            .list_short(ListShortRequest { unit: "units/nowhere-ps".into(), ..Default::default() })
            .await
            .expect_err("no unit");
        assert_eq!(refusal(&status).0, "UNIT_UNKNOWN");
    }
}

#[tokio::test]
async fn every_audience_is_formed_by_an_order_and_admits_whom_it_is_for() {
    for engine in engines() {
        let mut membership = Membership::start(engine).await;
        let mut all = order("2020-05-20");
        all.rules = vec![
            OrderRule {
                ranks: vec![Rank::Constable.into(), Rank::Havildar.into()],
                ..rule(UnitKind::DistrictPoliceCentre, GroupAudience::PoliceRank, 200)
            },
            rule(UnitKind::DistrictPoliceCentre, GroupAudience::WomenPolice, 100),
            rule(UnitKind::Wing, GroupAudience::Apex, 20),
            rule(UnitKind::Wing, GroupAudience::Regional, 20),
            rule(UnitKind::District, GroupAudience::Officers, 10),
            rule(UnitKind::Station, GroupAudience::Community, 200),
        ];
        membership.orders.issue_order(issue("order-all", all)).await.expect("issues");
        membership.form("units/bihar-hq").await.expect("forms");
        let rows = [
            police(1, "patna-centre", "constable", "female", "member"),
            police(2, "patna-centre", "havildar", "male", "member"),
            police(3, "patna-centre", "inspector", "male", "member"),
            police(4, "eou-wing", "dsp", "male", "member"),
            police(5, "patna-district", "inspector", "female", "member"),
            police(6, "kotwali-ps", "constable", "male", "member"),
        ];
        let done = membership.import(HEADER.to_owned() + &rows.concat()).await.expect("imports");
        // No group of the centre is for a male inspector.
        assert_eq!((done.accepted_count, done.rejected_by_reason["NO_GROUP"]), (5, 1));
        for (group, size) in [
            ("patna-centre-police-rank-constable", 1),
            ("patna-centre-police-rank-havildar", 1),
            ("patna-centre-women-police", 1),
            ("eou-wing-apex", 1),
            ("eou-wing-regional", 1),
            ("patna-district-officers", 1),
            ("kotwali-ps-community", 1),
            ("gaya-district-officers", 0),
        ] {
            assert_eq!(membership.group(group).await.enrolled_count, size, "{group}");
        }
    }
}
