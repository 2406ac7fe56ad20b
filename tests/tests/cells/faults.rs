//! `kill -9` of each process, in the middle of an import, of an expansion and of a dispatch: the end is that of an undisturbed run.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use senani_proto::analytics::v1::{CoverageFigures, Reach};
use senani_proto::bulletin::v1::WatchProgressResponse;
use senani_proto::bulletin::v1::delivery::State;
use senani_testkit::{Engine, engines, eventually};
use senani_tests::desk::pieces;
use senani_tests::material::{self, STATE};
use senani_tests::recount::{self, get, number, rows};
use senani_tests::{Cell, Desk, PATIENCE, Pace, Service, Start, provider};
use tokio::sync::OnceCell;
use uuid::Uuid;

/// Rows of the file: more than membership makes durable at once, so that an import can be cut after some of it is.
const MEMBERS: usize = 2_600;

/// Rows that are durable when the import is cut.
const DURABLE: i64 = 2_000;

/// Deliveries, fewer than there will be.
const ALL: i64 = 2_000;

/// What a run ends with, as far as it does not depend on when what happened.
#[derive(Debug, PartialEq)]
struct Ending {
    /// Blind index of each member's number, with the unit.
    register: BTreeSet<(Vec<u8>, String)>,
    /// Line and reason.
    rejected: Vec<(i64, i32)>,
    /// Blind index and channel of each delivery.
    persons: BTreeSet<(Vec<u8>, String)>,
    tasks: BTreeSet<String>,
    coverage: BTreeMap<String, CoverageFigures>,
    /// Tasks, orphaned ones and persons by part.
    reach: BTreeMap<String, (i64, i64, i64)>,
}

/// The ending of a run that nothing disturbs, and the keys that make others comparable with it.
async fn undisturbed(engine: Engine) -> &'static (Ending, Vec<u8>) {
    static SQLITE: OnceCell<(Ending, Vec<u8>)> = OnceCell::const_new();
    static POSTGRES: OnceCell<(Ending, Vec<u8>)> = OnceCell::const_new();
    let once = if engine == Engine::Sqlite { &SQLITE } else { &POSTGRES };
    once.get_or_init(|| run(engine, None, None)).await
}

async fn a_killed_process_changes_nothing(victim: Service) {
    for engine in engines() {
        let (expected, keys) = undisturbed(engine).await;
        let (ending, _) = run(engine, Some(victim), Some(keys.clone())).await;
        assert!(ending == *expected, "{engine}: {}", differences(&ending, expected));
    }
}

/// The whole way; `victim` is killed in the middle of each of its three long stretches.
async fn run(engine: Engine, victim: Option<Service>, keys: Option<Vec<u8>>) -> (Ending, Vec<u8>) {
    let pace = Pace { expand_page: 20, claim_batch: 20, dispatch_concurrency: 2 };
    let mut cell = Cell::start_with(engine, Start { pace, keys, ..Start::default() }).await;
    let desk = cell.desk();
    desk.found().await;

    let file = Bytes::from(material::members(MEMBERS, 11));
    let import = Uuid::now_v7();
    if let Some(victim) = victim {
        cut_the_import(&mut cell, &desk, import, &file, victim).await;
    }
    let import = desk.import_members(import, &file).await;
    assert_eq!(import.row_count, material::row_count(&file));
    assert_eq!(import.row_count, import.accepted_count + import.rejected_count);
    let coverage = desk.covered(import.enrolment_count).await;

    let bulletin = desk.approved_bulletin("सावधान").await;
    desk.publish(&bulletin, STATE).await.expect("it is approved");
    if let Some(victim) = victim {
        let ledger = cell.database(Service::Bulletin).await;
        cut(&mut cell, victim, &ledger, "SELECT count(*) FROM delivery", 50).await;
        let sent = format!("SELECT count(*) FROM delivery WHERE state >= {}", i32::from(State::Accepted));
        let more = number(&ledger, &sent).await + 200;
        cut(&mut cell, victim, &ledger, &sent, more).await;
    }
    let progress = cell.settled(&bulletin).await;
    let reach = desk.reached(&bulletin, &progress).await;
    each_was_sent_once(&cell, &progress).await;

    let (register, rejected) = recount::register(&cell).await;
    assert_eq!(i64::try_from(register.len()), Ok(import.accepted_count));
    let ending = Ending {
        register,
        rejected,
        persons: recount::persons(&cell).await,
        tasks: tasks(&cell).await,
        coverage: coverage.parts.into_iter().map(|part| (part.unit, part.figures.unwrap_or_default())).collect(),
        reach: parts(reach),
    };
    (ending, cell.keys())
}

/// Sends more than half of the file, and kills the victim when the first part of it is durable and the stream open.
async fn cut_the_import(cell: &mut Cell, desk: &Desk, import: Uuid, file: &Bytes, victim: Service) {
    let (sender, mut responses) = desk.open_import(import).await.expect("membership is up");
    let mut pieces = pieces(file);
    let rest = pieces.split_off(pieces.len() * 9 / 10);
    for piece in pieces {
        sender.send(piece).await.expect("the stream is open");
    }
    loop {
        let response = responses.message().await.expect("the stream is open").expect("the stream is not over");
        if response.progress.is_some_and(|progress| progress.row_count >= DURABLE) {
            break;
        }
    }
    cell.kill_nine(victim);
    for piece in rest {
        // Ends early where the victim was on its way.
        if sender.send(piece).await.is_err() {
            break;
        }
    }
    cell.restart(victim).await;
}

