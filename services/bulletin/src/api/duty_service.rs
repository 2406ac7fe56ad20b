//! `senani.bulletin.v1.DutyService`: for services of ours only.

use senani_access::Principal;
use senani_proto::bulletin::v1 as pb;
use senani_proto::bulletin::v1::duty_service_server::DutyService;
use senani_proto::name::{MemberName, ReportName, TaskName};
use senani_store::Store;
use tonic::{Request, Response, Status};

use super::parse;
use crate::error::Error;
use crate::store::duties;
use crate::store::report::Reports;

/// Tasks, and reports, that an answer lists at most.
const LISTED: i64 = 500;

/// What waits for an officer.
#[derive(Debug)]
pub(crate) struct DutyApi {
    pub(crate) store: Store,
    pub(crate) reports: Reports,
}

#[tonic::async_trait]
impl DutyService for DutyApi {
    async fn list_duties(
        &self,
        request: Request<pb::ListDutiesRequest>,
    ) -> Result<Response<pb::ListDutiesResponse>, Status> {
        if !Principal::of(&request)?.is_service() {
            return Err(Error::ServicesOnly.into());
        }
        let officer: MemberName = parse::parsed("officer", &request.into_inner().officer)?;
        // Tasks without a custodian carry the nil UUID: they wait for nobody.
        let found = duties::open_tasks(self.store.reader(), officer.0, LISTED).await.map_err(Error::from)?;
        let (tasks, count) = found;
        // Reports of nobody carry the nil UUID and are not assigned.
        let assigned = self.reports.assigned_to(officer.0, LISTED).await.map_err(Error::from)?;
        let (reports, report_count) = assigned;
        Ok(Response::new(pb::ListDutiesResponse {
            tasks: tasks.iter().map(TaskName::to_string).collect(),
            task_count: i32::try_from(count).unwrap_or(i32::MAX),
            reports: reports.into_iter().map(|id| ReportName(id).to_string()).collect(),
            report_count: i32::try_from(report_count).unwrap_or(i32::MAX),
        }))
    }
}
