//! Transfers: complete when nothing is left behind.

use senani_proto::hierarchy::v1::appointment_service_client::AppointmentServiceClient;
use senani_proto::hierarchy::v1::transfer::State;
use senani_proto::hierarchy::v1::{
    Appointment, BeginTransferRequest, CancelTransferRequest, CloseUnitRequest, CompleteTransferRequest,
    GetAppointmentRequest, GetTransferRequest, LeftBehind, ListTransfersRequest, Post, RelieveRequest, Transfer,
};
use senani_testkit::engines;
use tonic::Code;
use uuid::Uuid;

use crate::fixture::{Hierarchy, metadata, refusal, subdivision};
use crate::holders::{Holders, appoint, officer, who};

fn beginning(appointment: &Appointment, unit: &str, effective_date: &str) -> BeginTransferRequest {
    BeginTransferRequest {
        appointment: appointment.name.clone(),
        unit: format!("units/{unit}"),
        post: Post::Head.into(),
        effective_date: effective_date.to_owned(),
        ..BeginTransferRequest::default()
    }
}

fn completing(transfer: &Transfer, force_reason: &str) -> CompleteTransferRequest {
    let (name, force_reason) = (transfer.name.clone(), force_reason.to_owned());
    CompleteTransferRequest { name, force_reason, ..CompleteTransferRequest::default() }
}

#[tokio::test]
async fn a_transfer_waits_until_what_the_officer_leaves_behind_is_handed_over() {
    for engine in engines() {
        let holders = Holders::default();
        let (url, _running) = holders.start();
        let hierarchy = Hierarchy::configured(engine, |config| {
            config.membership_url.clone_from(&url);
            config.bulletin_url.clone_from(&url);
        })
        .await;
        let mut posts = AppointmentServiceClient::new(hierarchy.channel.clone());
        let first = appoint(&mut posts, 1, "patna-district", Post::Head, "2015-01-01").await;
        holders.hold(&[("patna-district", true), ("patna-women", false)], &["bulletins/a/tasks/b"]);

        let request =
            BeginTransferRequest { request_id: Uuid::now_v7().to_string(), ..beginning(&first, "patna-range", "") };
        let imagined = BeginTransferRequest { validate_only: true, request_id: String::new(), ..request.clone() };
        let imagined = posts.begin_transfer(imagined).await.expect("answers").into_inner();
        assert_eq!((imagined.name.as_str(), imagined.state()), ("", State::Pending), "{engine}");
        let pending = posts.begin_transfer(request.clone()).await.expect("begins").into_inner();
        let left = LeftBehind {
            groups: vec!["groups/patna-district".into()],
            group_count: 1,
            tasks: vec!["bulletins/a/tasks/b".into()],
            task_count: 1,
            ..LeftBehind::default()
        };
        assert_eq!((pending.state(), pending.left_behind.as_ref()), (State::Pending, Some(&left)), "{engine}");
        assert_eq!(posts.begin_transfer(request).await.expect("answers").into_inner(), pending, "{engine}: once");
        let answer = who(&mut posts, "patna-district", "").await;
        assert_eq!(answer.appointment, Some(first.clone()), "{engine}: the officer stays");

        let again = posts.begin_transfer(beginning(&first, "patna-zone", "")).await.expect_err("is pending");
        assert_eq!(refusal(&again).0, "TRANSFER_PENDING", "{engine}");
        assert_eq!(metadata(&again, "transfer"), pending.name, "{engine}");
        let relieve = RelieveRequest { name: first.name.clone(), ..RelieveRequest::default() };
        let status = posts.relieve(relieve).await.expect_err("is pending");
        assert_eq!(refusal(&status).0, "TRANSFER_PENDING", "{engine}");

        holders.hold(&[("patna-district", false)], &["bulletins/a/tasks/b"]);
        let status = posts.complete_transfer(completing(&pending, "")).await.expect_err("a task is left");
        assert_eq!((status.code(), refusal(&status).0), (Code::FailedPrecondition, "HANDOVER_INCOMPLETE".into()));
        let counts = ["groups", "tasks", "reports"].map(|key| metadata(&status, key));
        assert_eq!(counts, ["0", "1", "0"], "{engine}");
        let read = posts.get_transfer(GetTransferRequest { name: pending.name.clone() }).await.expect("reads");
        let left = read.into_inner().left_behind.expect("is known");
        assert_eq!((left.group_count, left.task_count), (0, 1), "{engine}: what was found is on record");

        holders.hold(&[], &[]);
        let request = CompleteTransferRequest { etag: pending.etag.clone(), ..completing(&pending, "") };
        let done = posts.complete_transfer(request).await.expect("completes").into_inner();
        assert_eq!((done.state(), done.force_reason.as_str()), (State::Completed, ""), "{engine}");
        let old = posts.get_appointment(GetAppointmentRequest { name: first.name }).await.expect("reads").into_inner();
        let new = GetAppointmentRequest { name: done.new_appointment.clone() };
        let new = posts.get_appointment(new).await.expect("reads").into_inner();
        assert_eq!((&old.end_date, &new.start_date), (&done.effective_date, &done.effective_date), "{engine}");
        assert_eq!((new.officer.clone(), new.unit.as_str()), (officer(1), "units/patna-range"), "{engine}");
        let answer = who(&mut posts, "patna-district", "").await;
        assert_eq!((answer.appointment, answer.vacant), (Some(new.clone()), true), "{engine}: the range answers");
        assert_eq!(who(&mut posts, "patna-district", "2015-01-01").await.appointment, Some(old), "{engine}");

        let status = posts.complete_transfer(completing(&done, "")).await.expect_err("is over");
        assert_eq!(refusal(&status).0, "TRANSFER_OVER", "{engine}");
        // With nothing left behind it is completed at once, and holds from its own day.
        let begin = beginning(&new, "patna-zone", "");
        let at_once = posts.begin_transfer(begin).await.expect("begins").into_inner();
        assert_eq!((at_once.state(), at_once.left_behind), (State::Completed, Some(LeftBehind::default())), "{engine}");

        let of_officer = ListTransfersRequest { officer: officer(1), page_size: 1, ..ListTransfersRequest::default() };
        let page = posts.list_transfers(of_officer.clone()).await.expect("lists").into_inner();
        assert_eq!(page.transfers, [done], "{engine}");
        let next = ListTransfersRequest { page_token: page.next_page_token, ..of_officer };
        let page = posts.list_transfers(next).await.expect("lists").into_inner();
        assert_eq!((page.transfers[0].name.clone(), page.next_page_token.as_str()), (at_once.name, ""), "{engine}");
        let to = ListTransfersRequest {
            unit: "units/patna-range".into(),
            state: State::Cancelled.into(),
            ..ListTransfersRequest::default()
        };
        assert_eq!(posts.list_transfers(to).await.expect("lists").into_inner().transfers, [], "{engine}");
    }
}

