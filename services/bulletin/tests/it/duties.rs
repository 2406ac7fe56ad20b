//! What hierarchy asks for before an officer is transferred.

use senani_proto::bulletin::v1 as pb;
use senani_proto::bulletin::v1::duty_service_client::DutyServiceClient;
use senani_testkit::{engines, eventually};
use tonic::Code;
use uuid::Uuid;

use crate::cell::{AUTHOR, Cell, DEADLINE};

async fn duties(cell: &Cell, officer: Uuid) -> pb::ListDutiesResponse {
    let mut service = DutyServiceClient::new(cell.channel(Some("services/hierarchy")));
    let request = pb::ListDutiesRequest { officer: format!("members/{officer}") };
    service.list_duties(request).await.expect("answers").into_inner()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_open_tasks_of_every_bulletin_wait_for_the_custodian_and_go_with_the_group() {
    for engine in engines() {
        let cell = Cell::start(engine, 20).await;
        let groups = cell.register.state.lock().unwrap().groups.clone();
        let custodian = groups.iter().find_map(|group| group.custodian).expect("somebody has one");
        let mut names = Vec::new();
        for _ in 0..2 {
            let bulletin = cell.approved().await;
            cell.publish(&bulletin.name, "bihar").await;
            cell.settled(&bulletin.name).await;
            let request = pb::ListTasksRequest {
                parent: bulletin.name,
                custodian: format!("members/{custodian}"),
                ..Default::default()
            };
            let tasks = cell.tasks().list_tasks(request).await.unwrap().into_inner().tasks;
            names.extend(tasks.into_iter().map(|task| task.name));
        }
        let answer = duties(&cell, custodian).await;
        assert!(names.len() >= 2, "{engine}: a task of each bulletin");
        assert_eq!((answer.tasks, answer.task_count as usize), (names.clone(), names.len()), "{engine}");
        assert_eq!(answer.report_count, 0, "{engine}");
        // Tasks of groups without a custodian wait for nobody.
        assert_eq!(duties(&cell, Uuid::nil()).await, pb::ListDutiesResponse::default(), "{engine}");

        let next = Uuid::now_v7();
        let mut groups = groups;
        groups.retain(|group| group.custodian == Some(custodian));
        for group in &mut groups {
            group.custodian = Some(next);
        }
        cell.groups.append(groups.iter().map(|group| group.event()));
        eventually(DEADLINE, "the tasks to go with their groups", async || {
            duties(&cell, custodian).await.task_count == 0 && duties(&cell, next).await.tasks == names
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_services_ask_what_waits_for_an_officer() {
    for engine in engines() {
        let cell = Cell::start(engine, 0).await;
        for (subject, code) in [(AUTHOR, Code::PermissionDenied), ("services/hierarchy", Code::InvalidArgument)] {
            let mut service = DutyServiceClient::new(cell.channel(Some(subject)));
            let request = pb::ListDutiesRequest { officer: "members/7".to_owned() };
            assert_eq!(service.list_duties(request).await.unwrap_err().code(), code, "{engine}");
        }
    }
}
