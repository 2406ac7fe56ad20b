//! Misconduct in groups.

use senani_proto::membership::v1::erasure_receipt::remaining::Thing;
use senani_proto::membership::v1::incident::{Kind, Outcome, State};
use senani_proto::membership::v1::incident_action::Kind as ActionKind;
use senani_proto::membership::v1::incident_service_client::IncidentServiceClient;
use senani_proto::membership::v1::list_repeated_incidents_request::Subject;
use senani_proto::membership::v1::privacy_service_client::PrivacyServiceClient;
use senani_proto::membership::v1::{
    ActOnIncidentRequest, CloseIncidentRequest, ErasePersonRequest, ErasureReason, ExportPersonRequest,
    GetIncidentRequest, Incident, IncidentAction, ListIncidentsRequest, ListMembersRequest,
    ListRepeatedIncidentsRequest, RecordIncidentRequest, group,
};
use senani_testkit::engines;
use tonic::Code;
use uuid::Uuid;

use crate::fixture::{HEADER, Membership, file, police, refusal};

const NOTE: &str = "रात नौ बजे अश्लील वीडियो डाला";

fn incident(group: &str, member: &str) -> Incident {
    Incident {
        group: format!("groups/{group}"),
        member: member.to_owned(),
        kind: Kind::ObscenePost.into(),
        evidence_sha256: "0123456789abcdef".repeat(4),
        reference: "EOU/2026/0042".to_owned(),
        ..Incident::default()
    }
}

fn record(incident: Incident) -> RecordIncidentRequest {
    RecordIncidentRequest { incident: Some(incident), request_id: Uuid::new_v4().to_string() }
}

fn act(incident: &Incident, kind: ActionKind) -> ActOnIncidentRequest {
    ActOnIncidentRequest {
        name: incident.name.clone(),
        action: Some(IncidentAction { kind: kind.into(), ..IncidentAction::default() }),
        etag: incident.etag.clone(),
        ..ActOnIncidentRequest::default()
    }
}

fn close(incident: &Incident, outcome: Outcome) -> CloseIncidentRequest {
    CloseIncidentRequest { name: incident.name.clone(), outcome: outcome.into(), ..CloseIncidentRequest::default() }
}

/// Names of the members of a unit, in the order of their English names.
async fn members_of(membership: &mut Membership, unit: &str) -> Vec<String> {
    let request = ListMembersRequest { unit: format!("units/{unit}"), page_size: 500, ..Default::default() };
    let mut members = membership.members.list_members(request).await.expect("members").into_inner().members;
    members.sort_by_key(|member| member.display_names["en"].clone());
    members.into_iter().map(|member| member.name).collect()
}

