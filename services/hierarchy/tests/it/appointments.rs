//! Appointing, relieving, standing in, and emergencies.

use std::time::{SystemTime, UNIX_EPOCH};

use senani_proto::hierarchy::v1::appointment_service_client::AppointmentServiceClient;
use senani_proto::hierarchy::v1::{
    AppointRequest, Appointment, AppointmentNature, BreakGlassRequest, CloseUnitRequest, DelegateRequest,
    EndAppointmentRequest, GetAppointmentRequest, ListAppointmentsRequest, Post, RelieveRequest,
};
use senani_testkit::engines;
use tonic::Code;
use uuid::Uuid;

use crate::fixture::{Hierarchy, refusal, subdivision};
use crate::holders::{appoint, appointing, officer, who};

/// So many hours from now.
fn hours(number: i64) -> Option<prost_types::Timestamp> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after the epoch");
    Some(prost_types::Timestamp { seconds: since.as_secs() as i64 + number * 3_600, nanos: 0 })
}

fn relieving(appointment: &Appointment, effective_date: &str) -> RelieveRequest {
    let (name, effective_date) = (appointment.name.clone(), effective_date.to_owned());
    RelieveRequest { name, effective_date, ..RelieveRequest::default() }
}

fn delegating(appointment: &Appointment, number: u128, until: i64) -> DelegateRequest {
    let (name, end_time) = (appointment.name.clone(), hours(until));
    DelegateRequest { name, officer: officer(number), end_time, ..DelegateRequest::default() }
}

fn breaking(number: u128, reason: &str) -> BreakGlassRequest {
    let (unit, officer, reason) = ("units/patna-district".to_owned(), officer(number), reason.to_owned());
    BreakGlassRequest { unit, officer, reason, ..BreakGlassRequest::default() }
}

