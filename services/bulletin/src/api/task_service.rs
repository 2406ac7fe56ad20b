//! `senani.bulletin.v1.TaskService`.

use senani_access::Principal;
use senani_proto::bulletin::v1 as pb;
use senani_proto::bulletin::v1::task_service_server::TaskService;
use senani_proto::name::{BulletinName, MemberName, TaskName};
use senani_store::{Page, PageSize, Store};
use senani_unit_replica::UnitReplica;
use tonic::{Request, Response, Status};

use super::parse;
use crate::error::Error;
use crate::store::tasks::{self, TaskFilter};
use crate::wire;

/// The ledger of posting tasks.
#[derive(Debug)]
pub(crate) struct TaskApi {
    pub(crate) store: Store,
    pub(crate) units: UnitReplica,
}

#[tonic::async_trait]
impl TaskService for TaskApi {
    async fn get_task(&self, request: Request<pb::GetTaskRequest>) -> Result<Response<pb::Task>, Status> {
        Principal::of(&request)?;
        let name: TaskName = parse::parsed("name", &request.into_inner().name)?;
        let found = tasks::find(self.store.reader(), name.bulletin, name.uid).await.map_err(Error::from)?;
        let found = found.ok_or(Error::TaskNotFound(name.uid))?;
        Ok(Response::new(wire::task(&found, &self.units.tree())))
    }

    async fn list_tasks(
        &self,
        request: Request<pb::ListTasksRequest>,
    ) -> Result<Response<pb::ListTasksResponse>, Status> {
        Principal::of(&request)?;
        let request = request.into_inner();
        let bulletin: BulletinName = parse::parsed("parent", &request.parent)?;
        let custodian: Option<MemberName> = parse::optional("custodian", &request.custodian)?;
        let filter = TaskFilter {
            bulletin: bulletin.0,
            custodian: custodian.map(|name| name.0),
            state: Some(request.state).filter(|state| *state != 0),
        };
        let size = PageSize::from_wire(request.page_size).map_err(Error::from)?;
        let after = parse::page_key(&request.page_token, &filter)?.unwrap_or_default();
        let found = tasks::list(self.store.reader(), &filter, after, size.limit()).await.map_err(Error::from)?;
        let page = Page::cut(found, size, &filter, |task| task.id.to_string());
        let tree = self.units.tree();
        Ok(Response::new(pb::ListTasksResponse {
            tasks: page.items.iter().map(|task| wire::task(task, &tree)).collect(),
            next_page_token: page.next_page_token,
        }))
    }
}
