//! Reach: how far a bulletin got.

use std::collections::BTreeMap;

use senani_proto::analytics::v1::{Reach, ReachFigures};
use senani_proto::bulletin::v1::delivery::State;
use senani_testkit::{engines, eventually};
use uuid::Uuid;

use crate::cell::{Analytics, Cell, DEADLINE};
use crate::structure::{bulletin_changed, reach_changed, tasks_changed, unit_id, units};

const BULLETIN: Uuid = Uuid::from_u128(0xB1);
const OTHER: Uuid = Uuid::from_u128(0xB2);

async fn reach_of(analytics: &Analytics, bulletin: Uuid, holds: impl Fn(&Reach) -> bool) -> Reach {
    eventually(DEADLINE, "the reach", async || {
        analytics.reach(&format!("bulletins/{bulletin}")).await.ok().filter(&holds)
    })
    .await
}

fn persons(reach: &Reach) -> i64 {
    reach.figures.as_ref().unwrap().persons
}

#[tokio::test]
async fn reach_adds_up_by_state_and_by_district() {
    for engine in engines() {
        let cell = Cell::start(engine).await;
        cell.hierarchy.tell(units()).await;
        let (patna, nalanda, eou) = (unit_id("patna"), unit_id("nalanda"), unit_id("eou-gaya"));
        let told = vec![
            bulletin_changed(BULLETIN, ""),
            bulletin_changed(OTHER, "EOU/2026/0002"),
            tasks_changed(BULLETIN, &[(patna, 4, 1), (nalanda, 0, 2)]),
            tasks_changed(OTHER, &[(patna, 9, 9)]),
            reach_changed(
                BULLETIN,
                &[(patna, State::Queued, "", 100), (nalanda, State::Queued, "", 30), (eou, State::Queued, "", 5)],
            ),
            reach_changed(OTHER, &[(patna, State::Read, "", 77)]),
            bulletin_changed(BULLETIN, "EOU/2026/0001"),
        ];
        cell.bulletin.tell(told).await;
        let analytics = cell.analytics().await;
        let first = reach_of(&analytics, BULLETIN, |reach| persons(reach) == 135 && reach.parts.len() == 3).await;
        assert_eq!(first.number, "EOU/2026/0001");

        let moved = vec![
            reach_changed(BULLETIN, &[(patna, State::Queued, "", 60), (patna, State::Sending, "", 40)]),
            reach_changed(
                BULLETIN,
                &[
                    (patna, State::Queued, "", 0),
                    (patna, State::Sending, "", 3),
                    (patna, State::Unknown, "", 2),
                    (patna, State::Accepted, "", 5),
                    (patna, State::Sent, "", 10),
                    (patna, State::Delivered, "", 30),
                    (patna, State::Read, "", 40),
                    (patna, State::Failed, "131026", 7),
                    (patna, State::Failed, "MEMBER_GONE", 3),
                    (nalanda, State::Queued, "", 29),
                    (nalanda, State::Failed, "131026", 1),
                ],
            ),
        ];
        cell.bulletin.tell(moved).await;
        let reach = reach_of(&analytics, BULLETIN, |reach| reach.figures.as_ref().unwrap().read == 40).await;
        let in_patna = ReachFigures {
            tasks: 5,
            orphaned_tasks: 1,
            persons: 100,
            pending: 5,
            accepted: 15,
            delivered: 70,
            read: 40,
            failed: 10,
            failed_by_reason: BTreeMap::from([("131026".to_owned(), 7), ("MEMBER_GONE".to_owned(), 3)]),
        };
        let parts: Vec<_> = reach.parts.iter().map(|part| part.unit.as_str()).collect();
        assert_eq!(parts, ["units/patna", "units/nalanda", "units/eou-gaya"], "{engine}");
        assert_eq!(reach.parts[0].figures.as_ref().unwrap(), &in_patna, "{engine}");
        assert_eq!(reach.parts[0].display_names["en"], "patna");
        let all = reach.figures.as_ref().unwrap();
        assert_eq!((all.tasks, all.orphaned_tasks, all.persons), (7, 3, 135));
        assert_eq!(all.pending + all.accepted + all.delivered + all.failed, all.persons);
        assert_eq!(all.failed_by_reason["131026"], 8);
        let sum = |field: fn(&ReachFigures) -> i64| {
            reach.parts.iter().map(|part| field(part.figures.as_ref().unwrap())).sum::<i64>()
        };
        assert_eq!((sum(|part| part.persons), sum(|part| part.tasks)), (all.persons, all.tasks));
        assert_eq!((sum(|part| part.read), sum(|part| part.failed)), (all.read, all.failed));
        analytics.stop().await;
    }
}

#[tokio::test]
async fn what_stands_at_a_unit_not_heard_of_yet_is_shown_at_the_root() {
    for engine in engines() {
        let cell = Cell::start(engine).await;
        cell.hierarchy.tell(units()).await;
        let unheard = Uuid::from_u128(0xFFFF);
        let told = vec![
            bulletin_changed(BULLETIN, "EOU/2026/0001"),
            reach_changed(BULLETIN, &[(unheard, State::Delivered, "", 3), (unit_id("patna"), State::Read, "", 4)]),
        ];
        cell.bulletin.tell(told).await;
        let analytics = cell.analytics().await;
        let reach = reach_of(&analytics, BULLETIN, |reach| reach.parts.len() == 2).await;
        assert_eq!((reach.parts[0].unit.as_str(), persons(&reach)), ("units/bihar", 7), "{engine}");
        analytics.stop().await;
    }
}
