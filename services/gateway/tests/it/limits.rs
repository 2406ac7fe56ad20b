//! How much, how many.

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use senani_gateway::DOMAIN;
use tonic::{Code, Status};

use crate::{
    cell::{BOUND, Cell},
    service::UNARY,
};

const LIMIT: usize = 10_000;
/// Bytes around a text in a message of this size: a tag and a length of two bytes.
const FRAME: usize = 3;

async fn limited() -> Cell {
    Cell::start_with(|config| config.max_message_bytes = LIMIT).await
}

fn assert_too_large(status: &Status) {
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    assert!(senani_error::is_reason(status, DOMAIN, "MESSAGE_TOO_LARGE"), "{status:?}");
}

#[tokio::test]
async fn a_message_at_the_limit_passes_and_one_byte_more_is_refused() {
    let cell = limited().await;
    let caller = cell.gateway.caller();
    let largest = "x".repeat(LIMIT - FRAME);
    assert_eq!(caller.unary(&largest).await.unwrap(), largest);
    assert_too_large(&caller.unary(&format!("{largest}x")).await.unwrap_err());
    assert_eq!(caller.unary("hello").await.unwrap(), "hello", "others share the connection");
}

#[tokio::test]
async fn a_length_of_four_gigabytes_is_refused_before_its_bytes() {
    let cell = Cell::start().await;
    let token = format!("Bearer {}", cell.gateway.token);
    let headers = [("content-type", "application/grpc"), ("authorization", token.as_str())];
    let answer = cell.gateway.raw(UNARY, &headers, Bytes::from_static(&[0, 255, 255, 255, 255, 1, 2, 3])).await;
    assert_too_large(&answer.status());
}

#[tokio::test]
async fn a_large_message_within_a_stream_is_refused_whoever_sends_it() {
    let cell = limited().await;
    let caller = cell.gateway.caller();
    let large = "x".repeat(LIMIT);
    let endless = stream::iter(["small".to_owned(), large.clone()]).chain(stream::repeat("small".to_owned()));
    assert_too_large(&tokio::time::timeout(BOUND, caller.upload(endless)).await.unwrap().unwrap_err());

    let (say, said) = tokio::sync::mpsc::channel(1);
    let said = stream::unfold(said, async |mut said| Some((said.recv().await?, said)));
    let mut answers = caller.talk(said).await.unwrap();
    say.send("small".to_owned()).await.unwrap();
    assert_eq!(answers.message().await.unwrap().as_deref(), Some("small"));
    say.send(large).await.unwrap();
    assert_too_large(&tokio::time::timeout(BOUND, answers.message()).await.unwrap().unwrap_err());

    let feed = caller.feed(&format!("large {LIMIT}")).await.unwrap();
    assert_too_large(&feed.filter_map(async |message| message.err()).boxed().next().await.unwrap());
    let says = &cell.service.says;
    senani_testkit::eventually(BOUND, "the calls to end at the service", async || says.open_calls() == 0).await;
}

#[tokio::test]
async fn a_large_answer_is_refused() {
    let cell = limited().await;
    assert_too_large(&cell.gateway.caller().unary(&format!("large {LIMIT}")).await.unwrap_err());
}

#[tokio::test]
async fn no_more_streams_are_open_than_allowed_and_the_end_of_one_makes_room() {
    let cell = Cell::start_with(|config| config.max_streams = 2).await;
    let caller = cell.gateway.caller();
    let first = caller.feed("endless").await.unwrap();
    let _second = caller.feed("endless").await.unwrap();
    let status = caller.feed("endless").await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(senani_error::is_reason(&status, DOMAIN, "STREAMS_EXHAUSTED"));
    assert!(senani_error::retry_after_of(&status).is_some());
    assert_eq!(caller.unary("hello").await.unwrap(), "hello");

    drop(first);
    senani_testkit::eventually(BOUND, "room for a stream", async || caller.feed("endless").await.is_ok()).await;
}
