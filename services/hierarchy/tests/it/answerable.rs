//! Who answers for a unit.

use senani_proto::eventlog::v1::Event;
use senani_proto::eventlog::v1::event::Payload;
use senani_proto::hierarchy::v1::answer_step::Finding;
use senani_proto::hierarchy::v1::appointment_service_client::AppointmentServiceClient;
use senani_proto::hierarchy::v1::hierarchy_event::Kind;
use senani_proto::hierarchy::v1::who_is_answerable_request::Moment;
use senani_proto::hierarchy::v1::{
    AppointmentChanged, CloseUnitRequest, CreateUnitRequest, DelegateRequest, GetAppointmentRequest, MergeUnitsRequest,
    Post, RelieveRequest, WhoIsAnswerableRequest, WhoIsAnswerableResponse,
};
use senani_testkit::engines;

use crate::fixture::{Hierarchy, refusal, subdivision};
use crate::holders::{appoint, officer, who};

/// Who answers, and the way to them.
fn found(answer: &WhoIsAnswerableResponse) -> (String, Vec<(&str, Finding)>) {
    let officer = answer.appointment.as_ref().map(|appointment| appointment.officer.clone()).unwrap_or_default();
    (officer, answer.steps.iter().map(|step| (step.unit.trim_start_matches("units/"), step.finding())).collect())
}

