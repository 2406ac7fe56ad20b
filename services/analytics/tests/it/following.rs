//! Following the other services, whatever dies.

use senani_proto::analytics::v1::{Coverage, Reach};
use senani_proto::bulletin::v1::delivery::State;
use senani_proto::hierarchy::v1::UnitKind;
use senani_proto::membership::v1::{GroupAudience, Rank};
use senani_testkit::{engines, eventually};
use uuid::Uuid;

use crate::cell::{Analytics, Cell, DEADLINE};
use crate::structure::{
    Groups, bulletin_changed, order_2018, order_2020, order_issued, reach_changed, tasks_changed, unit_id, units,
};

const BULLETIN: Uuid = Uuid::from_u128(0xB1);

fn bulletin_name() -> String {
    format!("bulletins/{BULLETIN}")
}

/// Tells of the state, a group and a bulletin.
async fn tell(cell: &Cell) -> Groups {
    let mut groups = Groups::default();
    cell.hierarchy.tell(units()).await;
    let group = groups.form(1, "kotwali-ps", GroupAudience::Community, Rank::Unspecified, 120);
    cell.membership.tell(vec![order_issued(order_2018()), order_issued(order_2020()), group]).await;
    let patna = unit_id("patna");
    let told = vec![
        bulletin_changed(BULLETIN, ""),
        bulletin_changed(BULLETIN, "EOU/2026/0001"),
        tasks_changed(BULLETIN, &[(patna, 1, 0)]),
        reach_changed(BULLETIN, &[(patna, State::Queued, "", 120)]),
    ];
    cell.bulletin.tell(told).await;
    groups
}

/// Sets what a snapshot answers to what was told.
fn stand(cell: &Cell, groups: &Groups, read: i64) {
    cell.hierarchy.stand_at(units());
    cell.membership.stand_at(groups.present(&[order_2018(), order_2020()]));
    let patna = unit_id("patna");
    cell.bulletin.stand_at(vec![
        bulletin_changed(BULLETIN, "EOU/2026/0001"),
        reach_changed(BULLETIN, &[(patna, State::Queued, "", 120 - read), (patna, State::Read, "", read)]),
        tasks_changed(BULLETIN, &[(patna, 1, 0)]),
    ]);
}

/// What is answered, without the time.
async fn answers(analytics: &Analytics) -> (Coverage, Reach) {
    let coverage = analytics.coverage("units/bihar", UnitKind::District).await.unwrap();
    let reach = analytics.reach(&bulletin_name()).await.unwrap();
    (Coverage { as_of_time: None, ..coverage }, Reach { as_of_time: None, ..reach })
}

#[tokio::test]
async fn a_restart_while_all_others_are_down_answers_as_before() {
    for engine in engines() {
        let mut cell = Cell::start(engine).await;
        tell(&cell).await;
        let analytics = cell.analytics().await;
        analytics.hear_all(&cell).await;
        analytics.state_figures(|figures| figures.enrolled_members == 120 && figures.expected_groups == 12).await;
        let before = answers(&analytics).await;
        eventually(DEADLINE, "the time of the figures", async || {
            let coverage = analytics.coverage("units/bihar", UnitKind::District).await.unwrap();
            coverage.as_of_time.is_some() && analytics.reach(&bulletin_name()).await.unwrap().as_of_time.is_some()
        })
        .await;
        analytics.stop().await;
        cell.all_go_down().await;

        let analytics = cell.analytics().await;
        // At once: the first answer is the right one.
        assert_eq!(answers(&analytics).await, before, "{engine}");
        let coverage = analytics.coverage("units/bihar", UnitKind::District).await.unwrap();
        assert!(coverage.as_of_time.is_some(), "{engine}");
        assert!(analytics.reach(&bulletin_name()).await.unwrap().as_of_time.is_some(), "{engine}");
        analytics.stop().await;
    }
}