#[tokio::test]
async fn who_cannot_be_asked_leaves_it_unknown_and_only_a_reason_forces_the_transfer() {
    for engine in engines() {
        let holders = Holders::default();
        let (url, running) = holders.start();
        let hierarchy = Hierarchy::configured(engine, |config| config.membership_url = url).await;
        let mut posts = AppointmentServiceClient::new(hierarchy.channel.clone());
        let first = appoint(&mut posts, 1, "patna-district", Post::Head, "2015-01-01").await;
        let request = beginning(&first, "patna-range", "2018-01-01");
        let status = posts.begin_transfer(request.clone()).await.expect_err("bulletin is not configured");
        assert_eq!((status.code(), refusal(&status).0), (Code::Unavailable, "LEFT_BEHIND_UNKNOWN".into()), "{engine}");
        assert_eq!(metadata(&status, "service"), "bulletin", "{engine}");
        drop(running);
        let blank = BeginTransferRequest { force_reason: "  ".into(), ..request.clone() };
        let status = posts.begin_transfer(blank).await.expect_err("is no reason");
        assert_eq!(refusal(&status), ("REASON_INVALID".into(), vec!["force_reason".into()]), "{engine}");

        let forced = BeginTransferRequest {
            force_reason: "the canary is needed".into(),
            request_id: Uuid::now_v7().to_string(),
            ..request
        };
        let done = posts.begin_transfer(forced.clone()).await.expect("is forced").into_inner();
        assert_eq!((done.state(), done.left_behind.as_ref()), (State::Completed, None), "{engine}");
        assert_eq!(done.force_reason, "the canary is needed", "{engine}");
        assert_eq!((done.forced_by.as_str(), done.effective_date.as_str()), ("officers/tester", "2018-01-01"));
        assert_eq!(posts.begin_transfer(forced).await.expect("answers").into_inner(), done, "{engine}: once");
        assert!(!hierarchy.request_log().await.contains("canary"), "{engine}");
        let (heard, told) = hierarchy.events(7).await;
        assert!(!format!("{heard:?}{told:?}").contains("canary"), "{engine}");
        for (date, number) in [("2017-12-31", 1), ("2018-01-01", 1)] {
            let answer = who(&mut posts, "patna-district", date).await;
            assert_eq!(answer.appointment.map(|held| held.officer), Some(officer(number)), "{engine}");
            assert_eq!(answer.vacant, date == "2018-01-01", "{engine}");
        }
    }
}

