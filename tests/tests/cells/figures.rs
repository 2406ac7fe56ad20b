//! What the services count equals what hand-written SQL counts in their tables.

use std::collections::BTreeMap;

use bytes::Bytes;
use senani_proto::analytics::v1::{CoverageFigures, ReachFigures};
use senani_proto::bulletin::v1::delivery::State;
use senani_testkit::engines;
use senani_tests::material::{self, RANGE, STATE};
use senani_tests::recount::{self, Tally, get, number, rows};
use senani_tests::{Cell, Service, provider};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn coverage_reach_and_tallies_equal_a_recount_of_the_tables() {
    for engine in engines() {
        let cell = Cell::start(engine).await;
        let desk = cell.desk();
        desk.found().await;
        let file = Bytes::from(material::members(3_000, 7));
        let import = desk.import_members(Uuid::now_v7(), &file).await;
        assert_eq!(import.row_count, material::row_count(&file), "{engine}");
        assert_eq!(import.row_count, import.accepted_count + import.rejected_count, "{engine}");
        assert!(import.accepted_count > 2_800 && import.rejected_count > 0, "{engine}: {import:?}");

        registers_agree(&cell, &import).await;
        coverage_agrees(&cell, import.enrolment_count).await;

        let bulletin = desk.approved_bulletin("सावधान").await;
        let first = desk.publish(&bulletin, RANGE).await.expect("it is approved");
        let second = desk.publish(&bulletin, STATE).await.expect("it is approved");
        assert_ne!(first.name, second.name);
        assert_eq!(desk.publish(&bulletin, STATE).await.expect("it is answered again").name, second.name);
        let progress = cell.settled(&bulletin).await;
        let reach = desk.reached(&bulletin, &progress).await;
        ledger_agrees(&cell, &reach.figures.unwrap_or_default(), &reach.parts).await;

        let testimony = provider::testimony(cell.provider()).await.expect("the provider is up");
        assert_eq!(u64::try_from(progress.delivery_count), Ok(testimony.sends.total), "{engine}");
        assert_eq!((testimony.sends.total, testimony.sends.repeated), (testimony.sends.unique, 0), "{engine}");
    }
}

async fn registers_agree(cell: &Cell, import: &senani_proto::membership::v1::MemberImport) {
    let membership = cell.database(Service::Membership).await;
    for (sql, said) in [
        ("SELECT count(*) FROM member", import.accepted_count),
        ("SELECT count(*) FROM rejected_row", import.rejected_count),
        ("SELECT count(*) FROM enrolment WHERE ended_at = 0", import.enrolment_count),
        // Whoever does not consent has no entry in the ledger of consents.
        (
            "SELECT count(*) FROM member m WHERE m.consents <> \
             (SELECT count(*) = 1 FROM member_consent c WHERE c.member_id = m.id AND c.consents)",
            0,
        ),
        ("SELECT count(*) FROM (SELECT DISTINCT value_index FROM member_identifier) AS phones", import.accepted_count),
        ("SELECT count(*) FROM member_key", import.accepted_count),
        (
            "SELECT count(*) FROM member_group g WHERE g.enrolled_count <> \
             (SELECT count(*) FROM enrolment e WHERE e.group_id = g.id AND e.ended_at = 0)",
            0,
        ),
    ] {
        assert_eq!(number(&membership, sql).await, said, "{sql}");
    }
    let by_reason: i64 = import.rejected_by_reason.values().sum();
    assert_eq!(by_reason, import.rejected_count);
}

async fn coverage_agrees(cell: &Cell, enrolments: i64) {
    let counted = recount::coverage(cell).await;
    let units = recount::units(cell).await;
    let desk = cell.desk();
    let coverage = desk.covered(enrolments).await;
    let by_name: BTreeMap<&str, CoverageFigures> =
        coverage.parts.iter().map(|part| (part.unit.as_str(), part.figures.unwrap_or_default())).collect();
    assert_eq!(by_name.len(), 40);
    let mut sum = CoverageFigures::default();
    for (district, figures) in &counted {
        let said = match district {
            Some(district) => by_name[units[district].name.as_str()],
            None => coverage.rest.unwrap_or_default(),
        };
        assert_eq!(said, *figures, "{district:?}");
        sum.expected_groups += figures.expected_groups;
        sum.formed_groups += figures.formed_groups;
        sum.sufficient_groups += figures.sufficient_groups;
        sum.short_groups += figures.short_groups;
        sum.expected_members += figures.expected_members;
        sum.enrolled_members += figures.enrolled_members;
        sum.missing_members += figures.missing_members;
    }
    assert_eq!(coverage.figures, Some(sum));
    assert!(sum.short_groups > 0 && sum.sufficient_groups > 0 && sum.formed_groups == sum.expected_groups, "{sum:?}");
}

