//! What other services hear.

use std::collections::BTreeMap;

use senani_proto::eventlog::v1::event::Payload;
use senani_proto::eventlog::v1::event_log_service_client::EventLogServiceClient;
use senani_proto::eventlog::v1::{Event, SnapshotRequest, SubscribeRequest};
use senani_proto::membership::v1::membership_event::Kind;
use senani_proto::membership::v1::{Group, Order};
use senani_testkit::engines;

use crate::fixture::{HEADER, Membership, file, police};

/// What a consumer knows.
#[derive(Debug, Default, PartialEq)]
struct Known {
    orders: BTreeMap<String, Order>,
    groups: BTreeMap<Vec<u8>, Group>,
}

impl Known {
    fn hear(&mut self, events: &[Event]) {
        for event in events {
            let Some(Payload::Membership(event)) = &event.payload else { panic!("an event of membership") };
            match event.kind.clone().expect("a kind") {
                Kind::OrderIssued(issued) => {
                    let order = issued.order.expect("an order");
                    self.orders.insert(order.name.clone(), order);
                }
                Kind::GroupChanged(changed) => {
                    let group = changed.group.expect("a group");
                    let uid = group.uid.parse::<uuid::Uuid>().expect("an id").as_bytes().to_vec();
                    self.groups.insert(uid, group);
                }
                Kind::GroupSizesChanged(changed) => {
                    assert!(changed.sizes.len() <= 2_000);
                    for size in changed.sizes {
                        let group = self.groups.get_mut(size.group_uid.as_ref()).expect("a group that was told before");
                        group.enrolled_count = size.enrolled_count;
                    }
                }
                _ => {}
            }
        }
    }
}

#[tokio::test]
async fn the_events_and_the_snapshot_tell_the_same_and_it_is_what_the_register_holds() {
    for engine in engines() {
        let mut membership = Membership::with_groups(engine).await;
        let custodian = police(9_000, "kotwali-ps", "sub_inspector", "male", "custodian");
        membership.import(HEADER.to_owned() + &custodian).await.expect("imports");
        membership.import(file(0..4_096, &["kotwali-ps", "gaya-ps", "gandhi-maidan-ps"])).await.expect("imports");
        let head = membership.number("SELECT position FROM event_head").await;

        let mut log = EventLogServiceClient::new(membership.officer.clone());
        let mut stream = log.subscribe(SubscribeRequest::default()).await.expect("subscribes").into_inner();
        let mut followed = Known::default();
        let mut position = 0;
        while position < head {
            let response = stream.message().await.expect("goes on").expect("goes on");
            followed.hear(&response.events);
            position = response.events.last().map_or(position, |event| event.position);
        }
        let mut stream = log.snapshot(SnapshotRequest {}).await.expect("a snapshot").into_inner();
        let mut snapshot = Known::default();
        while let Some(response) = stream.message().await.expect("goes on") {
            snapshot.hear(&response.events);
        }

        let without_etags = |known: &mut Known| {
            // The size events carry no etag: it is for those who change a group, not for those who count.
            for group in known.groups.values_mut() {
                group.etag.clear();
            }
        };
        without_etags(&mut followed);
        without_etags(&mut snapshot);
        assert_eq!(followed, snapshot);
        // Eight that were formed, and the second parts of the three that were full.
        assert_eq!((followed.orders.len(), followed.groups.len()), (1, 8 + 3));
        for group in membership.all_groups().await {
            let uid = group.uid.parse::<uuid::Uuid>().expect("an id").as_bytes().to_vec();
            assert_eq!(followed.groups[&uid], Group { etag: String::new(), ..group });
        }
    }
}