#[tokio::test]
async fn a_transfer_waits_for_its_day_and_for_the_post_and_can_be_given_up() {
    for engine in engines() {
        let holders = Holders::default();
        let (url, _running) = holders.start();
        let mut hierarchy = Hierarchy::configured(engine, |config| {
            config.membership_url.clone_from(&url);
            config.bulletin_url.clone_from(&url);
        })
        .await;
        let mut posts = AppointmentServiceClient::new(hierarchy.channel.clone());
        let first = appoint(&mut posts, 1, "patna-district", Post::Head, "2015-01-01").await;
        let in_the_way = appoint(&mut posts, 2, "patna-range", Post::Head, "2015-01-01").await;

        let later =
            posts.begin_transfer(beginning(&first, "patna-zone", "2199-01-01")).await.expect("begins").into_inner();
        assert_eq!(later.state(), State::Pending, "{engine}");
        let status = posts.complete_transfer(completing(&later, "now")).await.expect_err("is not due");
        assert_eq!(refusal(&status).0, "TRANSFER_NOT_DUE", "{engine}");
        let request = CancelTransferRequest { name: later.name.clone(), ..CancelTransferRequest::default() };
        let given_up = posts.cancel_transfer(request.clone()).await.expect("gives up").into_inner();
        assert_eq!(given_up.state(), State::Cancelled, "{engine}");
        let status = posts.cancel_transfer(request).await.expect_err("is over");
        assert_eq!(refusal(&status).0, "TRANSFER_OVER", "{engine}");

        let waiting = posts.begin_transfer(beginning(&first, "patna-range", "")).await.expect("begins").into_inner();
        assert_eq!(waiting.state(), State::Pending, "{engine}: somebody is head there");
        let status = posts.complete_transfer(completing(&waiting, "")).await.expect_err("somebody is head there");
        assert_eq!((status.code(), refusal(&status).0), (Code::AlreadyExists, "HEAD_TAKEN".into()), "{engine}");
        let away = posts.begin_transfer(beginning(&in_the_way, "patna-zone", "")).await.expect("begins").into_inner();
        assert_eq!(away.state(), State::Completed, "{engine}");
        let done = posts.complete_transfer(completing(&waiting, "")).await.expect("completes").into_inner();
        assert_eq!(done.state(), State::Completed, "{engine}");

        // A unit that closes ends the appointment; what is left of the transfer is the new one.
        hierarchy.create(subdivision("patna-sadar")).await.expect("creates");
        let small = appoint(&mut posts, 3, "patna-sadar", Post::Head, "").await;
        holders.hold(&[("patna-sadar", true)], &[]);
        let pending = posts.begin_transfer(beginning(&small, "patna-district", "")).await.expect("begins").into_inner();
        let close = CloseUnitRequest { name: "units/patna-sadar".into(), ..CloseUnitRequest::default() };
        hierarchy.units.close_unit(close).await.expect("closes");
        holders.hold(&[], &[]);
        let moved = posts.complete_transfer(completing(&pending, "")).await.expect("completes").into_inner();
        let answer = who(&mut posts, "patna-district", "").await;
        assert_eq!(answer.appointment.map(|held| held.name), Some(moved.new_appointment), "{engine}");

        let same =
            BeginTransferRequest { appointment: done.new_appointment.clone(), ..beginning(&first, "patna-range", "") };
        let before = BeginTransferRequest {
            appointment: done.new_appointment.clone(),
            ..beginning(&first, "patna-district", "2016-01-01")
        };
        let unknown = Appointment { name: format!("appointments/{}", Uuid::nil()), ..Appointment::default() };
        for (request, reason) in [
            (beginning(&first, "patna-zone", ""), "APPOINTMENT_ENDED"),
            (same, "TRANSFER_TO_SAME_POST"),
            (before, "EFFECTIVE_DATE_TOO_EARLY"),
            (beginning(&unknown, "patna-zone", ""), "APPOINTMENT_NOT_FOUND"),
            (beginning(&first, "patna-zone", "soon"), "DATE_INVALID"),
        ] {
            let status = posts.begin_transfer(request).await.expect_err(reason);
            assert_eq!(refusal(&status).0, reason, "{engine}");
        }
        let nothing = GetTransferRequest { name: format!("transfers/{}", Uuid::nil()) };
        let status = posts.get_transfer(nothing).await.expect_err("there is none");
        assert_eq!(refusal(&status).0, "TRANSFER_NOT_FOUND", "{engine}");
    }
}
