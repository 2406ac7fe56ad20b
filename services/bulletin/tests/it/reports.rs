//! A report from the reporter to its outcome, and who sees it.

use senani_bulletin::Config;
use senani_proto::bulletin::v1 as pb;
use senani_proto::bulletin::v1::duty_service_client::DutyServiceClient;
use senani_proto::bulletin::v1::outcome::Kind as Came;
use senani_proto::bulletin::v1::report::State;
use senani_proto::bulletin::v1::report_entry::Kind;
use senani_testkit::{Engine, engines, eventually};
use tonic::Status;
use uuid::Uuid;

use crate::cell::{AUTHOR, Cell, DEADLINE};
use crate::fakes::appointment;

/// The SP of Patna, the SHO of Kotwali there, the SP of Gaya.
pub(crate) const SP: Uuid = Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0001);
pub(crate) const SHO: Uuid = Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0002);
pub(crate) const OTHER_SP: Uuid = Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0003);

/// Another system that sends reports in.
pub(crate) const SYSTEM: &str = "officers/web-form";

pub(crate) fn subject(officer: Uuid) -> String {
    format!("members/{officer}")
}

/// A cell whose officers are in their posts.
pub(crate) async fn staffed(engine: Engine, adjust: impl FnOnce(&mut Config)) -> Cell {
    let cell = Cell::start_with(engine, 10, senani_simulator::Config::default(), adjust).await;
    cell.units.append([appointment(SP, "patna"), appointment(SHO, "patna-kotwali-ps"), appointment(OTHER_SP, "gaya")]);
    let known = "SELECT COUNT(*) FROM appointment_replica";
    eventually(DEADLINE, "the officers to be known", async || crate::recount::number(&cell.store(), known).await == 3)
        .await;
    cell
}

pub(crate) fn told(text: &str) -> pb::SubmitReportRequest {
    pb::SubmitReportRequest {
        content: Some(pb::ReportContent { text: text.to_owned(), ..pb::ReportContent::default() }),
        unit: "units/patna-kotwali-ps".to_owned(),
        ..pb::SubmitReportRequest::default()
    }
}

pub(crate) async fn submit(cell: &Cell, request: pb::SubmitReportRequest) -> pb::SubmitReportResponse {
    cell.reports(SYSTEM).submit_report(request).await.expect("a report").into_inner()
}

pub(crate) async fn triage(cell: &Cell, name: &str) -> pb::Report {
    let request = pb::TriageReportRequest {
        name: name.to_owned(),
        category: pb::Category::Liquor.into(),
        severity: pb::Severity::Urgent.into(),
        ..pb::TriageReportRequest::default()
    };
    cell.reports(&subject(SP)).triage_report(request).await.expect("triaged").into_inner()
}

