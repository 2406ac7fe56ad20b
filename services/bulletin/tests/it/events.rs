//! What the service tells others: whoever follows knows what the ledger knows.

use std::collections::BTreeMap;

use senani_proto::bulletin::v1 as pb;
use senani_proto::bulletin::v1::bulletin_event::Kind;
use senani_proto::eventlog::v1::event::Payload;
use senani_proto::eventlog::v1::event_log_service_client::EventLogServiceClient;
use senani_proto::eventlog::v1::{Event, SnapshotRequest, SubscribeRequest};
use senani_testkit::engines;

use crate::cell::{Cell, DEADLINE};
use crate::recount::number;

/// What a consumer keeps: absolute values, the last one wins.
#[derive(Debug, Default, PartialEq, Eq)]
struct Known {
    bulletins: BTreeMap<String, (i32, String)>,
    reach: BTreeMap<(Vec<u8>, Vec<u8>, i32, String), i64>,
    tasks: BTreeMap<(Vec<u8>, Vec<u8>), (i64, i64)>,
}

impl Known {
    fn apply(&mut self, event: &Event) {
        let Some(Payload::Bulletin(pb::BulletinEvent { kind: Some(kind) })) = &event.payload else {
            panic!("an event of another service");
        };
        match kind {
            Kind::BulletinChanged(changed) => {
                let bulletin = changed.bulletin.as_ref().expect("a bulletin");
                assert!(bulletin.headlines.is_empty() && bulletin.texts.is_empty(), "events carry no text");
                self.bulletins.insert(bulletin.name.clone(), (bulletin.state, bulletin.number.clone()));
            }
            Kind::ReachChanged(changed) => {
                for line in &changed.lines {
                    let key = (changed.bulletin_uid.to_vec(), line.unit_uid.to_vec(), line.state, line.reason.clone());
                    self.reach.insert(key, line.count);
                }
            }
            Kind::TasksChanged(changed) => {
                for line in &changed.lines {
                    let key = (changed.bulletin_uid.to_vec(), line.unit_uid.to_vec());
                    self.tasks.insert(key, (line.open_count, line.orphaned_count));
                }
            }
            Kind::ReportChanged(_) => panic!("nobody has reported anything"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_tells_what_the_ledger_holds_and_so_does_a_snapshot() {
    for engine in engines() {
        let cell = Cell::start(engine, 300).await;
        let bulletin = cell.approved().await;
        cell.publish(&bulletin.name, "bihar").await;
        let settled = cell.settled(&bulletin.name).await;
        let head = number(&cell.store(), "SELECT position FROM event_head").await;

        let mut log = EventLogServiceClient::new(cell.channel(Some("services/analytics")));
        let mut followed = Known::default();
        let mut position = 0;
        let mut feed = log.subscribe(SubscribeRequest::default()).await.unwrap().into_inner();
        while position < head {
            let message = tokio::time::timeout(DEADLINE, feed.message()).await.expect("in time").unwrap();
            for event in message.expect("a message").events {
                position += 1;
                assert_eq!(event.position, position);
                followed.apply(&event);
            }
        }
        let of = |states: &[pb::delivery::State]| -> i64 {
            let wanted = |state: &i32| states.iter().any(|one| *one as i32 == *state);
            followed.reach.iter().filter(|((_, _, state, _), _)| wanted(state)).map(|(_, count)| count).sum()
        };
        use pb::delivery::State;
        assert_eq!(of(&[State::Read]), settled.read_count);
        assert_eq!(of(&[State::Delivered]), settled.delivered_count);
        assert_eq!(of(&[State::Failed]), settled.failed_count);
        assert_eq!(of(&[State::Queued, State::Sending, State::Unknown, State::Accepted, State::Sent]), 0);
        let (open, orphaned) = followed.tasks.values().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        assert_eq!((open, orphaned), (4, 2));
        assert_eq!(followed.bulletins[&bulletin.name], (pb::bulletin::State::Published.into(), bulletin.number));

        let mut snapshot = Known::default();
        let mut stream = log.snapshot(SnapshotRequest {}).await.unwrap().into_inner();
        while let Some(message) = stream.message().await.unwrap() {
            message.events.iter().for_each(|event| snapshot.apply(event));
        }
        assert_eq!(snapshot, followed);
    }
}