async fn ledger_agrees(cell: &Cell, figures: &ReachFigures, parts: &[senani_proto::analytics::v1::ReachPart]) {
    let bulletin = cell.database(Service::Bulletin).await;
    let analytics = cell.database(Service::Analytics).await;
    let ledger = recount::ledger(&bulletin).await;
    let kept = "SELECT unit_id, state, reason, delivery_count FROM delivery_tally";
    assert_eq!(recount::tally(&bulletin, kept).await, ledger);
    let projected = "SELECT unit_id, state, reason, delivery_count FROM reach_line";
    assert_eq!(recount::tally(&analytics, projected).await, ledger);

    let (tasks, orphaned) =
        (number(&bulletin, "SELECT count(*) FROM task").await, "SELECT count(*) FROM task WHERE state = 2");
    assert_eq!((figures.tasks, figures.orphaned_tasks), (tasks, number(&bulletin, orphaned).await));
    let differing = "SELECT count(*) FROM task_tally t WHERE \
         t.open_count <> (SELECT count(*) FROM task k WHERE k.bulletin_id = t.bulletin_id AND k.district_id = t.unit_id AND k.state = 1) OR \
         t.orphaned_count <> (SELECT count(*) FROM task k WHERE k.bulletin_id = t.bulletin_id AND k.district_id = t.unit_id AND k.state = 2)";
    assert_eq!(number(&bulletin, differing).await, 0);

    assert_eq!(
        *figures,
        ReachFigures { tasks: figures.tasks, orphaned_tasks: figures.orphaned_tasks, ..reach(&ledger, None) }
    );
    let units = recount::units(cell).await;
    let mut persons = 0;
    for part in parts {
        let id = units.iter().find(|(_, unit)| unit.name == part.unit).map(|(id, _)| *id).expect("a part is a unit");
        let said = part.figures.clone().unwrap_or_default();
        let counted = reach(&ledger, Some(id));
        assert_eq!(
            said,
            ReachFigures { tasks: said.tasks, orphaned_tasks: said.orphaned_tasks, ..counted },
            "{}",
            part.unit
        );
        persons += said.persons;
    }
    assert_eq!(persons, figures.persons);

    let consenting = "SELECT count(*) FROM member m WHERE m.consents AND EXISTS \
                      (SELECT 1 FROM enrolment e WHERE e.member_id = m.id AND e.ended_at = 0)";
    let membership = cell.database(Service::Membership).await;
    assert_eq!(figures.persons, number(&membership, consenting).await);
    let groups = rows(&membership, "SELECT count(*) FROM member_group WHERE state = 1").await;
    assert_eq!(figures.tasks, get::<i64>(&groups[0], 0));
}

/// Figures of a part of the ledger, without the tasks.
fn reach(ledger: &Tally, part: Option<Uuid>) -> ReachFigures {
    let mut figures = ReachFigures::default();
    for ((_, state, reason), count) in ledger.iter().filter(|((unit, ..), _)| part.is_none_or(|part| part == *unit)) {
        figures.persons += count;
        match State::try_from(*state).unwrap_or_default() {
            State::Accepted | State::Sent => figures.accepted += count,
            State::Delivered => figures.delivered += count,
            State::Read => {
                figures.delivered += count;
                figures.read += count;
            }
            State::Failed => {
                figures.failed += count;
                *figures.failed_by_reason.entry(reason.clone()).or_default() += count;
            }
            State::Unspecified | State::Queued | State::Sending | State::Unknown => figures.pending += count,
        }
    }
    figures
}
