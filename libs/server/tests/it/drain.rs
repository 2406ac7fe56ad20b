//! How a server ends.

use std::{sync::Arc, time::Duration};

use tonic::Code;

use crate::probe::Running;

/// Far longer than a drain takes on a busy machine, far shorter than any hang.
const PATIENCE: Duration = Duration::from_secs(8);

#[tokio::test]
async fn an_idle_server_ends_at_once() {
    let probe = Running::start_with(|server| server.drain_timeout(Duration::from_secs(60))).await;
    probe.call("hello").await.unwrap();
    probe.stop.cancel();
    probe.ended_within(PATIENCE).await;
}

#[tokio::test]
async fn a_stream_that_never_ends_is_cut_after_the_drain_timeout() {
    let drain = Duration::from_millis(200);
    let probe = Running::start_with(|server| server.drain_timeout(drain)).await;
    let mut feed = probe.feed("endless").await;
    let held = Arc::downgrade(&probe.held);
    let begun = tokio::time::Instant::now();
    probe.stop.cancel();
    probe.ended_within(PATIENCE).await;
    assert!(begun.elapsed() >= drain);
    assert!(feed.message().await.is_err(), "the caller learns of the cut");
    senani_testkit::eventually(PATIENCE, "the handler's stream to be dropped", async || held.strong_count() == 0).await;
}

#[tokio::test]
async fn a_stream_that_watches_the_stop_ends_the_drain_with_its_own_words() {
    let probe = Running::start_with(|server| server.drain_timeout(Duration::from_secs(60))).await;
    let mut feed = probe.feed("watches stop").await;
    probe.stop.cancel();
    let status = feed.message().await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Unavailable, "resume elsewhere"));
    probe.ended_within(PATIENCE).await;
}

#[tokio::test]
async fn a_call_that_is_under_way_is_answered() {
    let probe = Running::start_with(|server| server.unary_deadline(Duration::from_millis(300))).await;
    let waiting = probe.call("wait");
    let stopping = async {
        probe.call("hello").await.unwrap();
        probe.stop.cancel();
    };
    let (outcome, ()) = tokio::join!(waiting, stopping);
    assert_eq!(outcome.unwrap_err().code(), Code::DeadlineExceeded, "its answer came after the stop");
    probe.ended_within(PATIENCE).await;
}

#[tokio::test]
async fn a_stopped_server_takes_no_connections() {
    let probe = Running::start().await;
    probe.stop.cancel();
    let address = probe.address;
    probe.ended_within(PATIENCE).await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn the_first_signal_stops_gently() {
    let stop = senani_server::stop_signal();
    assert!(!stop.is_cancelled());
    nix::sys::signal::raise(nix::sys::signal::Signal::SIGTERM).unwrap();
    tokio::time::timeout(PATIENCE, stop.cancelled()).await.expect("SIGTERM cancels the token");
}
