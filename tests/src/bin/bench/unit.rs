//! GetUnit through the gateway, beside the same call straight to hierarchy.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use senani_client::Channel;
use senani_proto::hierarchy::v1::GetUnitRequest;
use senani_proto::hierarchy::v1::unit_service_client::UnitServiceClient;
use senani_tests::Service;
use senani_tests::material::UNITS;
use serde_json::json;
use tokio::task::JoinSet;

use crate::figure::{Figure, Limit};
use crate::house::House;

/// Calls under way at the same time.
const CONCURRENCY: usize = 32;

/// Connections that these calls come over: callers have their own, whichever of the two they call.
const CONNECTIONS: usize = 8;

/// Rounds of each, in turn.
const ROUNDS: usize = 15;

/// Length of a round.
const ROUND: Duration = Duration::from_secs(1);

pub(crate) async fn measure(house: &House<'_>) -> anyhow::Result<Figure> {
    let names: Arc<Vec<String>> =
        Arc::new(UNITS.lines().skip(1).filter_map(|line| Some(format!("units/{}", line.split(',').next()?))).collect());
    let gateway: Vec<Channel> = (0..CONNECTIONS).map(|_| house.officer(0)).collect();
    let hierarchy: Vec<Channel> = (0..CONNECTIONS)
        .map(|_| house.service(Service::Hierarchy, "officers/desk-author"))
        .collect::<anyhow::Result<_>>()?;
    // One each that does not count: connections and caches.
    round(&gateway, &names).await?;
    round(&hierarchy, &names).await?;
    let (mut through, mut straight) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        through.push(round(&gateway, &names).await?);
        straight.push(round(&hierarchy, &names).await?);
    }
    // Not the mean: whatever else the machine does for a second meets one of the two.
    let median = |rates: &[f64]| {
        let mut rates = rates.to_vec();
        rates.sort_by(f64::total_cmp);
        rates[rates.len() / 2]
    };
    Ok(Figure {
        name: "unit",
        work: format!("GetUnit through the gateway, {CONCURRENCY} at a time over {CONNECTIONS} connections"),
        measured: median(&through),
        beside: Some(("straight to hierarchy", median(&straight))),
        unit: "/s",
        limit: Limit::ShareOf(0.6),
        details: json!({"through": through, "straight": straight}),
    })
}

/// Calls a second in one round.
async fn round(channels: &[Channel], names: &Arc<Vec<String>>) -> anyhow::Result<f64> {
    let calls = Arc::new(AtomicU64::new(0));
    let began = Instant::now();
    let mut callers = JoinSet::new();
    for caller in 0..CONCURRENCY {
        let mut units = UnitServiceClient::new(channels[caller % channels.len()].clone());
        let (names, calls) = (Arc::clone(names), Arc::clone(&calls));
        callers.spawn(async move {
            let mut names = names.iter().cycle().skip(caller * 37);
            while began.elapsed() < ROUND {
                let name = names.next().cloned().unwrap_or_default();
                units.get_unit(GetUnitRequest { name, ..GetUnitRequest::default() }).await?;
                calls.fetch_add(1, Ordering::Relaxed);
            }
            Ok::<(), tonic::Status>(())
        });
    }
    while let Some(ended) = callers.join_next().await {
        ended??;
    }
    Ok(calls.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64())
}
