//! Coverage: expected against actual.

use senani_proto::analytics::v1::{Coverage, CoverageFigures};
use senani_proto::hierarchy::v1::UnitKind;
use senani_proto::membership::v1::{GroupAudience, Rank};
use senani_store::{Rows, Store};
use senani_testkit::{engines, eventually};

use crate::cell::{Analytics, Cell, DEADLINE};
use crate::structure::{DEMANDS, Groups, UNITS, order_2018, order_2020, order_issued, unit_id, units};

/// Tells of the state, of both orders and of some groups: enough, short, missing, optional, closed, split.
async fn tell_of_the_state(cell: &Cell) -> Groups {
    let mut groups = Groups::default();
    let (community, none) = (GroupAudience::Community, Rank::Unspecified);
    cell.hierarchy.tell(units()).await;
    cell.membership.tell(vec![order_issued(order_2018()), order_issued(order_2020())]).await;
    let mut formed = vec![
        groups.form(1, "kotwali-ps", community, none, 250),
        groups.form(2, "gandhi-maidan-ps", community, none, 150),
        groups.form(3, "pirbahore-op", community, none, 0),
        groups.form(4, "patna-sadar", community, none, 200),
        groups.form(5, "patna-lines", GroupAudience::PoliceRank, Rank::Constable, 300),
        groups.form(6, "patna-lines", GroupAudience::PoliceRank, Rank::Inspector, 40),
        groups.form(7, "rajgir-ps", community, none, 120),
        groups.form(8, "rajgir-ps", community, none, 90),
        groups.form(9, "economic-offences", GroupAudience::Apex, none, 19),
        groups.form(10, "eou-gaya", GroupAudience::Regional, none, 5),
        groups.form(11, "silao-ps", community, none, 500),
    ];
    formed.push(groups.close(11));
    cell.membership.tell(formed).await;
    groups
}

/// Recounts the units with these slugs over the tables.
async fn recount(store: &Store, slugs: &[&str]) -> CoverageFigures {
    let counted = UNITS.iter().filter(|(slug, ..)| slugs.contains(slug));
    let demands: Vec<String> = DEMANDS
        .iter()
        .map(|(kind, audience, rank, min)| format!("({}, {}, {}, {min})", *kind as i32, *audience as i32, *rank as i32))
        .collect();
    let sql = format!(
        ", demand (kind, audience, rank, minimum) AS (VALUES {}), \
         held AS (SELECT unit_id, audience, rank, SUM(enrolled_count) AS enrolled FROM group_replica \
                  WHERE active GROUP BY unit_id, audience, rank) \
         SELECT CAST(COUNT(demand.kind) AS bigint), \
                CAST(COUNT(held.unit_id) AS bigint), \
                CAST(COALESCE(SUM(CASE WHEN held.enrolled >= demand.minimum THEN 1 ELSE 0 END), 0) AS bigint), \
                CAST(COALESCE(SUM(CASE WHEN held.enrolled < demand.minimum THEN 1 ELSE 0 END), 0) AS bigint), \
                CAST(COALESCE(SUM(demand.minimum), 0) AS bigint), \
                CAST((SELECT COALESCE(SUM(enrolled_count), 0) FROM group_replica \
                      WHERE active AND unit_id IN (SELECT id FROM v)) AS bigint), \
                CAST(COALESCE(SUM(CASE WHEN COALESCE(held.enrolled, 0) < demand.minimum \
                                  THEN demand.minimum - COALESCE(held.enrolled, 0) ELSE 0 END), 0) AS bigint) \
         FROM v JOIN demand ON demand.kind = v.kind \
         LEFT JOIN held ON held.unit_id = v.id AND held.audience = demand.audience AND held.rank = demand.rank",
        demands.join(", ")
    );
    let rows = Rows::new()
        .uuid("id", counted.clone().map(|(slug, ..)| unit_id(slug)))
        .int("kind", counted.map(|(_, _, kind)| *kind as i32))
        .query(store.reader(), &sql, &[])
        .await
        .unwrap();
    let column = |index: usize| rows[0].try_get_by_index::<i64>(index).unwrap();
    CoverageFigures {
        expected_groups: column(0),
        formed_groups: column(1),
        sufficient_groups: column(2),
        short_groups: column(3),
        expected_members: column(4),
        enrolled_members: column(5),
        missing_members: column(6),
    }
}

/// A unit and everything under it.
fn under(top: &str) -> Vec<&'static str> {
    let mut found: Vec<&'static str> = Vec::new();
    for (slug, parent, _) in UNITS {
        if slug == top || found.contains(&parent) {
            found.push(slug);
        }
    }
    found
}

fn sum(coverage: &Coverage) -> CoverageFigures {
    coverage.parts.iter().map(|part| part.figures.unwrap()).fold(coverage.rest.unwrap(), |sum, part| CoverageFigures {
        expected_groups: sum.expected_groups + part.expected_groups,
        formed_groups: sum.formed_groups + part.formed_groups,
        sufficient_groups: sum.sufficient_groups + part.sufficient_groups,
        short_groups: sum.short_groups + part.short_groups,
        expected_members: sum.expected_members + part.expected_members,
        enrolled_members: sum.enrolled_members + part.enrolled_members,
        missing_members: sum.missing_members + part.missing_members,
    })
}

