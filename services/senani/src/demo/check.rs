//! Step 6: the figures, and whether they add up.

use std::time::Duration;

use senani_client::Channel;
use senani_proto::analytics::v1::{Coverage, CoverageFigures, Reach};
use senani_proto::membership::v1::MemberImport;
use senani_simulator::Testimony;
use tokio::time::{Instant, sleep};

use super::bulletin::Published;
use super::{BY, PATIENCE, STATE};
use crate::client::{coverage, reach};

/// Coverage and reach when analytics has heard everything; its projection follows by itself.
pub(super) async fn settled(
    channel: &Channel,
    import: &MemberImport,
    published: &Published,
) -> anyhow::Result<(Coverage, Reach)> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let coverage = coverage::get(channel.clone(), STATE, BY).await?;
        let reach = reach::get(channel.clone(), &published.bulletin).await?;
        let there = figures(&coverage).enrolled_members >= import.enrolment_count && agrees(&reach, published);
        if there || Instant::now() > deadline {
            return Ok((coverage, reach));
        }
        sleep(Duration::from_millis(100)).await;
    }
}

fn figures(coverage: &Coverage) -> CoverageFigures {
    coverage.figures.unwrap_or_default()
}

fn agrees(reach: &Reach, published: &Published) -> bool {
    let (figures, progress) = (reach.figures.clone().unwrap_or_default(), &published.progress);
    figures.persons == progress.delivery_count
        && figures.delivered == progress.delivered_count + progress.read_count
        && figures.failed == progress.failed_count
        && figures.tasks == progress.task_count
}

/// Every figure that does not add up, in words.
pub(super) fn problems(
    import: &MemberImport,
    published: &Published,
    coverage: &Coverage,
    reach: &Reach,
    witness: &Testimony,
) -> Vec<String> {
    let mut problems = Vec::new();
    let mut equal = |what: &str, left: i64, right: i64| {
        if left != right {
            problems.push(format!("{what}: {left} and {right}"));
        }
    };
    let figures = reach.figures.clone().unwrap_or_default();
    equal("rows, and accepted + rejected", import.row_count, import.accepted_count + import.rejected_count);
    equal("enrolments, and members in coverage", import.enrolment_count, self::figures(coverage).enrolled_members);
    equal("consenting persons, and deliveries", published.persons, figures.persons);
    equal(
        "persons, and pending + accepted + delivered + failed",
        figures.persons,
        figures.pending + figures.accepted + figures.delivered + figures.failed,
    );
    equal("deliveries without a final receipt, and none", figures.pending + figures.accepted, 0);
    let count = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    equal("persons, and different deliveries that the provider saw", figures.persons, count(witness.sends.unique));
    equal("deliveries that the provider saw twice, and none", count(witness.sends.repeated), 0);
    equal("delivered, and what the provider decided", figures.delivered, count(witness.outcomes.delivered));
    equal("read, and what the provider decided", figures.read, count(witness.outcomes.read));
    let parts = coverage.parts.iter().filter_map(|part| part.figures).chain(coverage.rest);
    equal(
        "members of the districts and elsewhere, and of the state",
        parts.map(|figures| figures.enrolled_members).sum(),
        self::figures(coverage).enrolled_members,
    );
    problems
}
