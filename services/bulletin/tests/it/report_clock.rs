//! What time does to reports.

use senani_bulletin::RetentionDays;
use senani_proto::bulletin::v1 as pb;
use senani_proto::bulletin::v1::outcome::Kind as Came;
use senani_proto::bulletin::v1::report_entry::Kind;
use senani_testkit::{engines, eventually};

use crate::cell::{AUTHOR, Cell, DEADLINE};
use crate::recount::number;
use crate::report_chain::execute;
use crate::reports::{OTHER_SP, SHO, SP, staffed, subject, submit, told, triage};

async fn get(cell: &Cell, name: &str) -> pb::Report {
    let request = pb::GetReportRequest { name: name.to_owned() };
    cell.reports(AUTHOR).get_report(request).await.expect("a report").into_inner()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_deals_with_goes_up_unit_by_unit_unless_the_unit_is_on_other_duty() {
    for engine in engines() {
        let cell = staffed(engine, |config| config.reports.triage_hours = 0).await;
        // Gaya is on election duty.
        let pause = |unit: &str, seconds| pb::SuppressEscalationRequest {
            unit: unit.to_owned(),
            duration: Some(prost_types::Duration { seconds, nanos: 0 }),
        };
        let mut outside = cell.reports(&subject(OTHER_SP));
        assert!(outside.suppress_escalation(pause("units/patna", 60)).await.is_err());
        outside.suppress_escalation(pause("units/gaya", 3_600)).await.unwrap();
        let quiet = submit(
            &cell,
            pb::SubmitReportRequest { unit: "units/gaya-kotwali-ps".to_owned(), ..told("something in Gaya") },
        )
        .await;
        let name = submit(&cell, told("something in Patna")).await.name;
        let escalated = async |unit: &str, count| {
            let what = format!("an escalation to {unit}");
            eventually(DEADLINE, &what, async || {
                let report = get(&cell, &name).await;
                (report.escalated_unit == unit && report.escalation_count == count).then_some(())
            })
            .await;
        };
        escalated("units/patna", 1).await;
        execute(&cell.store(), "UPDATE report SET escalate_at = 1 WHERE escalation_count = 1").await;
        escalated("units/central-range", 2).await;
        let overdue = pb::ListReportsRequest { overdue: true, ..pb::ListReportsRequest::default() };
        let overdue = cell.reports(&subject(SP)).list_reports(overdue).await.unwrap().into_inner().reports;
        assert_eq!(overdue.len(), 1);
        // Somebody deals with it: the units above are told no more.
        let triaged = triage(&cell, &name).await;
        assert_eq!((triaged.escalated_unit.as_str(), triaged.escalation_count), ("", 0));

        assert_eq!(get(&cell, &quiet.name).await.escalation_count, 0);
        outside.suppress_escalation(pause("units/gaya", 0)).await.unwrap();
        eventually(DEADLINE, "Gaya's report to be escalated after all", async || {
            (get(&cell, &quiet.name).await.escalated_unit == "units/gaya").then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_kept_long_enough_is_destroyed_and_its_history_still_holds() {
    for engine in engines() {
        let cell = staffed(engine, |config| {
            config.reports.retention_days = RetentionDays { person_found: 0, case: 10, ..RetentionDays::default() };
        })
        .await;
        let (found, kept) =
            (submit(&cell, told("girl of 7, seen at the bus stand")).await, submit(&cell, told("a case")).await);
        let again = submit(&cell, told("girl of seven seen at the bus stand")).await;
        let mut sp = cell.reports(&subject(SP));
        let merge = pb::MergeReportsRequest {
            name: again.name.clone(),
            into: found.name.clone(),
            ..pb::MergeReportsRequest::default()
        };
        sp.merge_reports(merge).await.unwrap();
        for (report, came) in
            [(&found, Came::PersonFound(pb::PersonFound { count: 1 })), (&kept, Came::Arrest(pb::Arrest { count: 1 }))]
        {
            triage(&cell, &report.name).await;
            let request = pb::ResolveReportRequest {
                name: report.name.clone(),
                outcomes: vec![pb::Outcome { kind: Some(came) }],
                ..pb::ResolveReportRequest::default()
            };
            sp.resolve_report(request).await.unwrap();
        }
        for name in [&found.name, &again.name] {
            eventually(DEADLINE, "the content to be destroyed", async || {
                let report = get(&cell, name).await;
                (report.erase_time.is_some() && report.content.is_none()).then_some(())
            })
            .await;
            let verify = pb::VerifyEvidenceRequest { name: name.clone() };
            let verdict = sp.verify_evidence(verify).await.unwrap().into_inner();
            assert!(verdict.intact && verdict.erased, "{verdict:?}");
        }
        assert_eq!(number(&cell.store(), "SELECT COUNT(*) FROM report_key").await, 1);
        assert!(get(&cell, &kept.name).await.content.is_some());
        let history = pb::ListHistoryRequest { name: found.name.clone(), ..pb::ListHistoryRequest::default() };
        let entries = sp.list_history(history).await.unwrap().into_inner().entries;
        assert!(entries.iter().all(|entry| entry.body.is_none()));
        assert_eq!(entries.last().map(pb::ReportEntry::kind), Some(Kind::Erased));
        let note =
            pb::AddNoteRequest { name: found.name.clone(), text: "x".to_owned(), ..pb::AddNoteRequest::default() };
        let refused = cell.reports(&subject(SHO)).add_note(note).await.unwrap_err();
        assert_eq!(senani_error::reason_of(&refused).as_deref(), Some("REPORT_ERASED"));
        let mine = pb::GetMyReportRequest { callback_token: found.callback_token };
        assert_eq!(sp.get_my_report(mine).await.unwrap_err().code(), tonic::Code::NotFound);
    }
}
