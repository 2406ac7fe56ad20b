//! ResolveAudience, beside the same SELECT streamed by psql.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use sea_orm::DatabaseConnection;
use senani_proto::membership::v1::audience_service_client::AudienceServiceClient;
use senani_proto::membership::v1::resolve_audience_response::Part;
use senani_proto::membership::v1::{AudienceSelector, ResolveAudienceRequest, ResolvedCount};
use senani_tests::material::{self, STATE};
use senani_tests::{Desk, Service};
use serde_json::json;
use tokio::process::Command;
use uuid::Uuid;

use crate::figure::{Figure, Limit};
use crate::house::House;
use crate::postgres::{connect, number, run};

/// Rounds of each, in turn.
const ROUNDS: usize = 5;

/// Seed of the members who are imported when there are too few.
const MORE: u64 = 3;

/// What the service asks the database: whoever consents and is enrolled now, once, with the channels they have.
const SELECT: &str = "SELECT m.id, m.unit_id, m.language, COALESCE(c.channels, 0) FROM member m \
     LEFT JOIN (SELECT i.member_id, bit_or(1 << i.kind) AS channels FROM member_identifier i WHERE i.valid_to = 0 \
     GROUP BY i.member_id) AS c ON c.member_id = m.id \
     WHERE m.consents AND m.state = 1 AND m.id IN (SELECT e.member_id FROM enrolment e WHERE e.ended_at = 0) ORDER BY m.id";

/// How the service has it planned; psql is also timed with this.
const PLANS: &str = "-c jit=off -c work_mem=64MB -c cursor_tuple_fraction=1 -c enable_hashagg=off -c enable_hashjoin=off \
     -c enable_seqscan=off -c enable_sort=off";

/// `members` persons in ten thirds as many enrolments.
pub(crate) async fn measure(house: &House<'_>, members: u64) -> anyhow::Result<Figure> {
    let db = connect(&house.database(Service::Membership)).await?;
    let persons = i64::try_from(members)?;
    let enrolments = persons * 10 / 3;
    enrol(&house.desk(), &db, persons, enrolments).await?;

    let channel = house.service(Service::Membership, "services/bulletin")?;
    let mut audience = AudienceServiceClient::new(channel).max_decoding_message_size(16 * 1024 * 1024);
    let url = house.database(Service::Membership);
    let (mut ours, mut counts, mut plain, mut planned) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let resolved = resolve(&mut audience).await?;
        let count = resolved.count;
        ensure!(resolved.persons == persons && count.consenting_count == persons, "{resolved:?}");
        ensure!(count.enrolment_count >= enrolments && count.person_count >= persons, "{count:?}");
        ours.push(resolved.whole.as_secs_f64());
        counts.push(resolved.counted.as_secs_f64());
        plain.push(psql(&url, "").await?.as_secs_f64());
        planned.push(psql(&url, PLANS).await?.as_secs_f64());
    }
    Ok(Figure {
        name: "audience",
        work: format!("ResolveAudience of {persons} persons out of {enrolments} enrolments, counts first"),
        measured: median(&ours),
        beside: Some(("the same SELECT by psql", median(&plain))),
        unit: "s",
        limit: Limit::TimesOf(2.0),
        details: json!({
            "all": ours, "until_the_counts": median(&counts), "psql": plain, "psql_with_our_plans": median(&planned),
            "persons_per_second": members as f64 / median(&ours), "peak_memory_mb": house.peak_memory(),
        }),
    })
}