async fn settled(analytics: &Analytics, enrolled: i64) {
    analytics.state_figures(|figures| figures.expected_groups > 0 && figures.enrolled_members == enrolled).await;
}

#[tokio::test]
async fn coverage_adds_up_and_equals_a_recount_by_sql() {
    for engine in engines() {
        let cell = Cell::start(engine).await;
        tell_of_the_state(&cell).await;
        let analytics = cell.analytics().await;
        analytics.hear_all(&cell).await;
        settled(&analytics, 1_174).await;
        let store = analytics.store().await;
        for (slug, ..) in UNITS {
            for kind in [UnitKind::Unspecified, UnitKind::District, UnitKind::Station] {
                let coverage = analytics.coverage(&format!("units/{slug}"), kind).await.unwrap();
                assert_eq!(coverage.figures.unwrap(), recount(&store, &under(slug)).await, "{engine} {slug}");
                assert_eq!(sum(&coverage), coverage.figures.unwrap(), "{engine} {slug} by {kind:?}");
                for part in &coverage.parts {
                    let part_slug = part.unit.strip_prefix("units/").unwrap();
                    assert_eq!(part.figures.unwrap(), recount(&store, &under(part_slug)).await, "{engine} {part_slug}");
                }
            }
        }

        let state = analytics.coverage("units/bihar", UnitKind::District).await.unwrap();
        let names: Vec<_> = state.parts.iter().map(|part| part.unit.as_str()).collect();
        assert_eq!(names, ["units/patna", "units/nalanda"]);
        assert_eq!(state.parts[0].display_names["hi"], "इकाई patna");
        assert!(state.as_of_time.is_some());
        let patna = CoverageFigures {
            expected_groups: 6,
            formed_groups: 5,
            sufficient_groups: 3,
            short_groups: 2,
            expected_members: 200 + 200 + 100 + 200 + 200 + 200,
            enrolled_members: 250 + 150 + 200 + 300 + 40,
            missing_members: 50 + 100 + 200,
        };
        assert_eq!(state.parts[0].figures, Some(patna));
        // The split group at Rajgir is enough with both halves; the closed one at Silao is none.
        let rajgir = analytics.coverage("units/rajgir-ps", UnitKind::Unspecified).await.unwrap().figures.unwrap();
        assert_eq!((rajgir.sufficient_groups, rajgir.missing_members), (1, 0));
        let silao = analytics.coverage("units/silao-ps", UnitKind::Unspecified).await.unwrap().figures.unwrap();
        assert_eq!((silao.formed_groups, silao.enrolled_members, silao.missing_members), (0, 0, 200));
        analytics.stop().await;
    }
}

#[tokio::test]
async fn the_order_of_2020_supersedes_that_of_2018_for_what_it_covers() {
    for engine in engines() {
        let cell = Cell::start(engine).await;
        let analytics = cell.analytics().await;
        cell.hierarchy.tell(units()).await;
        cell.membership.tell(vec![order_issued(order_2018())]).await;
        // 4 stations of 100, 2 subdivisions of 200.
        analytics.state_figures(|figures| (figures.expected_groups, figures.expected_members) == (6, 800)).await;
        cell.membership.tell(vec![order_issued(order_2020())]).await;
        // 4 stations of 200, 2 subdivisions of 200, an outpost of 100, 2 × 2 ranks of 200, a wing of 20.
        analytics.state_figures(|figures| (figures.expected_groups, figures.expected_members) == (12, 2_120)).await;
        analytics.stop().await;
    }
}

#[tokio::test]
async fn sizes_are_counted_as_they_change() {
    for engine in engines() {
        let cell = Cell::start(engine).await;
        let mut groups = tell_of_the_state(&cell).await;
        let analytics = cell.analytics().await;
        settled(&analytics, 1_174).await;
        let before = analytics.coverage("units/bihar", UnitKind::District).await.unwrap().as_of_time.unwrap();
        let missing = |figures: &CoverageFigures| figures.missing_members;
        let short = missing(&analytics.coverage("units/bihar", UnitKind::District).await.unwrap().figures.unwrap());
        cell.membership.tell(vec![groups.resize(&[(2, 199), (3, 10)]), groups.resize(&[(2, 200)])]).await;
        settled(&analytics, 1_174 + 50 + 10).await;
        let after = analytics.coverage("units/bihar", UnitKind::District).await.unwrap();
        assert_eq!(missing(&after.figures.unwrap()), short - 50 - 10);
        eventually(DEADLINE, "the figures to be fresher", async || {
            let as_of = analytics.coverage("units/bihar", UnitKind::District).await.unwrap().as_of_time.unwrap();
            (as_of.seconds, as_of.nanos) > (before.seconds, before.nanos)
        })
        .await;
        analytics.stop().await;
    }
}