fn reason(status: &Status) -> String {
    senani_error::reason_of(status).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_anonymous_report_becomes_a_seizure_and_only_its_jurisdiction_sees_it() {
    const WORDS: &str = "desi daru ki bhatti nadi kinare Purnimaghat ke paas";
    for engine in engines() {
        let cell = staffed(engine, |_| {}).await;
        let request = pb::SubmitReportRequest {
            anonymous: true,
            reporter: subject(OTHER_SP),
            request_id: Uuid::now_v7().to_string(),
            ..told(WORDS)
        };
        let taken = submit(&cell, request.clone()).await;
        assert_eq!(submit(&cell, request).await, taken, "a repeated request gets the same name and token");
        let name = taken.name.clone();

        let get = || pb::GetReportRequest { name: name.clone() };
        let (mut sp, mut sho) = (cell.reports(&subject(SP)), cell.reports(&subject(SHO)));
        let mut outside = cell.reports(&subject(OTHER_SP));
        let report = sho.get_report(get()).await.unwrap().into_inner();
        assert_eq!((report.state(), report.unit.as_str()), (State::Received, "units/patna-kotwali-ps"));
        assert_eq!((report.reporter.as_str(), report.anonymous), ("", true));
        assert_eq!(report.content.unwrap().text, WORDS);
        let refused = outside.get_report(get()).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (tonic::Code::NotFound, "REPORT_NOT_FOUND"));
        let list = |unit: &str| pb::ListReportsRequest { unit: unit.to_owned(), ..pb::ListReportsRequest::default() };
        let count = async |subject: &str, unit: &str| {
            cell.reports(subject).list_reports(list(unit)).await.unwrap().into_inner().reports.len()
        };
        assert_eq!(count(&subject(OTHER_SP), "").await, 0);
        assert_eq!(count(&subject(OTHER_SP), "units/patna").await, 0);
        assert_eq!((count(&subject(SP), "").await, count(AUTHOR, "").await), (1, 1));
        assert_eq!((count(AUTHOR, "units/patna").await, count(AUTHOR, "units/gaya").await), (1, 0));

        // Not before somebody has judged it.
        let resolve = |outcomes: Vec<Came>| pb::ResolveReportRequest {
            name: name.clone(),
            outcomes: outcomes.into_iter().map(|kind| pb::Outcome { kind: Some(kind) }).collect(),
            note: "200 litres poured out".to_owned(),
            ..pb::ResolveReportRequest::default()
        };
        let seizure = Came::Seizure(pb::Seizure {
            item: pb::seizure::Item::Liquor.into(),
            quantity_millis: 200_000,
            measure: pb::seizure::Measure::Litres.into(),
        });
        let came = vec![seizure, Came::Arrest(pb::Arrest { count: 2 })];
        let early = sp.resolve_report(resolve(came.clone())).await.unwrap_err();
        assert_eq!(reason(&early), "REPORT_STATE_FORBIDS");
        let triaged = triage(&cell, &name).await;
        assert_eq!((triaged.state(), triaged.category()), (State::Triaged, pb::Category::Liquor));
        let assign = |officer: Uuid, etag: &str| pb::AssignReportRequest {
            name: name.clone(),
            assignee: subject(officer),
            etag: etag.to_owned(),
            ..pb::AssignReportRequest::default()
        };
        let refused = sp.assign_report(assign(OTHER_SP, "")).await.unwrap_err();
        assert_eq!(reason(&refused), "ASSIGNEE_OUTSIDE");
        let refused = sp.assign_report(assign(SHO, "\"1\"")).await.unwrap_err();
        assert_eq!(reason(&refused), "ETAG_MISMATCH");
        let assigned = sp.assign_report(assign(SHO, &triaged.etag)).await.unwrap().into_inner();
        assert_eq!((assigned.state(), assigned.assignee), (State::Assigned, subject(SHO)));
        let duties = pb::ListDutiesRequest { officer: subject(SHO) };
        let mut service = DutyServiceClient::new(cell.channel(Some("services/hierarchy")));
        let duties = service.list_duties(duties).await.unwrap().into_inner();
        assert_eq!((duties.reports, duties.report_count), (vec![name.clone()], 1), "a transfer asks for it");

        // The officer asks, the reporter answers, and sees nothing else.
        let note = |text: &str, to_reporter| pb::AddNoteRequest {
            name: name.clone(),
            text: text.to_owned(),
            to_reporter,
            ..pb::AddNoteRequest::default()
        };
        sho.add_note(note("informer agrees", false)).await.unwrap();
        sho.add_note(note("Which bank of the river?", true)).await.unwrap();
        let add = pb::AddToMyReportRequest {
            callback_token: taken.callback_token.clone(),
            content: told("the northern one").content,
            ..pb::AddToMyReportRequest::default()
        };
        let mine = cell.reports(SYSTEM).add_to_my_report(add).await.unwrap().into_inner();
        let said: Vec<_> = mine.entries.iter().map(|entry| (entry.mine, entry.text.as_str())).collect();
        assert_eq!(said, [(true, WORDS), (false, "Which bank of the river?"), (true, "the northern one")]);
        assert_eq!(mine.state(), State::Assigned);
        let guess = pb::GetMyReportRequest { callback_token: "0".repeat(32) };
        assert_eq!(cell.reports(SYSTEM).get_my_report(guess).await.unwrap_err().code(), tonic::Code::NotFound);

        let refused = sho.resolve_report(resolve(vec![came[0], Came::FalseReport(pb::FalseReport {})])).await;
        assert_eq!(reason(&refused.unwrap_err()), "OUTCOME_INVALID");
        let resolved = sho.resolve_report(resolve(came.clone())).await.unwrap().into_inner();
        assert_eq!((resolved.state(), resolved.outcomes.len()), (State::Resolved, 2));
        assert!(resolved.due_time.is_none() && resolved.retain_until_time.is_some());
        let reopen = pb::ReopenReportRequest { name: name.clone(), ..pb::ReopenReportRequest::default() };
        let reopened = sho.reopen_report(reopen).await.unwrap().into_inner();
        assert_eq!((reopened.state(), reopened.outcomes.len()), (State::Assigned, 0));

        let history = pb::ListHistoryRequest { name: name.clone(), page_size: 4, ..pb::ListHistoryRequest::default() };
        let page = sp.list_history(history.clone()).await.unwrap().into_inner();
        let next = pb::ListHistoryRequest { page_token: page.next_page_token, ..history };
        let rest = sp.list_history(next).await.unwrap().into_inner().entries;
        let kinds: Vec<_> = page.entries.iter().chain(&rest).map(pb::ReportEntry::kind).collect();
        assert_eq!(
            kinds,
            [
                Kind::Received,
                Kind::Triaged,
                Kind::Assigned,
                Kind::Note,
                Kind::ToReporter,
                Kind::Added,
                Kind::Resolved,
                Kind::Reopened
            ]
        );
        assert_eq!(page.entries[0].actor, "reporter");
        nothing_rests_in_the_clear(&cell, &["Purnimaghat", "informer", "northern", "poured", &taken.callback_token])
            .await;
    }
}