/// Kills the victim when a count of the ledger is high enough, and starts it again.
async fn cut(cell: &mut Cell, victim: Service, ledger: &sea_orm::DatabaseConnection, sql: &str, count: i64) {
    eventually(PATIENCE, &format!("{count} of: {sql}"), async || number(ledger, sql).await >= count).await;
    cell.kill_nine(victim);
    if victim == Service::Bulletin {
        // Nobody writes now.
        let reached = number(ledger, sql).await;
        assert!(reached < ALL, "it was over ({reached}) before it could be cut");
    }
    cell.restart(victim).await;
}

/// The provider is the witness: every delivery of the ledger was accepted once, no other, and each ended as the provider says.
async fn each_was_sent_once(cell: &Cell, progress: &WatchProgressResponse) {
    let ledger = cell.database(Service::Bulletin).await;
    let ids: BTreeSet<Uuid> = rows(&ledger, "SELECT id FROM delivery").await.iter().map(|row| get(row, 0)).collect();
    let sends = provider::sends(cell.provider()).await.expect("the provider is up");
    let more: Vec<_> = sends.iter().filter(|send| send.count != 1).collect();
    assert!(more.is_empty(), "sent more than once: {more:?}");
    let sent: BTreeSet<Uuid> = sends.iter().map(|send| send.callback_data.parse().expect("a delivery's id")).collect();
    assert_eq!(sent.len(), ids.len());
    assert!(sent == ids, "what was sent is not what is in the ledger");

    let testimony = provider::testimony(cell.provider()).await.expect("the provider is up");
    let failed: BTreeMap<String, i64> =
        rows(&ledger, "SELECT reason, count(*) FROM delivery WHERE state = 6 GROUP BY reason")
            .await
            .iter()
            .map(|row| (get(row, 0), get(row, 1)))
            .collect();
    let decided = testimony.outcomes.failed.iter();
    let decided =
        decided.map(|(code, count)| (code.to_string(), i64::try_from(*count).expect("a small number"))).collect();
    assert_eq!(failed, decided);
    let (read, delivered) = (progress.read_count, progress.read_count + progress.delivered_count);
    let outcomes = (i64::try_from(testimony.outcomes.read), i64::try_from(testimony.outcomes.delivered));
    assert_eq!((Ok(read), Ok(delivered)), outcomes);
    let kept = "SELECT unit_id, state, reason, delivery_count FROM delivery_tally";
    assert_eq!(recount::tally(&ledger, kept).await, recount::ledger(&ledger).await);
}

async fn tasks(cell: &Cell) -> BTreeSet<String> {
    let ledger = cell.database(Service::Bulletin).await;
    let tasks = rows(&ledger, "SELECT group_slug FROM task").await;
    let slugs: BTreeSet<String> = tasks.iter().map(|row| get(row, 0)).collect();
    assert_eq!(slugs.len(), tasks.len(), "a group has two tasks");
    slugs
}

fn parts(reach: Reach) -> BTreeMap<String, (i64, i64, i64)> {
    let figures = |part: senani_proto::analytics::v1::ReachPart| {
        let figures = part.figures.unwrap_or_default();
        (part.unit, (figures.tasks, figures.orphaned_tasks, figures.persons))
    };
    reach.parts.into_iter().map(figures).collect()
}

/// Where two endings differ, in numbers.
fn differences(ending: &Ending, expected: &Ending) -> String {
    format!(
        "members {} and {}, rejected {} and {}, deliveries {} and {}, tasks {} and {}, coverage equal: {}, reach equal: {}",
        ending.register.len(),
        expected.register.len(),
        ending.rejected.len(),
        expected.rejected.len(),
        ending.persons.len(),
        expected.persons.len(),
        ending.tasks.len(),
        expected.tasks.len(),
        ending.coverage == expected.coverage,
        ending.reach == expected.reach
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_of_hierarchy_in_the_middle_of_anything_changes_nothing() {
    a_killed_process_changes_nothing(Service::Hierarchy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_of_membership_in_the_middle_of_anything_changes_nothing() {
    a_killed_process_changes_nothing(Service::Membership).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_of_bulletin_in_the_middle_of_anything_changes_nothing() {
    a_killed_process_changes_nothing(Service::Bulletin).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_of_analytics_in_the_middle_of_anything_changes_nothing() {
    a_killed_process_changes_nothing(Service::Analytics).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_of_the_gateway_in_the_middle_of_anything_changes_nothing() {
    a_killed_process_changes_nothing(Service::Gateway).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_of_the_provider_in_the_middle_of_anything_changes_nothing() {
    a_killed_process_changes_nothing(Service::Simulator).await;
}
