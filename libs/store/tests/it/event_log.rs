//! Conformance of the event log (design: ordered, unique, gap-free, atomic, resumable, bookmarked), on both engines.

use std::collections::HashSet;
use std::time::Duration;

use futures::StreamExt;
use sea_orm::{ConnectionTrait, DbErr, Statement};
use senani_proto::eventlog::v1::event::Payload;
use senani_proto::eventlog::v1::event_log_service_server::EventLogService;
use senani_proto::eventlog::v1::{SnapshotRequest, SubscribeRequest, SubscribeResponse};
use senani_store::event_log::{Feed, Snapshot, bounds, prune_before};
use senani_store::{ReadTransaction, Store, Timestamp, cursor};
use senani_testkit::{engines, eventually};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Status};

use crate::fixture::{name_in, payload, store};

const WRITERS: usize = 8;
const TRANSACTIONS: usize = 60;
const PATIENCE: Duration = Duration::from_secs(60);

struct Things;

impl Snapshot for Things {
    async fn payloads(&self, txn: &ReadTransaction) -> Result<Vec<Payload>, DbErr> {
        let select = Statement::from_string(txn.get_database_backend(), "SELECT name FROM thing ORDER BY name");
        let rows = txn.query_all_raw(select).await?;
        rows.iter().map(|row| Ok(payload(row.try_get_by_index(0)?))).collect()
    }
}

fn feed(store: &Store) -> Feed<Things> {
    Feed::new(store.clone(), Things, CancellationToken::new())
}

type Subscription = <Feed<Things> as EventLogService>::SubscribeStream;

async fn subscribe(feed: &Feed<Things>, cursor: &str) -> Result<Subscription, Status> {
    let request = SubscribeRequest { cursor: cursor.to_owned() };
    Ok(feed.subscribe(Request::new(request)).await?.into_inner())
}

async fn next(stream: &mut Subscription) -> SubscribeResponse {
    let message = tokio::time::timeout(PATIENCE, stream.next()).await.expect("in time");
    message.expect("the feed goes on").expect("a message")
}

/// One transaction: rows and their events, with a pause in the middle that lets others overtake.
async fn write(store: &Store, names: &[String], commit: bool) {
    let mut txn = store.begin_write().await.expect("begins");
    for name in names {
        let insert = Statement::from_sql_and_values(
            txn.get_database_backend(),
            "INSERT INTO thing (name, count) VALUES ($1, 1)",
            [name.as_str().into()],
        );
        txn.execute_raw(insert).await.expect("inserts");
        tokio::task::yield_now().await;
    }
    txn.append(names.iter().cloned().map(payload).collect()).await.expect("appends");
    tokio::task::yield_now().await;
    if commit {
        txn.commit().await.expect("commits");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reader_beside_concurrent_writers_misses_nothing_and_sees_each_event_once_in_order() {
    for engine in engines() {
        let (_database, store) = store(engine).await;
        let mut stream = subscribe(&feed(&store), "").await.expect("subscribes");
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let store = store.clone();
                tokio::spawn(async move {
                    for transaction in 0..TRANSACTIONS {
                        let names: Vec<String> =
                            (0..1 + transaction % 3).map(|part| format!("{writer}/{transaction}/{part}")).collect();
                        // Every seventh rolls back: its events must never be seen, nor leave a hole.
                        write(&store, &names, transaction % 7 != 6).await;
                    }
                })
            })
            .collect();

        let expected: usize = WRITERS * (0..TRANSACTIONS).filter(|at| at % 7 != 6).map(|at| 1 + at % 3).sum::<usize>();
        let (mut position, mut seen) = (0, HashSet::new());
        while seen.len() < expected {
            let response = next(&mut stream).await;
            for event in &response.events {
                assert_eq!(event.position, position + 1, "{engine}: a gap, a repeat or disorder");
                position = event.position;
                assert!(seen.insert(name_in(event.payload.as_ref())), "{engine}: twice");
            }
        }
        for writer in writers {
            writer.await.expect("a writer");
        }
        let count = Statement::from_string(store.backend(), "SELECT count(*) FROM thing");
        let row = store.reader().query_one_raw(count).await.expect("counts").expect("a row");
        assert_eq!(row.try_get_by_index::<i64>(0).expect("a count"), i64::try_from(seen.len()).expect("small"));
    }
}