/// Words are nowhere in the files of the database, nor in what is told to others.
pub(crate) async fn nothing_rests_in_the_clear(cell: &Cell, words: &[&str]) {
    let Some(path) = cell.config.database_url.strip_prefix("sqlite://") else { return };
    let path = path.split('?').next().unwrap_or_default();
    for file in [path.to_owned(), format!("{path}-wal")] {
        let bytes = std::fs::read(&file).unwrap_or_default();
        for word in words {
            let found = bytes.windows(word.len()).any(|window| window == word.as_bytes());
            assert!(!found, "{word} is in {file}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn duplicates_are_suggested_and_a_person_merges_them() {
    for engine in engines() {
        let cell = staffed(engine, |_| {}).await;
        let first =
            submit(&cell, told("Boy of nine, red shirt, alone at Gandhi Maidan gate 10 since the evening")).await;
        let again =
            submit(&cell, told("boy of 9 in red shirt alone at gandhi maidan, gate no 10, since evening")).await;
        let other = submit(&cell, told("A caller asked for the code of my bank card and took 25,000 rupees")).await;
        let ask = pb::SuggestDuplicatesRequest { name: again.name.clone() };
        let mut sp = cell.reports(&subject(SP));
        let suggested = sp.suggest_duplicates(ask).await.unwrap().into_inner().suggestions;
        assert_eq!(suggested.iter().map(|one| one.report.as_str()).collect::<Vec<_>>(), [first.name.as_str()]);
        assert!(suggested[0].score > 0.5 && suggested[0].distance_metres < 0.0);

        let merge = |name: &str, into: &str| pb::MergeReportsRequest {
            name: name.to_owned(),
            into: into.to_owned(),
            ..pb::MergeReportsRequest::default()
        };
        assert_eq!(reason(&sp.merge_reports(merge(&first.name, &first.name)).await.unwrap_err()), "MERGE_WITH_ITSELF");
        let merged = sp.merge_reports(merge(&again.name, &first.name)).await.unwrap().into_inner();
        assert_eq!((merged.state(), &merged.merged_into), (State::Merged, &first.name));
        let refused = sp.merge_reports(merge(&other.name, &again.name)).await.unwrap_err();
        assert_eq!(reason(&refused), "REPORT_STATE_FORBIDS");

        // The second reporter goes on in their own report and is heard in the one that goes on; neither reads the other.
        let add = pb::AddToMyReportRequest {
            callback_token: again.callback_token.clone(),
            content: told("he says his name is Golu").content,
            ..pb::AddToMyReportRequest::default()
        };
        let mine = cell.reports(SYSTEM).add_to_my_report(add).await.unwrap().into_inner();
        assert_eq!((mine.entries.len(), mine.state()), (2, State::Received));
        let theirs = pb::GetMyReportRequest { callback_token: first.callback_token.clone() };
        assert_eq!(cell.reports(SYSTEM).get_my_report(theirs).await.unwrap().into_inner().entries.len(), 1);
        let history = pb::ListHistoryRequest { name: first.name.clone(), ..pb::ListHistoryRequest::default() };
        let entries = sp.list_history(history).await.unwrap().into_inner().entries;
        assert_eq!(
            entries.iter().map(pb::ReportEntry::kind).collect::<Vec<_>>(),
            [Kind::Received, Kind::MergedHere, Kind::Added]
        );
        for name in [&first.name, &again.name] {
            let verify = pb::VerifyEvidenceRequest { name: name.clone() };
            assert!(sp.verify_evidence(verify).await.unwrap().into_inner().intact);
        }
    }
}