fn changes(events: &[Event]) -> Vec<&AppointmentChanged> {
    let kinds = events.iter().filter_map(|event| match &event.payload {
        Some(Payload::Hierarchy(event)) => event.kind.as_ref(),
        _ => None,
    });
    kinds
        .filter_map(|kind| match kind {
            Kind::AppointmentChanged(changed) => Some(changed),
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn the_head_answers_or_who_stands_in_or_the_nearest_head_above() {
    for engine in engines() {
        let hierarchy = Hierarchy::with_state(engine).await;
        let mut posts = AppointmentServiceClient::new(hierarchy.channel.clone());
        let first = appoint(&mut posts, 1, "patna-district", Post::Head, "2015-01-01").await;
        appoint(&mut posts, 9, "patna-district", Post::SecondInCommand, "2015-01-01").await;
        let before = who(&mut posts, "patna-district", "2017-12-31").await;
        let relieve = RelieveRequest { name: first.name, effective_date: "2018-01-01".into(), ..Default::default() };
        posts.relieve(relieve).await.expect("relieves");
        appoint(&mut posts, 3, "patna-zone", Post::Head, "2016-01-01").await;
        let second = appoint(&mut posts, 2, "patna-district", Post::Head, "2019-01-01").await;

        let vacant = |units: &[&'static str]| units.iter().map(|unit| (*unit, Finding::Vacant)).collect::<Vec<_>>();
        let up = [vacant(&["patna-district", "patna-range"]), vec![("patna-zone", Finding::Head)]].concat();
        let nobody = vacant(&["patna-district", "patna-range", "patna-zone", "bihar-hq"]);
        let head = vec![("patna-district", Finding::Head)];
        for (date, officer, way) in [
            ("2014-12-31", String::new(), &nobody),
            ("2015-01-01", officer(1), &head),
            ("2017-12-31", officer(1), &head),
            ("2018-01-01", officer(3), &up),
            ("2018-12-31", officer(3), &up),
            ("2019-01-01", officer(2), &head),
            ("", officer(2), &head),
        ] {
            let answer = who(&mut posts, "patna-district", date).await;
            assert_eq!(found(&answer), (officer, way.clone()), "{engine} on {date}");
            assert_eq!(answer.vacant, way.len() > 1, "{engine} on {date}");
        }
        let after = who(&mut posts, "patna-district", "2017-12-31").await;
        assert_eq!(found(&after), found(&before), "{engine}: yesterday's answer does not change");

        let now = who(&mut posts, "patna-district", "").await.time.expect("a time");
        let later = |seconds: i64| prost_types::Timestamp { seconds: now.seconds + seconds, ..now };
        let delegate = DelegateRequest {
            name: second.name.clone(),
            officer: officer(4),
            start_time: Some(later(3_600)),
            end_time: Some(later(7_200)),
            ..DelegateRequest::default()
        };
        posts.delegate(delegate).await.expect("delegates");
        for (seconds, number, stood_in, finding) in [
            (3_599, 2, false, Finding::Head),
            (3_600, 4, true, Finding::Delegate),
            (7_199, 4, true, Finding::Delegate),
            (7_200, 2, false, Finding::Head),
        ] {
            let moment = Some(Moment::Time(later(seconds)));
            let request = WhoIsAnswerableRequest { unit: "units/patna-district".into(), moment };
            let answer = posts.who_is_answerable(request).await.expect("answers").into_inner();
            assert_eq!(found(&answer), (officer(number), vec![("patna-district", finding)]), "{engine} +{seconds} s");
            assert_eq!(answer.head.is_some_and(|head| head.name == second.name), stood_in, "{engine} +{seconds} s");
            assert!(!answer.vacant, "{engine}");
        }

        let never = Some(Moment::Time(prost_types::Timestamp { seconds: i64::MAX, nanos: 0 }));
        let no_day = Some(Moment::Date("2018-02-30".into()));
        let too_early = Some(Moment::Date("1999-01-01".into()));
        for (moment, reason) in [(never, "TIME_INVALID"), (no_day, "DATE_INVALID"), (too_early, "UNIT_NOT_FOUND")] {
            let request = WhoIsAnswerableRequest { unit: "units/patna-district".into(), moment };
            let status = posts.who_is_answerable(request).await.expect_err(reason);
            assert_eq!(refusal(&status).0, reason, "{engine}");
        }
    }
}

#[tokio::test]
async fn appointments_end_with_their_unit_in_its_transaction_and_the_log_tells_what_a_snapshot_tells() {
    for engine in engines() {
        let mut hierarchy = Hierarchy::with_state(engine).await;
        for slug in ["patna-sadar", "patna-city"] {
            let CreateUnitRequest { unit, .. } = subdivision(slug);
            let unit = unit.map(|unit| senani_proto::hierarchy::v1::Unit { open_date: "2010-01-01".into(), ..unit });
            hierarchy.create(CreateUnitRequest { unit, ..subdivision(slug) }).await.expect("creates");
        }
        let mut posts = AppointmentServiceClient::new(hierarchy.channel.clone());
        let head = appoint(&mut posts, 1, "patna-sadar", Post::Head, "2015-01-01").await;
        appoint(&mut posts, 2, "patna-sadar", Post::DeskOfficer, "2020-01-01").await;
        appoint(&mut posts, 3, "patna-city", Post::Head, "2015-01-01").await;
        let merging = |date: &str| MergeUnitsRequest {
            name: "units/patna-sadar".into(),
            successor: "units/patna-city".into(),
            effective_date: date.into(),
            ..MergeUnitsRequest::default()
        };
        let closing = CloseUnitRequest {
            name: "units/patna-sadar".into(),
            effective_date: "2019-12-31".into(),
            ..CloseUnitRequest::default()
        };
        let status = hierarchy.units.close_unit(closing).await.expect_err("somebody came in 2020");
        assert_eq!(refusal(&status).0, "EFFECTIVE_DATE_TOO_EARLY", "{engine}");
        let status = hierarchy.units.merge_units(merging("2019-12-31")).await.expect_err("somebody came in 2020");
        assert_eq!(refusal(&status).0, "EFFECTIVE_DATE_TOO_EARLY", "{engine}");
        hierarchy.units.merge_units(merging("2021-01-01")).await.expect("merges");

        let ended = posts.get_appointment(GetAppointmentRequest { name: head.name }).await.expect("reads").into_inner();
        assert_eq!((ended.end_date.as_str(), ended.ended_by.as_str()), ("2021-01-01", "officers/tester"), "{engine}");
        let way = vec![("patna-sadar", Finding::Closed), ("patna-city", Finding::Head)];
        for (date, expected) in [
            ("2020-12-31", (officer(1), vec![("patna-sadar", Finding::Head)])),
            ("2021-01-01", (officer(3), way.clone())),
            ("", (officer(3), way)),
        ] {
            let answer = who(&mut posts, "patna-sadar", date).await;
            assert_eq!(found(&answer), expected, "{engine} on {date}");
            assert_eq!(answer.vacant, date != "2020-12-31", "{engine} on {date}");
        }

        // Four units imported, two created, three appointed; then the merger: one unit changed, two appointments.
        let (heard, told) = hierarchy.events(12).await;
        let heard = changes(&heard);
        assert_eq!(heard.len(), 5, "{engine}");
        let mut last: Vec<&AppointmentChanged> = vec![heard[3], heard[4], heard[2]];
        last.sort_by_key(|changed| changed.appointment.as_ref().map(|appointment| appointment.name.clone()));
        assert_eq!(changes(&told), last, "{engine}");
        let told = last[0].appointment.as_ref().expect("an appointment");
        assert_eq!((told.appointed_by.as_str(), told.ended_by.as_str()), ("", ""), "{engine}: nobody is named");
        let unit = hierarchy.get("units/patna-sadar").await;
        assert_eq!(last[0].unit_uid, unit.uid, "{engine}");
    }
}
