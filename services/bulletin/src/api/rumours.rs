//! The rumour desk.

use senani_access::Principal;
use senani_proto::bulletin::v1 as pb;
use senani_proto::hierarchy::v1::UnitKind;
use senani_proto::membership::v1::AudienceSelector;
use senani_proto::name::{BulletinName, ReportName};
use senani_store::Timestamp;
use senani_unit_tree::UnitTree;
use uuid::Uuid;

use super::parse;
use super::report_requests::note;
use super::report_service::ReportApi;
use crate::domain::report::outcome::Outcome;
use crate::error::{Error, ReportError};
use crate::store::bulletins;
use crate::store::report::{Rumour, Verdict};

/// Rumours in an answer at most.
const RUMOURS: usize = 50;
/// Reports that an answer names, or a verdict takes, at most.
const REPORTS: usize = 500;
/// Units of an audience at most.
const UNITS: usize = 100;
/// Seconds back: by default, and at most.
const WEEK: i64 = 7 * 86_400;
const MONTH: i64 = 30 * 86_400;

impl ReportApi {
    pub(super) async fn rumours(
        &self,
        caller: &Principal,
        request: pb::ListRumoursRequest,
    ) -> Result<pb::ListRumoursResponse, Error> {
        let seconds = request.window.map_or(WEEK, |window| window.seconds);
        if !(1..=MONTH).contains(&seconds) {
            return Err(ReportError::Duration.into());
        }
        let since = Timestamp::now().0 - seconds * 1_000_000;
        let found = self.reports.rumours(&self.sight(caller), since).await?;
        let tree = self.units.tree();
        Ok(pb::ListRumoursResponse { rumours: found.iter().take(RUMOURS).map(|one| rumour(one, &tree)).collect() })
    }

    pub(super) async fn judge(
        &self,
        caller: &Principal,
        mut request: pb::JudgeRumourRequest,
    ) -> Result<pb::JudgeRumourResponse, Error> {
        let request_id = std::mem::take(&mut request.request_id);
        let repeatable = self.repeatable(caller, "ReportService/JudgeRumour", &request_id, &request)?;
        let wrong = |field, what| Error::from(ReportError::Verdict { field, what });
        if request.reports.is_empty() || request.reports.len() > REPORTS {
            return Err(wrong("reports", "must be 1 to 500"));
        }
        let code = request.verdict();
        if code == pb::RumourVerdict::Unspecified {
            return Err(wrong("verdict", "is needed"));
        }
        let name: BulletinName = parse::parsed("bulletin", &request.bulletin)?;
        let bulletin = bulletins::find(self.store.reader(), name.0).await?;
        let bulletin = bulletin.ok_or(Error::BulletinNotFound(name.0))?;
        if bulletin.category != pb::Category::Rumour as i32 {
            return Err(wrong("bulletin", "is not of category RUMOUR"));
        }
        let names = request.reports.iter().map(|name| parse::parsed::<ReportName>("reports", name));
        let ids = names.map(|name| name.map(|name| name.0)).collect::<Result<Vec<_>, _>>()?;
        let ended = if code == pb::RumourVerdict::False { Outcome::FalseReport } else { Outcome::NothingFound };
        let verdict = Verdict {
            code,
            bulletin: name.0,
            note: note("note", request.note, false)?,
            retain_until: self.config.retention_days.rule().until(&[ended], Timestamp::now().0),
        };
        let units = self.reports.judge(&repeatable, &self.sight(caller), &ids, &verdict).await?;
        Ok(pb::JudgeRumourResponse { audience: Some(audience(&units, &self.units.tree())) })
    }
}

fn rumour(rumour: &Rumour, tree: &UnitTree) -> pb::Rumour {
    pb::Rumour {
        reports: rumour.reports.iter().take(REPORTS).map(|id| ReportName(*id).to_string()).collect(),
        report_count: i32::try_from(rumour.reports.len()).unwrap_or(i32::MAX),
        units: names(rumour.units.iter().copied(), tree),
        first_time: Timestamp(rumour.first).to_proto(),
        last_time: Timestamp(rumour.last).to_proto(),
    }
}

fn names(units: impl Iterator<Item = Uuid>, tree: &UnitTree) -> Vec<String> {
    let slugs = units.filter_map(|unit| tree.by_id(unit));
    let mut names: Vec<_> = slugs.map(|unit| format!("units/{}", unit.slug())).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The units where it was seen; their districts when these are too many, and the whole structure when those are.
fn audience(units: &[Uuid], tree: &UnitTree) -> AudienceSelector {
    let district = |unit: &Uuid| {
        let unit = tree.by_id(*unit)?;
        Some(unit.ancestor_of_kind(UnitKind::District).unwrap_or(unit).id())
    };
    let root = || tree.root().into_iter().map(|unit| unit.id());
    let tries =
        [names(units.iter().copied(), tree), names(units.iter().filter_map(district), tree), names(root(), tree)];
    let units = tries.into_iter().find(|names| names.len() <= UNITS).unwrap_or_default();
    AudienceSelector { units, ..AudienceSelector::default() }
}
