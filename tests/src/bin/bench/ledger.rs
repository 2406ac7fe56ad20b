//! A publication to everybody, and its dispatch.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use senani_bulletin::{ChannelConfig, Sender};
use senani_testkit::eventually;
use senani_tests::material::STATE;
use senani_tests::{Service, provider};
use serde_json::json;
use uuid::Uuid;

use crate::figure::{Figure, Limit};
use crate::house::{House, PATIENCE};
use crate::postgres::{Copy, connect, number, run};

/// Requests to the provider at the same time: as many as the service's own default.
const CONCURRENCY: usize = 64;

/// Bodies that are posted without a ledger.
const BARE: usize = 100_000;

/// What a publication made.
pub(crate) struct Published {
    pub(crate) figure: Figure,
    pub(crate) deliveries: i64,
}

/// Until every row of the ledger is durable. The provider is stopped meanwhile, so that nothing is dispatched beside it.
pub(crate) async fn publish(house: &mut House<'_>) -> anyhow::Result<Published> {
    let db = connect(&house.database(Service::Bulletin)).await?;
    let desk = house.desk();
    let bulletin = desk.approved_bulletin("डिजिटल अरेस्ट से सावधान").await;
    house.provider.stop();
    run(&db, "CHECKPOINT").await?;

    let began = Instant::now();
    desk.publish(&bulletin, STATE).await.context("the publication failed")?;
    eventually(PATIENCE, "the ledger to be complete", async || {
        matches!(number(&db, "SELECT count(*) FROM publication WHERE state = 2").await, Ok(1))
    })
    .await;
    let elapsed = began.elapsed();
    let deliveries = number(&db, "SELECT count(*) FROM delivery").await?;
    let tasks = number(&db, "SELECT count(*) FROM task").await?;

    let mut inserted = Duration::ZERO;
    for table in ["delivery", "task"] {
        let copy = Copy { table, filter: "true" };
        copy.make(&db).await?;
        inserted += copy.by_insert(&db).await?;
        copy.remove(&db).await?;
    }
    let figure = Figure {
        name: "publish",
        work: format!("publish to {deliveries} persons and {tasks} groups: until the ledger is durable"),
        measured: elapsed.as_secs_f64(),
        beside: Some(("INSERT ... SELECT", inserted.as_secs_f64())),
        unit: "s",
        limit: Limit::TimesOf(4.0),
        details: json!({"deliveries_per_second": deliveries as f64 / elapsed.as_secs_f64()}),
    };
    Ok(Published { figure, deliveries })
}

/// From the moment at which the provider goes on until every result is recorded.
pub(crate) async fn dispatch(house: &mut House<'_>, deliveries: i64) -> anyhow::Result<Figure> {
    let db = connect(&house.database(Service::Bulletin)).await?;
    let expected = u64::try_from(deliveries)?;
    let began = Instant::now();
    house.provider.cont();
    let sent = async || {
        let testimony = provider::testimony(house.provider_address).await;
        testimony.filter(|testimony| testimony.sends.total >= expected)
    };
    let testimony = eventually(PATIENCE, "every delivery to be sent", sent).await;
    // 1 to 3: queued, being sent, unknown.
    eventually(PATIENCE, "every result to be recorded", async || {
        matches!(number(&db, "SELECT count(*) FROM delivery WHERE state < 4").await, Ok(0))
    })
    .await;
    let elapsed = began.elapsed();
    ensure!(testimony.sends.unique == expected && testimony.sends.repeated == 0, "{testimony:?}");
    let bare = bare(house).await?;
    Ok(Figure {
        name: "dispatch",
        work: format!("dispatch {deliveries} deliveries, each result recorded"),
        measured: deliveries as f64 / elapsed.as_secs_f64(),
        beside: Some(("without a ledger", bare)),
        unit: "/s",
        limit: Limit::ShareOf(0.4),
        details: json!({"seconds": elapsed.as_secs_f64(), "peak_memory_mb": house.peak_memory()}),
    })
}

/// The same client posting the same bodies without a ledger, in messages a second.
async fn bare(house: &House<'_>) -> anyhow::Result<f64> {
    let config = ChannelConfig {
        name: "provider".to_owned(),
        url: format!("http://{}", house.provider_address),
        token: "provider-token".into(),
        phone_number_id: "106540352242922".to_owned(),
        ..ChannelConfig::default()
    };
    let sender = Sender::new(&config)?;
    let began = Instant::now();
    let mut posting = tokio::task::JoinSet::new();
    for task in 0..CONCURRENCY {
        let mut connection = sender.connection();
        posting.spawn(async move {
            for number in (task..BARE).step_by(CONCURRENCY) {
                connection.post_message(body(number).into()).await?;
            }
            Ok::<(), String>(())
        });
    }
    while let Some(posted) = posting.join_next().await {
        posted?.map_err(|answer| anyhow::anyhow!("the provider answered {answer}"))?;
    }
    Ok(BARE as f64 / began.elapsed().as_secs_f64())
}

/// A body as the service makes it.
fn body(number: usize) -> String {
    let message = json!({
        "messaging_product": "whatsapp", "recipient_type": "individual", "to": format!("+9110{number:08}"),
        "biz_opaque_callback_data": Uuid::now_v7(), "type": "template",
        "template": {"name": config_template(), "language": {"code": "hi"}, "components": [
            {"type": "body", "parameters": [
                {"type": "text", "parameter_name": "bulletin_no", "text": "EOU/2026/0001"},
                {"type": "text", "parameter_name": "headline", "text": "डिजिटल अरेस्ट से सावधान"},
                {"type": "text", "parameter_name": "text", "text": "किसी को ओटीपी न बताएँ; 1930 पर सूचना दें।"}]}]},
    });
    message.to_string()
}

fn config_template() -> String {
    ChannelConfig::default().template
}