#[tokio::test]
async fn an_incident_is_recorded_acted_on_and_closed() {
    for engine in engines() {
        let mut membership = Membership::with_groups(engine).await;
        let mut incidents = IncidentServiceClient::new(membership.officer.clone());
        membership.import(file(0..3, &["kotwali-ps"])).await.expect("imports");
        let member = members_of(&mut membership, "kotwali-ps").await[0].clone();
        let wanted = Incident { note: NOTE.to_owned(), ..incident("kotwali-ps-community", &member) };
        let request = record(wanted.clone());
        let open = incidents.record_incident(request.clone()).await.expect("records").into_inner();
        assert_eq!(incidents.record_incident(request).await.expect("answers again").into_inner(), open);
        assert_eq!((open.state(), open.unit.as_str(), open.note.as_str()), (State::Open, "units/kotwali-ps", ""));
        assert_eq!((&open.evidence_sha256, &open.reference), (&wanted.evidence_sha256, &wanted.reference));
        let get = GetIncidentRequest { name: open.name.clone() };
        let found = incidents.get_incident(get.clone()).await.expect("an incident").into_inner();
        assert_eq!(found, Incident { note: NOTE.to_owned(), ..open.clone() });

        let status = incidents.close_incident(close(&open, Outcome::Upheld)).await.expect_err("nothing done");
        assert_eq!((status.code(), refusal(&status).0), (Code::FailedPrecondition, "INCIDENT_NOT_ACTED_ON".into()));
        let warned = incidents.act_on_incident(act(&open, ActionKind::Warned)).await.expect("acts").into_inner();
        assert_eq!((warned.state(), warned.actions[0].acted_by.as_str()), (State::Acted, "officers/tester"));
        let status = incidents.act_on_incident(act(&open, ActionKind::Warned)).await.expect_err("outdated");
        assert_eq!((status.code(), refusal(&status).0), (Code::Aborted, "ETAG_MISMATCH".into()));
        let request = act(&warned, ActionKind::MemberRemoved);
        let removed = incidents.act_on_incident(request).await.expect("removes").into_inner();
        assert_eq!(
            removed.actions.iter().map(IncidentAction::kind).collect::<Vec<_>>(),
            [ActionKind::Warned, ActionKind::MemberRemoved]
        );
        assert_eq!(membership.group("kotwali-ps-community").await.enrolled_count, 2);
        assert_eq!(membership.number("SELECT COUNT(*) FROM enrolment WHERE ended_at = 0").await, 2);
        let again = act(&removed, ActionKind::MemberRemoved);
        let status = incidents.act_on_incident(again).await.expect_err("not there any more");
        assert_eq!((status.code(), refusal(&status).0), (Code::NotFound, "ENROLMENT_NOT_FOUND".into()));

        let closed = incidents.close_incident(close(&removed, Outcome::Upheld)).await.expect("closes").into_inner();
        assert_eq!((closed.state(), closed.outcome(), closed.actions.len()), (State::Closed, Outcome::Upheld, 2));
        for status in [
            incidents.act_on_incident(act(&closed, ActionKind::Reported)).await.expect_err("closed"),
            incidents.close_incident(close(&closed, Outcome::NotUpheld)).await.expect_err("closed"),
        ] {
            assert_eq!((status.code(), refusal(&status).0), (Code::FailedPrecondition, "INCIDENT_CLOSED".into()));
        }
        assert_eq!(incidents.get_incident(get).await.expect("an incident").into_inner().state(), State::Closed);
    }
}

#[tokio::test]
async fn a_group_is_closed_by_an_action_and_the_only_custodian_is_not_removed() {
    for engine in engines() {
        let mut membership = Membership::with_groups(engine).await;
        let mut incidents = IncidentServiceClient::new(membership.officer.clone());
        let rows = police(1, "kotwali-ps", "sub_inspector", "male", "custodian");
        membership.import(HEADER.to_owned() + &rows).await.expect("imports");
        let sho = members_of(&mut membership, "kotwali-ps").await[0].clone();
        let request = record(incident("kotwali-ps-community", &sho));
        let of_sho = incidents.record_incident(request).await.expect("records").into_inner();
        let before = membership.state().await;
        let removal = act(&of_sho, ActionKind::MemberRemoved);
        let status = incidents.act_on_incident(removal).await.expect_err("the only custodian");
        assert_eq!((status.code(), refusal(&status).0), (Code::FailedPrecondition, "SOLE_CUSTODIAN".into()));
        assert_eq!(membership.state().await, before);
        let unknown = incidents.record_incident(record(incident("kotwali-ps-community", ""))).await.expect("records");
        let unknown = unknown.into_inner();
        let removal = act(&unknown, ActionKind::MemberRemoved);
        let status = incidents.act_on_incident(removal).await.expect_err("nobody is known");
        assert_eq!(refusal(&status), ("INCIDENT_INVALID".into(), vec!["action.kind".into()]));
        incidents.act_on_incident(act(&unknown, ActionKind::GroupClosed)).await.expect("closes the group");
        let group = membership.group("kotwali-ps-community").await;
        assert_eq!((group.state(), group.enrolled_count), (group::State::Closed, 0));
        let late = act(&of_sho, ActionKind::GroupClosed);
        let status = incidents.act_on_incident(late).await.expect_err("closed already");
        assert_eq!(refusal(&status).0, "GROUP_CLOSED");
    }
}

