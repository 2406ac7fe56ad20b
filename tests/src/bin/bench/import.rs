//! Import of members through the gateway, beside a binary COPY of the rows that it made.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use senani_tests::{Service, material};
use serde_json::json;
use uuid::Uuid;

use crate::figure::{Figure, Limit};
use crate::house::House;
use crate::postgres::{Copy, connect, number, run};

/// Seed of the file.
pub(crate) const SEED: u64 = 1;

/// Durable, each member under a key of their own, verified, consenting, enrolled, with events.
pub(crate) async fn measure(house: &House<'_>, members: u64) -> anyhow::Result<Figure> {
    let file = Bytes::from(material::members(usize::try_from(members)?, SEED));
    let db = connect(&house.database(Service::Membership)).await?;
    let head = number(&db, "SELECT position FROM event_head").await?;
    let desk = house.desk();
    run(&db, "CHECKPOINT").await?;

    let began = Instant::now();
    let import = desk.import_once(Uuid::now_v7(), &file).await.context("the import failed")?;
    let elapsed = began.elapsed();
    ensure!(import.row_count == i64::try_from(members)?, "{import:?}");

    let events = format!("position > {head}");
    let copies = ["member", "member_key", "member_identifier", "member_consent", "enrolment", "rejected_row"]
        .map(|table| Copy { table, filter: "true" });
    let copies = copies.into_iter().chain([Copy { table: "event_log", filter: &events }]);
    let mut copied = Duration::ZERO;
    let mut parts = Vec::new();
    for copy in copies {
        copy.make(&db).await?;
        let time = copy.by_copy(&db, house.server).await?;
        parts.push(json!({"table": copy.table, "seconds": time.as_secs_f64()}));
        copied += time;
        copy.remove(&db).await?;
    }
    Ok(Figure {
        name: "import",
        work: format!("import {members} members through the gateway"),
        measured: elapsed.as_secs_f64(),
        beside: Some(("binary COPY", copied.as_secs_f64())),
        unit: "s",
        limit: Limit::TimesOf(5.0),
        details: json!({
            "accepted": import.accepted_count, "rejected": import.rejected_count, "enrolments": import.enrolment_count,
            "rows_per_second": members as f64 / elapsed.as_secs_f64(), "copies": parts, "peak_memory_mb": house.peak_memory(),
        }),
    })
}

/// The same file under another import id: every number is taken. `first` is the figure of the first time.
pub(crate) async fn again(house: &House<'_>, members: u64, first: &Figure) -> anyhow::Result<Figure> {
    let file = Bytes::from(material::members(usize::try_from(members)?, SEED));
    let db = connect(&house.database(Service::Membership)).await?;
    let before = number(&db, "SELECT count(*) FROM member").await?;
    run(&db, "CHECKPOINT").await?;

    let began = Instant::now();
    let import = house.desk().import_once(Uuid::now_v7(), &file).await.context("the import failed")?;
    let elapsed = began.elapsed();
    ensure!(import.row_count == i64::try_from(members)? && import.accepted_count == 0, "{import:?}");
    ensure!(number(&db, "SELECT count(*) FROM member").await? == before, "the same file made members");
    Ok(Figure {
        name: "again",
        work: "the same import again: nothing is new".to_owned(),
        measured: elapsed.as_secs_f64(),
        beside: Some(("the first time", first.measured)),
        unit: "s",
        limit: Limit::TimesOf(0.5),
        details: json!({"rejected": import.rejected_count, "rows_per_second": members as f64 / elapsed.as_secs_f64()}),
    })
}