#[tokio::test]
async fn an_officer_is_appointed_and_relieved_by_the_day_and_found_by_unit_officer_and_day() {
    for engine in engines() {
        let hierarchy = Hierarchy::with_state(engine).await;
        let mut posts = AppointmentServiceClient::new(hierarchy.channel.clone());
        let request = AppointRequest {
            request_id: Uuid::now_v7().to_string(),
            ..appointing(1, "patna-district", Post::Head, "2015-01-01")
        };
        let imagined = AppointRequest { validate_only: true, request_id: String::new(), ..request.clone() };
        let imagined = posts.appoint(imagined).await.expect("answers").into_inner();
        assert_eq!((imagined.name.as_str(), imagined.start_date.as_str()), ("", "2015-01-01"), "{engine}");
        let first = posts.appoint(request.clone()).await.expect("appoints").into_inner();
        assert_eq!(posts.appoint(request).await.expect("answers").into_inner(), first, "{engine}: once");
        assert_eq!(first.start_time.map(|time| time.seconds), Some(1_420_050_600), "{engine}: midnight in India");
        assert_eq!((first.nature(), first.end_time), (AppointmentNature::Substantive, None), "{engine}");

        let stale = RelieveRequest { etag: "\"7\"".into(), ..relieving(&first, "2018-01-01") };
        let status = posts.relieve(stale).await.expect_err("is stale");
        assert_eq!((status.code(), refusal(&status).0), (Code::Aborted, "ETAG_MISMATCH".into()), "{engine}");
        let right = RelieveRequest { etag: first.etag.clone(), ..relieving(&first, "2018-01-01") };
        let relieved = posts.relieve(right).await.expect("relieves").into_inner();
        assert_eq!((relieved.end_date.as_str(), relieved.ended_by.as_str()), ("2018-01-01", "officers/tester"));
        let second = appoint(&mut posts, 2, "patna-district", Post::Head, "2018-01-01").await;
        let desk = appoint(&mut posts, 1, "patna-zone", Post::DeskOfficer, "").await;
        let read = posts.get_appointment(GetAppointmentRequest { name: first.name.clone() }).await.expect("reads");
        assert_eq!(read.into_inner(), relieved, "{engine}");

        let unit = ListAppointmentsRequest { unit: "units/patna-district".into(), ..Default::default() };
        let ended = ListAppointmentsRequest { show_ended: true, ..unit.clone() };
        let day = |as_of: &str| ListAppointmentsRequest { as_of: as_of.into(), ..unit.clone() };
        let by_officer = ListAppointmentsRequest { officer: officer(1), show_ended: true, ..Default::default() };
        for (request, expected) in [
            (unit.clone(), vec![&second]),
            (ended, vec![&relieved, &second]),
            (day("2014-12-31"), vec![]),
            (day("2017-12-31"), vec![&relieved]),
            (day("2018-01-01"), vec![&second]),
            (by_officer.clone(), vec![&relieved, &desk]),
            (ListAppointmentsRequest { post: Post::DeskOfficer.into(), ..Default::default() }, vec![&desk]),
        ] {
            let found = posts.list_appointments(request.clone()).await.expect("lists").into_inner();
            assert_eq!(found.appointments.iter().collect::<Vec<_>>(), expected, "{engine}: {request:?}");
        }
        let page = ListAppointmentsRequest { page_size: 1, ..by_officer };
        let first_page = posts.list_appointments(page.clone()).await.expect("lists").into_inner();
        let next = ListAppointmentsRequest { page_token: first_page.next_page_token, ..page };
        let last = posts.list_appointments(next).await.expect("lists").into_inner();
        assert_eq!((last.appointments, last.next_page_token.as_str()), (vec![desk], ""), "{engine}");
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_its_reason() {
    for engine in engines() {
        let mut hierarchy = Hierarchy::with_state(engine).await;
        hierarchy.create(subdivision("patna-sadar")).await.expect("creates");
        let close = CloseUnitRequest { name: "units/patna-sadar".into(), ..CloseUnitRequest::default() };
        hierarchy.units.close_unit(close).await.expect("closes");
        let mut posts = AppointmentServiceClient::new(hierarchy.channel.clone());
        let head = appoint(&mut posts, 1, "patna-district", Post::Head, "2015-01-01").await;
        let desk = appoint(&mut posts, 3, "patna-district", Post::DeskOfficer, "2015-01-01").await;
        let gone = appoint(&mut posts, 1, "patna-zone", Post::Head, "2015-01-01").await;
        posts.relieve(relieving(&gone, "2018-01-01")).await.expect("relieves");

        let nobody = AppointRequest::default();
        for (request, reason) in [
            (appointing(2, "patna-district", Post::Head, "2016-01-01"), "HEAD_TAKEN"),
            (appointing(2, "patna-district", Post::Head, "2014-01-01"), "HEAD_TAKEN"),
            (appointing(1, "patna-district", Post::Head, ""), "ALREADY_APPOINTED"),
            (appointing(3, "patna-district", Post::DeskOfficer, ""), "ALREADY_APPOINTED"),
            (appointing(2, "patna-zone", Post::Head, "2017-12-31"), "EFFECTIVE_DATE_TOO_EARLY"),
            (appointing(2, "patna-zone", Post::Head, "1999-01-01"), "EFFECTIVE_DATE_TOO_EARLY"),
            (appointing(2, "patna-zone", Post::Head, "9998-01-01"), "EFFECTIVE_DATE_IN_FUTURE"),
            (appointing(2, "patna-zone", Post::Head, "2017-02-31"), "DATE_INVALID"),
            (appointing(2, "patna-zone", Post::Unspecified, ""), "POST_MISSING"),
            (appointing(2, "patna-sadar", Post::Head, ""), "UNIT_CLOSED"),
            (appointing(2, "nowhere", Post::Head, ""), "UNIT_NOT_FOUND"),
            (nobody, "NAME_INVALID"),
        ] {
            let status = posts.appoint(request).await.expect_err(reason);
            assert_eq!(refusal(&status).0, reason, "{engine}");
        }

        let delegated = posts.delegate(delegating(&head, 5, 10)).await.expect("delegates").into_inner();
        let unknown = Appointment { name: format!("appointments/{}", Uuid::nil()), ..Appointment::default() };
        for (request, reason) in [
            (relieving(&gone, ""), "APPOINTMENT_ENDED"),
            (relieving(&head, "2014-12-31"), "EFFECTIVE_DATE_TOO_EARLY"),
            (relieving(&delegated, ""), "NATURE_WRONG"),
            (relieving(&unknown, ""), "APPOINTMENT_NOT_FOUND"),
        ] {
            let status = posts.relieve(request).await.expect_err(reason);
            assert_eq!(refusal(&status).0, reason, "{engine}");
        }
        let endless = DelegateRequest { end_time: None, ..delegating(&desk, 5, 1) };
        let begun = DelegateRequest { start_time: hours(-2), ..delegating(&desk, 5, 1) };
        for (request, reason) in [
            (delegating(&head, 6, 5), "DELEGATED_ALREADY"),
            (delegating(&gone, 6, 5), "APPOINTMENT_ENDED"),
            (delegating(&delegated, 6, 5), "NATURE_WRONG"),
            (delegating(&desk, 3, 5), "DELEGATE_IS_HOLDER"),
            (delegating(&desk, 5, 60 * 24 + 1), "TERM_INVALID"),
            (endless, "TERM_INVALID"),
            (begun, "TERM_INVALID"),
        ] {
            let status = posts.delegate(request).await.expect_err(reason);
            assert_eq!(refusal(&status).0, reason, "{engine}");
        }
        let long = BreakGlassRequest { end_time: hours(13), ..breaking(7, "fire") };
        for (request, reason) in [
            (breaking(7, " "), "REASON_INVALID"),
            (breaking(7, &"x".repeat(1_001)), "REASON_INVALID"),
            (long, "TERM_INVALID"),
        ] {
            let status = posts.break_glass(request).await.expect_err(reason);
            assert_eq!(refusal(&status).0, reason, "{engine}");
        }
        let end = |name: &str| EndAppointmentRequest { name: name.to_owned(), ..EndAppointmentRequest::default() };
        let status = posts.end_appointment(end(&head.name)).await.expect_err("is to be relieved");
        assert_eq!(refusal(&status).0, "NATURE_WRONG", "{engine}");
        posts.end_appointment(end(&delegated.name)).await.expect("ends");
        let status = posts.end_appointment(end(&delegated.name)).await.expect_err("has ended");
        assert_eq!(refusal(&status).0, "APPOINTMENT_ENDED", "{engine}");
        posts.delegate(delegating(&head, 6, 5)).await.expect("delegates again");
    }
}

#[tokio::test]
async fn glass_is_broken_for_oneself_for_some_hours_and_the_reason_is_kept_in_one_place() {
    for engine in engines() {
        let hierarchy = Hierarchy::configured(engine, |config| config.break_glass_hours = 2).await;
        let subject = officer(7).replace("members/", "officers/");
        let mut mine = AppointmentServiceClient::new(hierarchy.asked_by(&subject));
        let mut posts = AppointmentServiceClient::new(hierarchy.channel.clone());
        let head = appoint(&mut posts, 1, "patna-district", Post::Head, "").await;
        let status = mine.break_glass(breaking(8, "canary")).await.expect_err("is another");
        assert_eq!((status.code(), refusal(&status).0), (Code::PermissionDenied, "NOT_THE_OFFICER".into()), "{engine}");
        let request = BreakGlassRequest {
            officer: String::new(),
            request_id: Uuid::now_v7().to_string(),
            ..breaking(7, "the canary sings")
        };
        let broken = mine.break_glass(request.clone()).await.expect("breaks").into_inner();
        assert_eq!((broken.officer.clone(), broken.reason.as_str()), (officer(7), "the canary sings"), "{engine}");
        let (start, end) = (broken.start_time.expect("a start"), broken.end_time.expect("an end"));
        assert_eq!(end.seconds - start.seconds, 7_200, "{engine}");
        assert_eq!(mine.break_glass(request.clone()).await.expect("answers").into_inner(), broken, "{engine}: once");
        let other = BreakGlassRequest { reason: "another".into(), ..request };
        let status = mine.break_glass(other).await.expect_err("is another request");
        assert_eq!(refusal(&status).0, "REQUEST_ID_REUSED", "{engine}");

        let answer = who(&mut posts, "patna-district", "").await;
        assert_eq!((answer.appointment, answer.break_glass), (Some(head), vec![broken.clone()]), "{engine}");
        let request = ListAppointmentsRequest {
            nature: AppointmentNature::BreakGlass.into(),
            ..ListAppointmentsRequest::default()
        };
        let listed = posts.list_appointments(request).await.expect("lists").into_inner().appointments;
        assert_eq!(listed, std::slice::from_ref(&broken), "{engine}");

        let (heard, told) = hierarchy.events(6).await;
        assert!(!format!("{heard:?}{told:?}").contains("canary"), "{engine}: no event has it");
        let request = EndAppointmentRequest { name: broken.name, ..EndAppointmentRequest::default() };
        let ended = mine.end_appointment(request).await.expect("ends").into_inner();
        assert_eq!((ended.ended_by, ended.reason.as_str()), (subject, "the canary sings"), "{engine}");
        assert_eq!(who(&mut posts, "patna-district", "").await.break_glass, [], "{engine}");
        let dump = hierarchy.request_log().await;
        assert!(!dump.is_empty() && !dump.contains("canary"), "{engine}: the log of requests does not have it");
    }
}

#[tokio::test]
async fn of_many_who_would_be_head_at_once_one_is_and_a_unit_does_not_close_under_an_appointment() {
    for engine in engines() {
        let mut hierarchy = Hierarchy::with_state(engine).await;
        let channel = hierarchy.channel.clone();
        let appoint_all = |unit: &'static str| {
            let channel = channel.clone();
            futures::future::join_all((1..=8).map(move |number| {
                let mut posts = AppointmentServiceClient::new(channel.clone());
                async move { posts.appoint(appointing(number, unit, Post::Head, "")).await }
            }))
        };
        let outcomes = appoint_all("patna-district").await;
        let heads = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(heads, 1, "{engine}");
        for status in outcomes.into_iter().filter_map(Result::err) {
            assert_eq!(refusal(&status).0, "HEAD_TAKEN", "{engine}");
        }

        hierarchy.create(subdivision("patna-sadar")).await.expect("creates");
        let close = CloseUnitRequest { name: "units/patna-sadar".into(), ..CloseUnitRequest::default() };
        let mut units = hierarchy.units.clone();
        let (outcomes, closed) = tokio::join!(appoint_all("patna-sadar"), units.close_unit(close));
        closed.expect("closes");
        assert!(outcomes.iter().filter(|outcome| outcome.is_ok()).count() <= 1, "{engine}");
        let request = ListAppointmentsRequest { unit: "units/patna-sadar".into(), ..Default::default() };
        let mut posts = AppointmentServiceClient::new(hierarchy.channel.clone());
        let held = posts.list_appointments(request).await.expect("lists").into_inner().appointments;
        assert_eq!(held, [], "{engine}: nobody holds a post of a closed unit");
    }
}
