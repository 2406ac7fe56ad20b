//! Streams in every direction, and back-pressure.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures::{StreamExt as _, stream};
use tonic::{Code, Status};

use crate::{
    cell::{BOUND, Cell},
    service::CHUNK,
};

/// Much more than all windows and buffers between a caller and a service hold.
const MANY: usize = 1_024;
/// What they may hold, in messages of [`CHUNK`] bytes: 8 MiB, of which 2 MiB are the windows of one stream.
const IN_FLIGHT: usize = 128;

/// Waits until the counter has stood still for a while, and returns it.
async fn settled(counter: &AtomicUsize) -> usize {
    let mut last = (counter.load(Ordering::Relaxed), Instant::now());
    senani_testkit::eventually(BOUND, "the counter to stand still", async || {
        let now = counter.load(Ordering::Relaxed);
        if now != last.0 {
            last = (now, Instant::now());
        }
        now > 0 && last.1.elapsed() > Duration::from_millis(300)
    })
    .await;
    last.0
}

#[tokio::test]
async fn a_feed_arrives_whole_and_in_order() {
    let cell = Cell::start().await;
    let feed = cell.gateway.caller().feed("count 10000").await.unwrap();
    let messages: Vec<String> = feed.map(Result::unwrap).collect().await;
    assert!(messages.iter().enumerate().all(|(at, message)| *message == at.to_string()));
    assert_eq!(messages.len(), 10_000);
}

#[tokio::test]
async fn a_feed_that_fails_says_why_after_what_came_before() {
    let cell = Cell::start().await;
    let mut feed = cell.gateway.caller().feed("fail 2").await.unwrap();
    assert_eq!(feed.message().await.unwrap().as_deref(), Some("0"));
    assert_eq!(feed.message().await.unwrap().as_deref(), Some("1"));
    let status = feed.message().await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert!(senani_error::is_reason(&status, "hierarchy.senani.dev", "UNIT_MISPLACED"));
    assert_eq!(senani_error::violations_of(&status).len(), 1);
    assert_eq!(status.metadata().get("x-lesson").unwrap(), "kept");
}

#[tokio::test]
async fn an_upload_is_answered_once_and_a_refused_one_at_once() {
    let cell = Cell::start().await;
    let caller = cell.gateway.caller();
    let bytes = caller.upload(stream::iter(vec!["x".repeat(CHUNK); 100])).await.unwrap();
    assert_eq!(bytes, (100 * CHUNK).to_string());

    // The caller would go on for ever.
    let endless = stream::iter(["x".to_owned(), "fail".to_owned()]).chain(stream::repeat("x".repeat(CHUNK)));
    let status = tokio::time::timeout(BOUND, caller.upload(endless)).await.unwrap().unwrap_err();
    assert!(senani_error::is_reason(&status, "hierarchy.senani.dev", "UNIT_MISPLACED"), "{status:?}");
}

#[tokio::test]
async fn both_sides_of_a_talk_take_turns() {
    let cell = Cell::start().await;
    let (say, said) = tokio::sync::mpsc::channel(1);
    let said = stream::unfold(said, async |mut said| Some((said.recv().await?, said)));
    let mut answers = cell.gateway.caller().talk(said).await.unwrap();
    for turn in 0..100 {
        say.send(turn.to_string()).await.unwrap();
        assert_eq!(answers.message().await.unwrap(), Some(turn.to_string()));
    }
    drop(say);
    assert_eq!(answers.message().await.unwrap(), None);
}

#[tokio::test]
async fn a_service_that_does_not_read_holds_its_caller_back_and_nothing_is_lost() {
    let cell = Cell::start().await;
    let sent = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&sent);
    let chunks = stream::iter(0..MANY).map(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        "x".repeat(CHUNK)
    });
    let mut answers = cell.gateway.caller().talk(stream::iter(["hold".to_owned()]).chain(chunks)).await.unwrap();
    let in_flight = settled(&sent).await;
    assert!(in_flight < IN_FLIGHT, "{in_flight} messages went ahead");

    cell.service.says.release.cancel();
    assert_eq!(answers.message().await.unwrap().as_deref(), Some("hold"));
    let mut echoed = 0;
    while let Some(answer) = answers.message().await.unwrap() {
        assert_eq!(answer.len(), CHUNK);
        echoed += 1;
    }
    assert_eq!((echoed, sent.load(Ordering::Relaxed)), (MANY, MANY));
}

#[tokio::test]
async fn callers_who_do_not_read_hold_their_services_back_and_nobody_else() {
    const SLOW: usize = 10;
    let cell = Cell::start().await;
    let mut slow = Vec::new();
    for _ in 0..SLOW {
        let mut feed = cell.gateway.caller().feed("flood").await.unwrap();
        assert_eq!(feed.message().await.unwrap().unwrap().len(), CHUNK);
        slow.push(feed);
    }
    let handed = settled(&cell.service.says.handed).await;
    assert!(handed < SLOW * IN_FLIGHT, "{handed} messages went ahead");

    let caller = cell.gateway.caller();
    let mut feed = caller.feed("flood").await.unwrap();
    for _ in 0..IN_FLIGHT * 2 {
        assert!(tokio::time::timeout(BOUND, feed.message()).await.unwrap().unwrap().is_some());
    }
    assert_eq!(caller.unary("hello").await.unwrap(), "hello");

    drop((slow, feed));
    let says = &cell.service.says;
    senani_testkit::eventually(BOUND, "the feeds to end at the service", async || says.open_calls() == 0).await;
}

#[tokio::test]
async fn a_feed_whose_time_is_over_ends_with_a_reason() {
    let cell = Cell::start().await;
    let token = format!("Bearer {}", cell.gateway.token);
    let headers = [("content-type", "application/grpc"), ("authorization", token.as_str()), ("grpc-timeout", "200m")];
    let message = bytes::Bytes::from_static(b"\0\0\0\0\x09\x0a\x07endless");
    let answer = cell.gateway.raw(crate::service::FEED, &headers, message).await;
    assert_eq!(Status::from_header_map(&answer.trailers).unwrap().code(), Code::DeadlineExceeded);
    let says = &cell.service.says;
    senani_testkit::eventually(BOUND, "the feed to end at the service", async || says.open_calls() == 0).await;
}