#[tokio::test]
async fn what_is_not_as_documented_is_refused_by_field() {
    for engine in engines() {
        let membership = Membership::with_groups(engine).await;
        let mut incidents = IncidentServiceClient::new(membership.officer.clone());
        let right = incident("kotwali-ps-community", "");
        let tomorrow = Some(prost_types::Timestamp { seconds: 9_999_999_999, nanos: 0 });
        for (wrong, reason, field) in [
            (Incident { kind: 0, ..right.clone() }, "INCIDENT_INVALID", "incident.kind"),
            (Incident { occur_time: tomorrow, ..right.clone() }, "INCIDENT_INVALID", "incident.occur_time"),
            (
                Incident { evidence_sha256: "12".into(), ..right.clone() },
                "INCIDENT_INVALID",
                "incident.evidence_sha256",
            ),
            (Incident { reference: "Sita 42".into(), ..right.clone() }, "INCIDENT_INVALID", "incident.reference"),
            (Incident { note: NOTE.into(), ..right.clone() }, "INCIDENT_INVALID", "incident.note"),
            (Incident { group: "kotwali".into(), ..right.clone() }, "NAME_INVALID", "incident.group"),
        ] {
            let status = incidents.record_incident(record(wrong)).await.expect_err(reason);
            assert_eq!(refusal(&status), (reason.to_owned(), vec![field.to_owned()]));
        }
        let nobody = format!("members/{}", Uuid::new_v4());
        for (wrong, reason) in [
            (incident("nowhere-community", ""), "GROUP_NOT_FOUND"),
            (incident("kotwali-ps-community", &nobody), "MEMBER_NOT_FOUND"),
        ] {
            let status = incidents.record_incident(record(wrong)).await.expect_err(reason);
            assert_eq!((status.code(), refusal(&status).0), (Code::NotFound, reason.to_owned()));
        }
        let name = format!("incidents/{}", Uuid::new_v4());
        let status = incidents.get_incident(GetIncidentRequest { name }).await.expect_err("none");
        assert_eq!((status.code(), refusal(&status).0), (Code::NotFound, "INCIDENT_NOT_FOUND".into()));
        assert_eq!(membership.number("SELECT COUNT(*) FROM incident").await, 0);
    }
}

#[tokio::test]
async fn incidents_are_listed_and_repeated_ones_counted_by_subtree() {
    for engine in engines() {
        let mut membership = Membership::with_groups(engine).await;
        let mut incidents = IncidentServiceClient::new(membership.officer.clone());
        membership.import(file(0..4, &["kotwali-ps", "gaya-ps"])).await.expect("imports");
        let kotwali = members_of(&mut membership, "kotwali-ps").await;
        let gaya = members_of(&mut membership, "gaya-ps").await;
        let mut recorded = Vec::new();
        for (group, member) in [
            ("kotwali-ps-community", kotwali[0].as_str()),
            ("kotwali-ps-community", kotwali[0].as_str()),
            ("kotwali-ps-community", kotwali[1].as_str()),
            ("kotwali-ps-community", ""),
            ("gaya-ps-community", gaya[0].as_str()),
            ("gaya-ps-community", gaya[0].as_str()),
            ("gaya-ps-community", gaya[0].as_str()),
            ("gaya-ps-community", kotwali[1].as_str()),
        ] {
            let done = incidents.record_incident(record(incident(group, member))).await.expect("records");
            recorded.push(done.into_inner());
        }
        // The second of kotwali[1] was none.
        incidents.close_incident(close(&recorded[7], Outcome::NotUpheld)).await.expect("closes");

        let list = |unit: &str, state: State| ListIncidentsRequest {
            unit: unit.to_owned(),
            state: state.into(),
            page_size: 3,
            ..ListIncidentsRequest::default()
        };
        let of_member = ListIncidentsRequest { member: kotwali[1].clone(), ..list("", State::Unspecified) };
        let of_group =
            ListIncidentsRequest { group: "groups/gaya-ps-community".into(), ..list("", State::Unspecified) };
        for (mut request, expected) in [
            (list("", State::Unspecified), vec![7, 6, 5, 4, 3, 2, 1, 0]),
            (list("units/patna-district", State::Unspecified), vec![3, 2, 1, 0]),
            (list("units/gaya-district", State::Open), vec![6, 5, 4]),
            (list("", State::Closed), vec![7]),
            (of_member, vec![7, 2]),
            (of_group, vec![7, 6, 5, 4]),
        ] {
            let mut found = Vec::new();
            loop {
                let page = incidents.list_incidents(request.clone()).await.expect("a page").into_inner();
                found.extend(page.incidents.into_iter().map(|incident| incident.name));
                request.page_token = page.next_page_token;
                if request.page_token.is_empty() {
                    break;
                }
            }
            let expected: Vec<String> = expected.into_iter().map(|index: usize| recorded[index].name.clone()).collect();
            assert_eq!(found, expected);
        }

        let repeated = |subject: Subject, unit: &str| ListRepeatedIncidentsRequest {
            subject: subject.into(),
            unit: unit.to_owned(),
            page_size: 1,
            ..ListRepeatedIncidentsRequest::default()
        };
        for (mut request, expected) in [
            (repeated(Subject::Members, ""), vec![(gaya[0].as_str(), 3), (kotwali[0].as_str(), 2)]),
            (repeated(Subject::Members, "units/patna-district"), vec![(kotwali[0].as_str(), 2)]),
            (repeated(Subject::Groups, ""), vec![("groups/kotwali-ps-community", 4), ("groups/gaya-ps-community", 3)]),
            (
                ListRepeatedIncidentsRequest { min_count: 4, ..repeated(Subject::Groups, "") },
                vec![("groups/kotwali-ps-community", 4)],
            ),
        ] {
            let mut found = Vec::new();
            loop {
                let page = incidents.list_repeated_incidents(request.clone()).await.expect("a page").into_inner();
                found.extend(page.repeated_incidents.into_iter().map(|one| (one.member + &one.group, one.count)));
                request.page_token = page.next_page_token;
                if request.page_token.is_empty() {
                    break;
                }
            }
            let found: Vec<(&str, i32)> = found.iter().map(|(name, count)| (name.as_str(), *count)).collect();
            assert_eq!(found, expected);
        }
        let long_ago = Some(prost_types::Timestamp { seconds: 1, nanos: 0 });
        let request = ListRepeatedIncidentsRequest { end_time: long_ago, ..repeated(Subject::Members, "") };
        let none = incidents.list_repeated_incidents(request).await.expect("a page").into_inner();
        assert!(none.repeated_incidents.is_empty());
        let wrong = ListRepeatedIncidentsRequest { min_count: 1, ..repeated(Subject::Members, "") };
        let status = incidents.list_repeated_incidents(wrong).await.expect_err("one is not repeated");
        assert_eq!(refusal(&status), ("INCIDENT_INVALID".into(), vec!["min_count".into()]));
    }
}

