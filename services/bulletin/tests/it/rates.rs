//! How fast, on this machine: `cargo test --release -p senani-bulletin --test it -- --ignored --nocapture rates`. Figures, not verdicts: the
//! project's benchmark has the limits.

use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, DbBackend};
use senani_bulletin::Sender;
use senani_proto::bulletin::v1 as pb;
use senani_testkit::{engines, eventually};

use crate::cell::Cell;
use crate::recount::{self, number};

const LONG: Duration = Duration::from_secs(600);

fn members() -> usize {
    std::env::var("SENANI_RATES_MEMBERS").ok().and_then(|count| count.parse().ok()).unwrap_or(300_000)
}

async fn wait(store: &senani_store::Store, what: &str, sql: &str, count: i64) {
    eventually(LONG, what, async || {
        tokio::time::sleep(Duration::from_millis(100)).await;
        number(store, sql).await >= count
    })
    .await;
}

/// A stretch of work: wall time, and the processor time of this process, provider included.
struct Stretch {
    since: Instant,
    busy: f64,
}

impl Stretch {
    fn begin() -> Self {
        Self { since: Instant::now(), busy: busy() }
    }

    fn report(self, what: &str, count: usize) {
        let (seconds, busy) = (self.since.elapsed().as_secs_f64(), busy() - self.busy);
        let each = busy * 1e6 / count as f64;
        println!(
            "{what:<32} {count:>8} in {seconds:>6.2} s  {:>8.0} /s  {each:>6.1} µs each here",
            count as f64 / seconds
        );
    }
}

/// Seconds of processor time that this process has used.
fn busy() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks = |at: usize| fields.get(at).and_then(|ticks| ticks.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures; run it alone, in release mode"]
async fn rates() {
    let count = members();
    let only = std::env::var("SENANI_RATES_ENGINE").unwrap_or_default();
    for engine in engines().into_iter().filter(|engine| only.is_empty() || engine.to_string() == only) {
        println!("{engine}");
        // Receipts wait until they are asked for.
        let simulator = senani_simulator::Config { pending_capacity: 2 * count, ..Default::default() };
        let mut cell = Cell::start_with(engine, count, simulator, |config| {
            config.dispatch_concurrency = 0;
            config.claim_batch = 500;
            config.expand_page = 5_000;
            config.lease_seconds = 30;
        })
        .await;
        cell.simulator.set_webhook_url("").unwrap();
        let store = cell.store();

        let sender = Sender::new(&cell.config.channels[0]).unwrap();
        let stretch = Stretch::begin();
        let mut tasks = tokio::task::JoinSet::new();
        for lane in 0..64 {
            let mut connection = sender.connection();
            tasks.spawn(async move {
                for number in (lane..count / 2).step_by(64) {
                    connection.post_message(bare_body(number)).await.expect("accepted");
                }
            });
        }
        tasks.join_all().await;
        stretch.report("bare client", count / 2);

        let bulletin = cell.approved().await;
        let stretch = Stretch::begin();
        cell.publish(&bulletin.name, "bihar").await;
        wait(&store, "the ledger", "SELECT COUNT(*) FROM publication WHERE state = 2", 1).await;
        stretch.report("expanded", count);
        if store.backend() == DbBackend::Postgres {
            let db = store.reader();
            db.execute_unprepared("CREATE TABLE delivery_limit (LIKE delivery INCLUDING ALL) WITH (fillfactor = 60)")
                .await
                .unwrap();
            let stretch = Stretch::begin();
            db.execute_unprepared("INSERT INTO delivery_limit SELECT * FROM delivery").await.unwrap();
            stretch.report("  limit: INSERT … SELECT", count);
            db.execute_unprepared("DROP TABLE delivery_limit").await.unwrap();
        }

        cell.stop().await;
        cell.config.dispatch_concurrency = 64;
        let before = cell.simulator.witness().sends.total;
        let stretch = Stretch::begin();
        cell.resume().await;
        eventually(LONG, "all to be sent", async || {
            tokio::time::sleep(Duration::from_millis(100)).await;
            cell.simulator.witness().sends.total - before >= count as u64
        })
        .await;
        wait(
            &store,
            "all to be recorded",
            "SELECT CAST(SUM(delivery_count) AS bigint) FROM delivery_tally WHERE state = 4",
            count as i64,
        )
        .await;
        stretch.report("dispatched and recorded", count);

        let statuses = cell.simulator.witness().webhooks.statuses;
        let stretch = Stretch::begin();
        cell.simulator.set_webhook_url(&format!("{}/w", cell.gateway.running.url())).unwrap();
        eventually(LONG, "all receipts to be applied", async || {
            tokio::time::sleep(Duration::from_millis(100)).await;
            cell.simulator.witness().pending == 0 && cell.inbox_is_empty().await
        })
        .await;
        let statuses = cell.simulator.witness().webhooks.statuses - statuses;
        stretch.report("receipts applied", statuses as usize);
        let progress: pb::WatchProgressResponse = cell.progress(&bulletin.name).await;
        println!("{progress:?}");
        recount::check(&store).await;
    }
}

/// Of the size and shape of the service's own.
fn bare_body(number: usize) -> bytes::Bytes {
    format!(
        r#"{{"messaging_product":"whatsapp","recipient_type":"individual","to":"+9110{number:08}","biz_opaque_callback_data":"00000000-0000-0000-0000-{number:012}","type":"template","template":{{"components":[{{"parameters":[{{"parameter_name":"bulletin_no","text":"EOU/2026/0001","type":"text"}},{{"parameter_name":"headline","text":"नकली कॉल से सावधान","type":"text"}},{{"parameter_name":"text","text":"कोई बैंक आपका ओटीपी नहीं माँगता।","type":"text"}}],"type":"body"}}],"language":{{"code":"hi"}},"name":"cyber_bulletin_v1"}}}}"#
    )
    .into()
}
