//! Membership and bulletin, as far as hierarchy asks them; and short ways to ask hierarchy.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use senani_access::Principal;
use senani_client::Channel;
use senani_proto::bulletin::v1::duty_service_server::{DutyService, DutyServiceServer};
use senani_proto::bulletin::v1::{ListDutiesRequest, ListDutiesResponse};
use senani_proto::hierarchy::v1::appointment_service_client::AppointmentServiceClient;
use senani_proto::hierarchy::v1::who_is_answerable_request::Moment;
use senani_proto::hierarchy::v1::{AppointRequest, Appointment, Post, WhoIsAnswerableRequest, WhoIsAnswerableResponse};
use senani_proto::membership::v1::custody_service_server::{CustodyService, CustodyServiceServer};
use senani_proto::membership::v1::{HeldGroup, ListHeldGroupsRequest, ListHeldGroupsResponse};
use senani_server::Server;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use uuid::Uuid;

/// The name of an officer.
pub(crate) fn officer(number: u128) -> String {
    format!("members/{}", Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + number))
}

/// A request that is right.
pub(crate) fn appointing(number: u128, unit: &str, post: Post, start_date: &str) -> AppointRequest {
    let appointment = Appointment {
        officer: officer(number),
        unit: format!("units/{unit}"),
        post: post.into(),
        start_date: start_date.to_owned(),
        ..Appointment::default()
    };
    AppointRequest { appointment: Some(appointment), ..AppointRequest::default() }
}

pub(crate) async fn appoint(
    posts: &mut AppointmentServiceClient<Channel>,
    number: u128,
    unit: &str,
    post: Post,
    start_date: &str,
) -> Appointment {
    posts.appoint(appointing(number, unit, post, start_date)).await.expect("appoints").into_inner()
}

/// Who answers for a unit at the end of a day; now when it is empty.
pub(crate) async fn who(
    posts: &mut AppointmentServiceClient<Channel>,
    unit: &str,
    date: &str,
) -> WhoIsAnswerableResponse {
    let moment = (!date.is_empty()).then(|| Moment::Date(date.to_owned()));
    let request = WhoIsAnswerableRequest { unit: format!("units/{unit}"), moment };
    posts.who_is_answerable(request).await.expect("answers").into_inner()
}

/// What the officers hold, whoever they are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Holders {
    groups: Arc<Mutex<Vec<HeldGroup>>>,
    tasks: Arc<Mutex<Vec<String>>>,
}

impl Holders {
    /// Serves on a free port, until the token is dropped.
    pub(crate) fn start(&self) -> (String, tokio_util::sync::DropGuard) {
        let listener = senani_server::bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let stop = CancellationToken::new();
        let server = Server::new("holders")
            .add_service(CustodyServiceServer::new(self.clone()))
            .add_service(DutyServiceServer::new(self.clone()));
        tokio::spawn(server.serve(listener, stop.clone()));
        (url, stop.drop_guard())
    }

    /// From now on they hold these groups, each with whether alone, and these tasks.
    pub(crate) fn hold(&self, groups: &[(&str, bool)], tasks: &[&str]) {
        let held = |(group, sole): &(&str, bool)| HeldGroup {
            group: format!("groups/{group}"),
            unit: "units/patna-district".to_owned(),
            sole: *sole,
        };
        *self.groups.lock().expect("not poisoned") = groups.iter().map(held).collect();
        *self.tasks.lock().expect("not poisoned") = tasks.iter().map(|task| (*task).to_owned()).collect();
    }
}

fn by_hierarchy<T>(request: &Request<T>) -> Result<(), Status> {
    let principal = Principal::of(request)?;
    if principal.service() == Some("hierarchy") { Ok(()) } else { Err(Status::permission_denied("not hierarchy")) }
}

#[tonic::async_trait]
impl CustodyService for Holders {
    async fn list_held_groups(
        &self,
        request: Request<ListHeldGroupsRequest>,
    ) -> Result<Response<ListHeldGroupsResponse>, Status> {
        by_hierarchy(&request)?;
        let groups = self.groups.lock().expect("not poisoned").clone();
        let sole = groups.iter().filter(|group| group.sole).count();
        let (group_count, sole_count) = (groups.len() as i32, sole as i32);
        Ok(Response::new(ListHeldGroupsResponse { groups, group_count, sole_count }))
    }
}

#[tonic::async_trait]
impl DutyService for Holders {
    async fn list_duties(&self, request: Request<ListDutiesRequest>) -> Result<Response<ListDutiesResponse>, Status> {
        by_hierarchy(&request)?;
        let tasks = self.tasks.lock().expect("not poisoned").clone();
        let task_count = tasks.len() as i32;
        Ok(Response::new(ListDutiesResponse { tasks, task_count, ..ListDutiesResponse::default() }))
    }
}