fn median(times: &[f64]) -> f64 {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Makes it `persons` who consent, with `enrolments` together: people in several groups, whom no import makes.
async fn enrol(desk: &Desk, db: &DatabaseConnection, persons: i64, enrolments: i64) -> anyhow::Result<()> {
    let active = "SELECT count(*) FROM member WHERE state = 1";
    if number(db, active).await? < persons {
        let file = Bytes::from(material::members(usize::try_from(persons)? / 5 + 100, MORE));
        desk.import_once(Uuid::now_v7(), &file).await.context("the import of more members failed")?;
    }
    ensure!(number(db, active).await? >= persons, "there are too few members");
    run(
        db,
        &format!(
            "UPDATE member m SET consents = r.place <= {persons} FROM (SELECT id, row_number() OVER (ORDER BY md5(id::text)) \
             AS place FROM member WHERE state = 1) r WHERE r.id = m.id AND m.consents <> (r.place <= {persons})"
        ),
    )
    .await?;
    let present = "SELECT count(*) FROM enrolment e JOIN member m ON m.id = e.member_id \
                   WHERE m.consents AND m.state = 1 AND e.ended_at = 0";
    let missing = (enrolments - number(db, present).await?).max(0);
    // Groups some way apart, others for each member.
    run(
        db,
        &format!(
            "WITH g AS (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place, count(*) OVER () AS total FROM member_group), \
             m AS (SELECT id, row_number() OVER (ORDER BY id) AS place FROM member WHERE consents AND state = 1) \
             INSERT INTO enrolment SELECT m.id, g.id, 1, 1, 0 FROM generate_series(1, 6) AS k CROSS JOIN m \
             JOIN g ON g.place = (m.place * 7 + k * 131) % g.total \
             WHERE NOT EXISTS (SELECT 1 FROM enrolment e WHERE e.member_id = m.id AND e.group_id = g.id) \
             LIMIT {missing} ON CONFLICT DO NOTHING"
        ),
    )
    .await?;
    let made = number(db, present).await?;
    ensure!(made == enrolments || missing == 0, "{made} enrolments instead of {enrolments}");
    run(
        db,
        "UPDATE member_group g SET enrolled_count = e.number FROM (SELECT group_id, count(*) AS number FROM enrolment \
         WHERE ended_at = 0 GROUP BY group_id) e WHERE e.group_id = g.id",
    )
    .await?;
    for table in ["member", "enrolment", "member_identifier"] {
        run(db, &format!("VACUUM (ANALYZE) {table}")).await?;
    }
    run(db, "CHECKPOINT").await
}

/// What came over the stream, and when.
#[derive(Debug)]
struct Resolved {
    count: ResolvedCount,
    persons: i64,
    /// Until the counts were there.
    counted: Duration,
    whole: Duration,
}

async fn resolve(audience: &mut AudienceServiceClient<senani_client::Channel>) -> anyhow::Result<Resolved> {
    let selector = AudienceSelector { units: vec![STATE.to_owned()], ..AudienceSelector::default() };
    let request = ResolveAudienceRequest { audience: Some(selector), ..ResolveAudienceRequest::default() };
    let began = Instant::now();
    let mut stream = audience.resolve_audience(request).await?.into_inner();
    let mut resolved =
        Resolved { count: ResolvedCount::default(), persons: 0, counted: Duration::ZERO, whole: Duration::ZERO };
    while let Some(response) = stream.message().await? {
        match response.part {
            Some(Part::Count(count)) => (resolved.count, resolved.counted) = (count, began.elapsed()),
            Some(Part::Page(page)) => resolved.persons += i64::try_from(page.persons.len())?,
            None => {}
        }
    }
    resolved.whole = began.elapsed();
    Ok(resolved)
}

/// Time in which psql streams it, as many rows at once as the service takes.
async fn psql(url: &str, options: &str) -> anyhow::Result<Duration> {
    let programs = senani_testkit::postgres_programs().context("PostgreSQL's programs are not found")?;
    let mut psql = Command::new(programs.join("psql"));
    psql.args([
        "--no-psqlrc",
        "--quiet",
        "--no-align",
        "--tuples-only",
        "--set",
        "FETCH_COUNT=5000",
        "--command",
        SELECT,
    ])
    .arg(url)
    .env("PGOPTIONS", options)
    .stdin(Stdio::null())
    .stdout(Stdio::null());
    let began = Instant::now();
    let status = psql.status().await.context("psql does not start")?;
    ensure!(status.success(), "psql ended with {status}");
    Ok(began.elapsed())
}
