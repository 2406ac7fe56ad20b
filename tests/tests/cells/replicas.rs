//! Every service keeps the structure for itself.

use bytes::Bytes;
use senani_proto::hierarchy::v1::unit_service_client::UnitServiceClient;
use senani_proto::hierarchy::v1::{GetUnitRequest, UnitKind};
use senani_testkit::{engines, eventually};
use senani_tests::material::{self, DISTRICT, STATE};
use senani_tests::{Cell, PATIENCE, Service};
use tonic::Code;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn services_that_start_while_hierarchy_is_down_go_on_with_the_structure_that_they_know() {
    for engine in engines() {
        let mut cell = Cell::start(engine).await;
        let desk = cell.desk();
        desk.found().await;
        let file = Bytes::from(material::members(400, 3));
        let import = desk.import_members(Uuid::now_v7(), &file).await;
        let before = desk.covered(import.enrolment_count).await;
        let bulletin = desk.approved_bulletin("सावधान").await;

        cell.kill_nine(Service::Hierarchy);
        for service in [Service::Membership, Service::Bulletin, Service::Analytics] {
            cell.restart(service).await;
        }

        let request = GetUnitRequest { name: STATE.to_owned(), ..GetUnitRequest::default() };
        let refused = UnitServiceClient::new(desk.author()).get_unit(request).await.expect_err("hierarchy is down");
        assert_eq!(refused.code(), Code::Unavailable, "{engine}");

        let after = eventually(PATIENCE, "the coverage", async || desk.coverage(STATE, UnitKind::District).await).await;
        assert_eq!((after.figures, after.parts), (before.figures, before.parts), "{engine}");
        let plan = desk.form(true).await.expect("the plan needs no hierarchy");
        assert_eq!(plan.group_count, 0, "{engine}");
        assert!(plan.complete_units > 1_000, "{engine}: {plan:?}");
        desk.publish(&bulletin, DISTRICT).await.expect("a publication needs no hierarchy");
        let progress = cell.settled(&bulletin).await;
        assert!(progress.delivery_count > 0, "{engine}");
        desk.reached(&bulletin, &progress).await;
        let another = desk.approved_bulletin("सावधान फिर").await;
        assert_ne!(another, bulletin);
    }
}
