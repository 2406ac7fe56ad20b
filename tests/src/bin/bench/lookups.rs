//! GetMember and the search by phone at the same time, at a rate that does not wait for the answers.

use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, Statement};
use senani_client::Channel;
use senani_proto::membership::v1::member_service_client::MemberServiceClient;
use senani_proto::membership::v1::{FindMemberByPhoneRequest, GetMemberRequest};
use senani_tests::{Service, material};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use crate::figure::{Figure, Limit};
use crate::house::House;
use crate::import::SEED;
use crate::postgres::{connect, run};

/// From one request of a kind to the next: 1,000 a second of each.
const EVERY: Duration = Duration::from_millis(1);

/// Requests of each kind that are measured.
const REQUESTS: usize = 20_000;

/// Requests of each kind before that, for connections and caches.
const BEFORE: usize = 3_000;

/// Connections that they come over.
const CONNECTIONS: usize = 8;

/// Rows of the imported file whose members are asked for, at most.
const ROWS: usize = 5_000;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    Get,
    Search,
}

/// Latencies count from the moment at which a request was due, not from when it got its turn.
pub(crate) async fn measure(house: &House<'_>, members: u64) -> anyhow::Result<[Figure; 2]> {
    let channels: Vec<Channel> = (0..CONNECTIONS).map(|_| house.officer(0)).collect();
    let db = connect(&house.database(Service::Membership)).await?;
    // What the database does by itself some time after an import.
    for table in ["member", "member_key", "member_identifier", "enrolment"] {
        run(&db, &format!("VACUUM (ANALYZE) {table}")).await?;
    }
    run(&db, "CHECKPOINT").await?;
    let names = Arc::new(names(&db).await?);
    let phones = Arc::new(phones(&channels[0], usize::try_from(members)?.min(ROWS)).await?);
    let (sender, mut answers) = mpsc::unbounded_channel();
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    for number in 0..BEFORE + REQUESTS {
        let due = ticks.tick().await;
        for question in [Question::Get, Question::Search] {
            let mut members = MemberServiceClient::new(channels[number % CONNECTIONS].clone());
            let (names, phones, sender) = (Arc::clone(&names), Arc::clone(&phones), sender.clone());
            tokio::spawn(async move {
                let answer = match question {
                    Question::Get => {
                        let name = names[number % names.len()].clone();
                        members.get_member(GetMemberRequest { name }).await
                    }
                    Question::Search => {
                        let phone = phones[number % phones.len()].clone();
                        members.find_member_by_phone(FindMemberByPhoneRequest { phone }).await
                    }
                };
                let milliseconds = due.elapsed().as_secs_f64() * 1_000.0;
                let outcome = answer.map(|_| milliseconds);
                // Nobody listens any more when the measurement has failed.
                _ = sender.send((number, question, outcome));
            });
        }
    }
    drop(sender);
    let (mut gets, mut searches) = (Vec::with_capacity(REQUESTS), Vec::with_capacity(REQUESTS));
    while let Some((number, question, outcome)) = answers.recv().await {
        let milliseconds = outcome?;
        if number >= BEFORE {
            match question {
                Question::Get => gets.push(milliseconds),
                Question::Search => searches.push(milliseconds),
            }
        }
    }
    ensure!(gets.len() == REQUESTS && searches.len() == REQUESTS, "{} and {} answers", gets.len(), searches.len());
    Ok([
        figure("get", "GetMember, 1,000 a second beside as many searches, p99", gets),
        figure("search", "search by phone, 1,000 a second beside as many GetMember, p99", searches),
    ])
}

fn figure(name: &'static str, work: &str, mut times: Vec<f64>) -> Figure {
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    Figure {
        name,
        work: work.to_owned(),
        measured: at(0.99),
        beside: None,
        unit: "ms",
        limit: Limit::AtMost(10.0),
        details: json!({"requests": times.len(), "p50": at(0.5), "p90": at(0.9), "p999": at(0.999), "most": at(1.0)}),
    }
}

/// Names of members from all over the register.
async fn names(db: &DatabaseConnection) -> anyhow::Result<Vec<String>> {
    let sql = format!("SELECT 'members/' || id FROM member WHERE state = 1 ORDER BY md5(id::text) LIMIT {ROWS}");
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
    let names = rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<Vec<String>, _>>()?;
    ensure!(!names.is_empty(), "there are no members");
    Ok(names)
}

/// Numbers of members as the imported file writes them. A row has the same number however many follow it.
async fn phones(channel: &Channel, rows: usize) -> anyhow::Result<Vec<String>> {
    let file = material::members(rows, SEED);
    let mut members = MemberServiceClient::new(channel.clone());
    let mut phones = Vec::new();
    for row in csv::ReaderBuilder::new().flexible(true).from_reader(file.as_slice()).records() {
        let phone = row?.get(2).unwrap_or_default().to_owned();
        // Some rows are wrong on purpose.
        if members.find_member_by_phone(FindMemberByPhoneRequest { phone: phone.clone() }).await.is_ok() {
            phones.push(phone);
        }
    }
    ensure!(phones.len() * 10 > rows * 9, "only {} of {rows} numbers are in the register", phones.len());
    Ok(phones)
}
