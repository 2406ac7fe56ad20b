use std::time::Duration;

use senani_testkit::eventually;

#[tokio::test]
async fn it_gives_back_what_the_look_found() {
    let mut looks = 0;
    let found = eventually(Duration::from_secs(5), "the third look", async || {
        looks += 1;
        (looks == 3).then_some("third")
    })
    .await;
    assert_eq!((found, looks), ("third", 3));
}

#[tokio::test]
#[should_panic(expected = "waited 30ms for the coverage to be complete")]
async fn it_says_what_it_waited_for_in_vain() {
    eventually(Duration::from_millis(30), "the coverage to be complete", || async { false }).await;
}

#[tokio::test]
#[should_panic(expected = "for an answer: the last look did not end")]
async fn a_look_that_hangs_does_not_outlast_the_deadline() {
    eventually(Duration::from_millis(30), "an answer", async || std::future::pending::<bool>().await).await;
}