#[tokio::test]
async fn a_snapshot_after_the_cursor_expired_gives_the_same_as_following() {
    for engine in engines() {
        let cell = Cell::start(engine).await;
        let mut groups = tell(&cell).await;
        let (following, late) = (cell.analytics_on("following").await, cell.analytics_on("late").await);
        following.hear_all(&cell).await;
        late.hear_all(&cell).await;
        late.stop().await;

        let patna = unit_id("patna");
        let fresh = groups.form(2, "rajgir-ps", GroupAudience::Community, Rank::Unspecified, 10);
        cell.membership.tell(vec![groups.resize(&[(1, 130)]), fresh, groups.resize(&[(2, 220)])]).await;
        let lines = [(patna, State::Queued, "", 20), (patna, State::Read, "", 100)];
        cell.bulletin.tell(vec![reach_changed(BULLETIN, &lines)]).await;
        cell.hierarchy.tell(units()).await;
        following.hear_all(&cell).await;
        following.state_figures(|figures| figures.enrolled_members == 350).await;
        let expected = answers(&following).await;

        stand(&cell, &groups, 100);
        cell.hierarchy.prune().await;
        cell.membership.prune().await;
        cell.bulletin.prune().await;
        // One has fallen behind, one has never heard anything.
        for analytics in [cell.analytics_on("late").await, cell.analytics_on("new").await] {
            analytics.hear_all(&cell).await;
            analytics.state_figures(|figures| figures.enrolled_members == 350).await;
            eventually(DEADLINE, "the answers of who followed", async || {
                analytics.reach(&bulletin_name()).await.is_ok() && answers(&analytics).await == expected
            })
            .await;
            analytics.stop().await;
        }
        // After the snapshot it follows as ever.
        let analytics = cell.analytics_on("new").await;
        cell.membership.tell(vec![groups.resize(&[(2, 221)])]).await;
        analytics.state_figures(|figures| figures.enrolled_members == 351).await;
        analytics.stop().await;
        following.stop().await;
    }
}

#[tokio::test]
async fn a_consumer_killed_between_events_applies_each_once() {
    const GROUPS: u128 = 20;
    const ROUNDS: i32 = 60;
    for engine in engines() {
        let cell = Cell::start(engine).await;
        cell.hierarchy.tell(units()).await;
        let mut groups = Groups::default();
        let formed = (0..GROUPS)
            .map(|number| groups.form(number, "silao-ps", GroupAudience::Community, Rank::Unspecified, 0))
            .collect();
        cell.membership.tell(formed).await;
        cell.membership.tell(vec![order_issued(order_2018())]).await;

        let telling = async {
            for round in 1..=ROUNDS {
                let sizes: Vec<_> = (0..GROUPS).map(|number| (number, round + number as i32)).collect();
                for chunk in sizes.chunks(7) {
                    cell.membership.tell(vec![groups.resize(chunk)]).await;
                }
            }
        };
        let dying = async {
            for life in 1..=6 {
                let analytics = cell.analytics().await;
                let lived = i64::from(life) * 150;
                analytics.state_figures(|figures| figures.enrolled_members >= lived).await;
                analytics.kill().await;
            }
        };
        tokio::join!(telling, dying);

        let analytics = cell.analytics().await;
        analytics.hear_all(&cell).await;
        let sizes: i64 = (0..GROUPS).map(|number| i64::from(ROUNDS) + number as i64).sum();
        let figures = analytics.state_figures(|figures| figures.enrolled_members == sizes).await;
        assert_eq!((figures.expected_groups, figures.sufficient_groups, figures.missing_members), (6, 1, 700));
        assert_eq!(analytics.cursor("membership").await, cell.membership.head().await, "{engine}");
        analytics.stop().await;
    }
}

#[tokio::test]
async fn two_replicas_on_one_database_both_answer_right() {
    for engine in engines() {
        let cell = Cell::start(engine).await;
        let mut groups = tell(&cell).await;
        let replicas = [cell.analytics().await, cell.analytics().await];
        for size in 121..=180 {
            cell.membership.tell(vec![groups.resize(&[(1, size)])]).await;
        }
        for replica in &replicas {
            replica.hear_all(&cell).await;
            replica.state_figures(|figures| figures.enrolled_members == 180 && figures.expected_groups == 12).await;
            assert_eq!(replica.reach(&bulletin_name()).await.unwrap().figures.unwrap().persons, 120, "{engine}");
        }
        for replica in replicas {
            replica.stop().await;
        }
    }
}