#[tokio::test]
async fn a_note_is_exported_and_ends_with_the_person() {
    for engine in engines() {
        let mut membership = Membership::with_groups(engine).await;
        let mut incidents = IncidentServiceClient::new(membership.officer.clone());
        let mut privacy = PrivacyServiceClient::new(membership.officer.clone());
        membership.import(file(0..1, &["kotwali-ps"])).await.expect("imports");
        let member = members_of(&mut membership, "kotwali-ps").await[0].clone();
        let wanted = Incident { note: NOTE.to_owned(), ..incident("kotwali-ps-community", &member) };
        let open = incidents.record_incident(record(wanted.clone())).await.expect("records").into_inner();
        let export = ExportPersonRequest { name: member.clone(), reason: "asked for by the member".into() };
        let exported = privacy.export_person(export).await.expect("exports").into_inner();
        assert_eq!(exported.incidents, [Incident { note: NOTE.to_owned(), ..open.clone() }]);

        let erase = ErasePersonRequest {
            name: member.clone(),
            reason: ErasureReason::Request.into(),
            reference: "EOU/2026/0042".into(),
            ..ErasePersonRequest::default()
        };
        let receipt = privacy.erase_person(erase).await.expect("erases").into_inner();
        let remaining = receipt.remaining.iter().find(|remaining| remaining.thing() == Thing::Incidents);
        assert_eq!(remaining.map(|remaining| remaining.count), Some(1));
        let get = GetIncidentRequest { name: open.name.clone() };
        let found = incidents.get_incident(get).await.expect("an incident").into_inner();
        assert_eq!(found, open, "what happened stays, without the note");
        assert_eq!(membership.number("SELECT COUNT(*) FROM incident WHERE length(note_sealed) > 0").await, 0);
        let status = incidents.record_incident(record(wanted)).await.expect_err("no key to seal a note with");
        assert_eq!((status.code(), refusal(&status).0), (Code::FailedPrecondition, "MEMBER_ERASED".into()));
    }
}
