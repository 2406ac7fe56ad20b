//! Repeated requests.

use senani_store::Store;
use senani_store::request_log::{self, Claim, RequestKey};
use senani_testkit::engines;
use uuid::Uuid;

use crate::fixture::store;

async fn work(store: &Store, request_id: Uuid, fingerprint: &[u8]) -> &'static str {
    let key = RequestKey { subject: "officers/a", method: "Thing/Do", request_id };
    let txn = store.begin_write().await.expect("begins");
    match request_log::claim(&txn, key, fingerprint).await.expect("claims") {
        Claim::New => {
            request_log::record(&txn, key, b"done".to_vec()).await.expect("records");
            txn.commit().await.expect("commits");
            "new"
        }
        Claim::Done(response) => {
            assert_eq!(response, b"done");
            "done"
        }
        Claim::Reused => "reused",
    }
}

#[tokio::test]
async fn of_two_equal_requests_at_once_one_does_the_work_and_both_hear_of_it() {
    for engine in engines() {
        let (_database, store) = store(engine).await;
        let id = Uuid::now_v7();
        let mut answers: Vec<&str> = futures::future::join_all((0..4).map(|_| work(&store, id, b"same"))).await;
        answers.sort_unstable();
        assert_eq!(answers, ["done", "done", "done", "new"], "{engine}");
        assert_eq!(work(&store, id, b"other").await, "reused", "{engine}");
        assert_eq!(work(&store, Uuid::now_v7(), b"same").await, "new", "{engine}");
    }
}
