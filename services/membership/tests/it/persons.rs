//! Persons, officers and notices for the tests of a member's life.

use std::time::Duration;

use senani_client::Channel;
use senani_proto::membership::v1::application_service_client::ApplicationServiceClient;
use senani_proto::membership::v1::member::State;
use senani_proto::membership::v1::notice_service_client::NoticeServiceClient;
use senani_proto::membership::v1::{
    ApplyRequest, FindMemberByPhoneRequest, GetMemberRequest, ListConsentsRequest, ListEnrolmentsRequest,
    ListIdentifiersRequest, ListMemberHistoryRequest, Member, MemberAct, MemberEvent, MemberIdentifier, Notice,
    PastEnrolment, PublishNoticeRequest, Purpose, RejectApplicationRequest, RejectionReason, VerifyApplicationRequest,
};
use senani_testkit::eventually;
use tonic::Status;
use uuid::Uuid;

use crate::fixture::{Membership, connect};
use crate::hierarchy::heads;

pub(crate) fn notices(membership: &Membership) -> NoticeServiceClient<Channel> {
    NoticeServiceClient::new(membership.officer.clone())
}

pub(crate) fn notice(slug: &str) -> PublishNoticeRequest {
    let texts = |hi: &str, en: &str| [("hi".to_owned(), hi.to_owned()), ("en".to_owned(), en.to_owned())].into();
    PublishNoticeRequest {
        notice: Some(Notice {
            titles: texts("सूचना", "Notice"),
            texts: texts("हम आपका नाम और नंबर रखते हैं", "We keep your name and number"),
            purposes: vec![Purpose::DirectMessages.into(), Purpose::Membership.into()],
            effective_date: "2026-01-01".to_owned(),
            ..Notice::default()
        }),
        notice_id: slug.to_owned(),
        request_id: String::new(),
    }
}

pub(crate) async fn publish(membership: &Membership, slug: &str) -> Notice {
    notices(membership).publish_notice(notice(slug)).await.expect("publishes").into_inner()
}

/// A teacher of Kotwali with the exercise number of this number.
pub(crate) fn teacher(number: u32) -> ApplyRequest {
    ApplyRequest {
        display_names: [("hi".to_owned(), format!("नाम {number}"))].into(),
        phone: format!("10{number:08}"),
        unit: "units/kotwali-ps".to_owned(),
        category: "teacher".to_owned(),
        gender: "female".to_owned(),
        language: "mai".to_owned(),
        consents_to_direct_messages: true,
        notice_version: "notice-1".to_owned(),
        ..ApplyRequest::default()
    }
}

/// As the person on the portal, or an officer without an appointment, calls.
pub(crate) fn portal(membership: &Membership) -> ApplicationServiceClient<Channel> {
    ApplicationServiceClient::new(membership.officer.clone())
}

pub(crate) async fn apply(membership: &Membership, request: ApplyRequest) -> Result<Member, Status> {
    Ok(portal(membership).apply(request).await?.into_inner())
}

/// An officer who heads a unit, as membership has heard.
pub(crate) async fn officer(membership: &Membership, unit: &str) -> ApplicationServiceClient<Channel> {
    let officer = Uuid::new_v4();
    membership.hierarchy.tell(heads(unit, officer));
    eventually(Duration::from_secs(20), "membership to hear of the appointment", async || {
        membership.number("SELECT COUNT(*) FROM appointment_replica").await > 0
    })
    .await;
    ApplicationServiceClient::new(connect(membership.address, &format!("members/{officer}")))
}

pub(crate) fn verify(name: &str) -> VerifyApplicationRequest {
    VerifyApplicationRequest { name: name.to_owned(), ..Default::default() }
}

pub(crate) fn reject(name: &str, note: &str) -> RejectApplicationRequest {
    RejectApplicationRequest {
        name: name.to_owned(),
        reason: RejectionReason::UnknownPerson.into(),
        note: note.to_owned(),
        ..Default::default()
    }
}

pub(crate) async fn member(membership: &Membership, name: &str) -> Member {
    let request = GetMemberRequest { name: name.to_owned() };
    membership.members.clone().get_member(request).await.expect("a member").into_inner()
}

/// The member with the exercise number of this number.
pub(crate) async fn by_number(membership: &Membership, number: u32) -> Option<Member> {
    let request = FindMemberByPhoneRequest { phone: format!("10{number:08}") };
    membership.members.clone().find_member_by_phone(request).await.ok().map(tonic::Response::into_inner)
}

pub(crate) fn groups(member: &Member) -> Vec<&str> {
    member.enrolments.iter().map(|enrolment| enrolment.group.as_str()).collect()
}

pub(crate) fn state(member: &Member) -> State {
    member.state()
}

/// What happened, the newest first, read in small pages.
pub(crate) async fn history(membership: &Membership, name: &str) -> Vec<MemberEvent> {
    let mut request = ListMemberHistoryRequest { name: name.to_owned(), page_size: 2, ..Default::default() };
    let mut events = Vec::new();
    loop {
        let page = membership.members.clone().list_member_history(request.clone()).await.expect("history").into_inner();
        events.extend(page.events);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return events;
        }
    }
}

pub(crate) async fn acts(membership: &Membership, name: &str) -> Vec<MemberAct> {
    history(membership, name).await.iter().map(MemberEvent::act).collect()
}

pub(crate) async fn identifiers(membership: &Membership, name: &str) -> Vec<MemberIdentifier> {
    let request = ListIdentifiersRequest { name: name.to_owned() };
    membership.members.clone().list_identifiers(request).await.expect("identifiers").into_inner().identifiers
}

pub(crate) async fn enrolments(membership: &Membership, name: &str) -> Vec<PastEnrolment> {
    let mut request = ListEnrolmentsRequest { name: name.to_owned(), page_size: 2, ..Default::default() };
    let mut enrolments = Vec::new();
    loop {
        let page = membership.members.clone().list_enrolments(request.clone()).await.expect("stays").into_inner();
        enrolments.extend(page.enrolments);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return enrolments;
        }
    }
}

/// The ledger, the newest first: purpose, given, notice, channel.
pub(crate) async fn ledger(membership: &Membership, name: &str) -> Vec<(i32, bool, String, i32)> {
    let mut request = ListConsentsRequest { name: name.to_owned(), page_size: 2, ..Default::default() };
    let mut ledger = Vec::new();
    loop {
        let page = membership.members.clone().list_consents(request.clone()).await.expect("consents").into_inner();
        ledger.extend(page.consents.into_iter().map(|entry| (entry.purpose, entry.given, entry.notice, entry.channel)));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return ledger;
        }
    }
}

/// Groups whose size is not what a recount says, and members who are in one group twice.
pub(crate) async fn wrong_sizes(membership: &Membership) -> i64 {
    let sizes = "SELECT COUNT(*) FROM member_group g WHERE g.enrolled_count <> \
                 (SELECT COUNT(*) FROM enrolment e WHERE e.group_id = g.id AND e.ended_at = 0)";
    let twice = "SELECT COUNT(*) FROM (SELECT member_id FROM enrolment WHERE ended_at = 0 \
                 GROUP BY member_id, group_id HAVING COUNT(*) > 1) AS t";
    membership.number(sizes).await + membership.number(twice).await
}
