//! A transfer of an officer in a whole cell: hierarchy asks membership and bulletin, which follow it.

use bytes::Bytes;
use senani_proto::hierarchy::v1::appointment_service_client::AppointmentServiceClient;
use senani_proto::hierarchy::v1::transfer::State;
use senani_proto::hierarchy::v1::{
    AppointRequest, Appointment, BeginTransferRequest, CompleteTransferRequest, Post, WhoIsAnswerableRequest,
};
use senani_proto::membership::v1::group_service_client::GroupServiceClient;
use senani_proto::membership::v1::member_service_client::MemberServiceClient;
use senani_proto::membership::v1::{ListGroupsRequest, WithdrawMemberRequest};
use senani_testkit::{Engine, eventually};
use senani_tests::cell::PATIENCE;
use senani_tests::{Cell, Service, material};
use tonic::Code;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_tells_the_groups_and_tasks_that_the_officer_leaves_behind() {
    let mut cell = Cell::start(Engine::Sqlite).await;
    let desk = cell.desk();
    desk.found().await;
    desk.import_members(Uuid::now_v7(), &Bytes::from(material::members(2_000, 7))).await;
    let request = ListGroupsRequest { page_size: 500, ..ListGroupsRequest::default() };
    let mut groups = GroupServiceClient::new(desk.author());
    let listed = groups.list_groups(request).await.expect("lists").into_inner().groups;
    let group = listed.into_iter().find(|group| !group.primary_custodian.is_empty()).expect("some have custodians");
    let mut members = MemberServiceClient::new(desk.author());
    for backup in &group.backup_custodians {
        let request = WithdrawMemberRequest { name: backup.clone(), ..WithdrawMemberRequest::default() };
        members.withdraw_member(request).await.expect("the other custodian stays");
    }
    let bulletin = desk.approved_bulletin("सावधान").await;
    desk.publish(&bulletin, &group.unit).await.expect("it is approved");

    let mut posts = AppointmentServiceClient::new(desk.author());
    let appointment = Appointment {
        officer: group.primary_custodian.clone(),
        unit: group.unit.clone(),
        post: Post::Head.into(),
        ..Appointment::default()
    };
    let request = AppointRequest { appointment: Some(appointment), ..AppointRequest::default() };
    let head = posts.appoint(request).await.expect("appoints").into_inner();
    let begin = BeginTransferRequest {
        appointment: head.name.clone(),
        unit: material::RANGE.to_owned(),
        post: Post::DeskOfficer.into(),
        validate_only: true,
        ..BeginTransferRequest::default()
    };
    eventually(PATIENCE, "the task to wait for the officer", async || {
        let imagined = posts.clone().begin_transfer(begin.clone()).await.expect("answers").into_inner();
        imagined.left_behind.is_some_and(|left| left.task_count > 0)
    })
    .await;
    let begin = BeginTransferRequest { validate_only: false, ..begin };
    let transfer = posts.begin_transfer(begin).await.expect("begins").into_inner();
    let left = transfer.left_behind.clone().expect("is known");
    assert_eq!(transfer.state(), State::Pending);
    assert!(left.groups.contains(&group.name), "{} in {left:?}", group.name);
    assert!(left.tasks.iter().all(|task| task.starts_with(&bulletin)), "{left:?}");

    let complete = CompleteTransferRequest { name: transfer.name.clone(), ..CompleteTransferRequest::default() };
    let status = posts.complete_transfer(complete.clone()).await.expect_err("nothing is handed over");
    assert_eq!(senani_error::reason_of(&status).as_deref(), Some("HANDOVER_INCOMPLETE"));
    cell.kill_nine(Service::Bulletin);
    let status = posts.complete_transfer(complete.clone()).await.expect_err("bulletin is down");
    let reason = senani_error::reason_of(&status);
    assert_eq!((status.code(), reason.as_deref()), (Code::Unavailable, Some("LEFT_BEHIND_UNKNOWN")));
    let forced = CompleteTransferRequest { force_reason: "needed there".to_owned(), ..complete };
    let done = posts.complete_transfer(forced).await.expect("is forced").into_inner();
    assert_eq!((done.state(), done.left_behind), (State::Completed, None));
    let request = WhoIsAnswerableRequest { unit: group.unit.clone(), moment: None };
    assert!(posts.who_is_answerable(request).await.expect("answers").into_inner().vacant);
}
