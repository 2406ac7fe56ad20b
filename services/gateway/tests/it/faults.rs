//! Services that die and come back, and the gateway's own end.

use std::time::{Duration, Instant};

use senani_gateway::DOMAIN;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::{
    cell::{BOUND, Cell},
    service::Running,
};

/// "Quickly": far below any deadline.
const QUICKLY: Duration = Duration::from_secs(2);

fn assert_unavailable(status: &Status, sent: &str) {
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    assert!(senani_error::is_reason(status, DOMAIN, "UPSTREAM_UNAVAILABLE"), "{status:?}");
    assert!(senani_error::retry_after_of(status).is_some());
    let told = status.get_details_error_info().expect("every refusal has one").metadata;
    assert_eq!((told["service"].as_str(), told["sent"].as_str()), ("hierarchy", sent));
    assert!(!status.message().contains("127.0.0.1"), "where our services are is not for callers");
}

#[tokio::test]
async fn a_service_that_is_down_is_said_to_be_so_quickly_and_used_again_when_it_is_back() {
    let cell = Cell::start().await;
    let caller = cell.gateway.caller();
    assert_eq!(caller.unary("hello").await.unwrap(), "hello");
    let address = cell.service.crash().await;

    let begun = Instant::now();
    assert_unavailable(&caller.unary("hello").await.unwrap_err(), "no");
    assert_unavailable(&caller.feed("count 1").await.unwrap_err(), "no");
    assert!(begun.elapsed() < QUICKLY, "{:?}", begun.elapsed());

    let service = Running::start_at(address);
    assert_eq!(caller.unary("hello again").await.unwrap(), "hello again");
    assert!(caller.feed("count 1").await.unwrap().message().await.unwrap().is_some());
    service.crash().await;
}

#[tokio::test]
async fn calls_that_are_open_when_their_service_dies_end_as_unavailable() {
    let cell = Cell::start().await;
    let caller = cell.gateway.caller();
    let waiting = tokio::spawn({
        let caller = caller.clone();
        async move { caller.unary("wait").await }
    });
    let mut feed = caller.feed("endless").await.unwrap();
    assert_eq!(feed.message().await.unwrap().as_deref(), Some("first"));
    let says = cell.service.says.clone();
    senani_testkit::eventually(BOUND, "both calls to be open", async || says.open_calls() == 2).await;

    cell.service.crash().await;
    let begun = Instant::now();
    assert_unavailable(&waiting.await.unwrap().unwrap_err(), "perhaps");
    assert_unavailable(&feed.message().await.unwrap_err(), "perhaps");
    assert!(begun.elapsed() < QUICKLY, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_stop_lets_calls_end_tells_streams_to_go_elsewhere_and_returns() {
    let cell = Cell::start().await;
    let caller = cell.gateway.caller();
    let held = tokio::spawn({
        let caller = caller.clone();
        async move { caller.unary("hold").await }
    });
    let mut feed = caller.feed("endless").await.unwrap();
    assert_eq!(feed.message().await.unwrap().as_deref(), Some("first"));
    let says = cell.service.says.clone();
    senani_testkit::eventually(BOUND, "both calls to be open", async || says.open_calls() == 2).await;

    cell.gateway.stop.cancel();
    let status = tokio::time::timeout(BOUND, feed.message()).await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(senani_error::is_reason(&status, DOMAIN, "GATEWAY_STOPPING"), "{status:?}");

    says.release.cancel();
    assert_eq!(held.await.unwrap().unwrap(), "released");
    tokio::time::timeout(BOUND, cell.gateway.ran).await.unwrap().unwrap().unwrap();
    assert!(cell_is_closed(&cell.gateway.url).await);
}

async fn cell_is_closed(url: &str) -> bool {
    tokio::net::TcpStream::connect(url.trim_start_matches("http://")).await.is_err()
}