/// A consumer whose task dies at any await; what it applied and its cursor are one transaction.
async fn consume(source: Store, own: Store) {
    let feed = feed(&source);
    let mut from = cursor::load(own.reader(), "things").await.expect("a cursor");
    let mut stream = subscribe(&feed, &from).await.expect("subscribes");
    loop {
        let response = next(&mut stream).await;
        let txn = own.begin_write().await.expect("begins");
        match cursor::advance(&*txn, "things", &from, &response.cursor).await {
            Ok(()) => from.clone_from(&response.cursor),
            // The consumer before this one died with its commit under way.
            Err(DbErr::RecordNotUpdated) => {
                drop(txn);
                from = cursor::load(own.reader(), "things").await.expect("a cursor");
                stream = subscribe(&feed, &from).await.expect("subscribes");
                continue;
            }
            Err(error) => panic!("{error}"),
        }
        for event in &response.events {
            let insert = Statement::from_sql_and_values(
                txn.get_database_backend(),
                "INSERT INTO thing (name, count) VALUES ($1, 1) ON CONFLICT (name) DO UPDATE SET count = thing.count + 1",
                [name_in(event.payload.as_ref()).into()],
            );
            txn.execute_raw(insert).await.expect("inserts");
            tokio::task::yield_now().await;
        }
        txn.commit().await.expect("commits");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_consumer_killed_again_and_again_applies_each_event_exactly_once() {
    for engine in engines() {
        let (_source_database, source) = store(engine).await;
        let (_own_database, own) = store(engine).await;
        let writer = tokio::spawn({
            let source = source.clone();
            async move {
                for at in 0..300 {
                    write(&source, &[format!("thing {at}")], true).await;
                }
            }
        });
        let count = |sql: &'static str| {
            let own = own.clone();
            async move {
                let row = own.reader().query_one_raw(Statement::from_string(own.backend(), sql)).await;
                row.expect("counts").expect("a row").try_get_by_index::<i64>(0).expect("a count")
            }
        };
        for at in 0_i64.. {
            let consumer = tokio::spawn(consume(source.clone(), own.clone()));
            let target = ((at + 1) * 40).min(300);
            eventually(PATIENCE, "the consumer gets on", async || count("SELECT count(*) FROM thing").await >= target)
                .await;
            consumer.abort();
            if target == 300 {
                break;
            }
        }
        writer.await.expect("the writer");
        assert_eq!(count("SELECT count(*) FROM thing WHERE count = 1").await, 300, "{engine}");
        assert_eq!(count("SELECT count(*) FROM thing").await, 300, "{engine}");
    }
}

#[tokio::test]
async fn an_expired_cursor_is_told_so_and_the_snapshot_leads_back_to_the_stream() {
    for engine in engines() {
        let (_database, store) = store(engine).await;
        let feed = feed(&store);
        write(&store, &["old".to_owned()], true).await;
        let mut stream = subscribe(&feed, "").await.expect("subscribes");
        let old_cursor = next(&mut stream).await.cursor;
        drop(stream);
        write(&store, &["middle".to_owned()], true).await;
        assert_eq!(prune_before(&store, Timestamp::now().plus(PATIENCE)).await.expect("prunes"), 2);
        // The log is empty now: the bounds must not come from its oldest event.
        for cursor in [old_cursor.as_str(), ""] {
            let Err(status) = subscribe(&feed, cursor).await else { panic!("{engine}: {cursor:?} was taken") };
            assert_eq!(status.code(), tonic::Code::OutOfRange);
            assert_eq!(senani_error::reason_of(&status).as_deref(), Some("CURSOR_EXPIRED"));
        }
        let messages: Vec<_> =
            feed.snapshot(Request::new(SnapshotRequest {})).await.expect("a snapshot").into_inner().collect().await;
        let messages: Vec<_> = messages.into_iter().map(|message| message.expect("a message")).collect();
        let names: Vec<String> =
            messages.iter().flat_map(|message| &message.events).map(|event| name_in(event.payload.as_ref())).collect();
        assert_eq!(names, ["middle", "old"], "{engine}");
        let cursor = &messages.last().expect("a last message").cursor;
        write(&store, &["new".to_owned()], true).await;
        let mut stream = subscribe(&feed, cursor).await.expect("subscribes");
        let response = next(&mut stream).await;
        assert_eq!(name_in(response.events[0].payload.as_ref()), "new", "{engine}");
    }
}

#[tokio::test]
async fn a_cursor_of_another_incarnation_or_beyond_the_head_is_refused() {
    for engine in engines() {
        let (_database, store) = store(engine).await;
        let feed = feed(&store);
        let epoch = bounds(store.reader()).await.expect("bounds").epoch;
        for (cursor, reason) in [
            ("another.0".to_owned(), "EPOCH_MISMATCH"),
            (format!("{epoch}.1"), "CURSOR_AHEAD"),
            ("nonsense".to_owned(), "CURSOR_INVALID"),
            (format!("{epoch}.-1"), "CURSOR_INVALID"),
        ] {
            let Err(status) = subscribe(&feed, &cursor).await else { panic!("{engine}: {cursor} was taken") };
            assert_eq!(senani_error::reason_of(&status).as_deref(), Some(reason), "{engine}: {cursor}");
        }
    }
}

#[tokio::test]
async fn silence_brings_a_checkpoint_that_is_never_ahead_of_an_event() {
    for engine in engines() {
        let (_database, store) = store(engine).await;
        let mut stream = subscribe(&feed(&store), "").await.expect("subscribes");
        let checkpoint = next(&mut stream).await;
        assert!(checkpoint.events.is_empty() && checkpoint.cursor.ends_with(".0"), "{engine}");
        write(&store, &["one".to_owned(), "two".to_owned()], true).await;
        let response = next(&mut stream).await;
        assert_eq!(response.events.len(), 2, "{engine}");
        assert!(response.cursor.ends_with(".2"), "{engine}");
        let checkpoint = next(&mut stream).await;
        assert!(checkpoint.events.is_empty() && checkpoint.cursor.ends_with(".2"), "{engine}");
    }
}

#[tokio::test]
async fn two_migrators_at_once_leave_one_schema() {
    for engine in engines() {
        let database = senani_testkit::database(engine);
        let url = database.url("store");
        let migrate = || senani_store::migrate::<crate::fixture::Migrator>(&url);
        let (first, second, third) = tokio::join!(migrate(), migrate(), migrate());
        first.and(second).and(third).unwrap_or_else(|error| panic!("{engine}: {error}"));
    }
}
