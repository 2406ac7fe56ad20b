//! What is refused, and how.

use senani_error::{reason_of, violations_of};
use senani_proto::analytics::v1::GetCoverageRequest;
use senani_proto::analytics::v1::coverage_service_client::CoverageServiceClient;
use senani_proto::hierarchy::v1::UnitKind;
use senani_testkit::engines;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use uuid::Uuid;

use crate::cell::Cell;
use crate::structure::units;

fn assert_refused(status: &Status, code: Code, reason: &str, metadata: Option<(&str, &str)>, field: Option<&str>) {
    assert_eq!(status.code(), code, "{status:?}");
    assert_eq!(reason_of(status).as_deref(), Some(reason));
    let error = status.get_details_error_info().unwrap();
    assert_eq!(error.domain, "analytics.senani.dev");
    if let Some((key, value)) = metadata {
        assert_eq!(error.metadata[key], value);
    }
    let fields: Vec<_> = violations_of(status).into_iter().map(|violation| violation.field).collect();
    assert_eq!(fields.first().map(String::as_str), field);
}

#[tokio::test]
async fn unknown_and_malformed_names_are_refused_with_their_reasons() {
    for engine in engines() {
        let cell = Cell::start(engine).await;
        cell.hierarchy.tell(units()).await;
        let analytics = cell.analytics().await;
        analytics.state_figures(|_| true).await;

        let status = analytics.coverage("units/atlantis", UnitKind::District).await.unwrap_err();
        assert_refused(&status, Code::NotFound, "UNIT_NOT_FOUND", Some(("unit", "units/atlantis")), None);
        let unknown = format!("bulletins/{}", Uuid::from_u128(0xDEAD));
        let status = analytics.reach(&unknown).await.unwrap_err();
        assert_refused(&status, Code::NotFound, "BULLETIN_NOT_FOUND", Some(("bulletin", &unknown)), None);

        for unit in ["", "bihar", "units/", "units/Bihar", "groups/bihar", "units/bihar/x"] {
            let status = analytics.coverage(unit, UnitKind::District).await.unwrap_err();
            assert_refused(&status, Code::InvalidArgument, "NAME_INVALID", None, Some("unit"));
        }
        for bulletin in ["", "bulletins/", "bulletins/7", "units/bihar"] {
            let status = analytics.reach(bulletin).await.unwrap_err();
            assert_refused(&status, Code::InvalidArgument, "NAME_INVALID", None, Some("bulletin"));
        }
        analytics.stop().await;
    }
}

#[tokio::test]
async fn who_names_no_subject_is_refused() {
    for engine in engines() {
        let cell = Cell::start(engine).await;
        let analytics = cell.analytics().await;
        let mut client = CoverageServiceClient::new(analytics.channel(None));
        let request = GetCoverageRequest { unit: "units/bihar".to_owned(), part_kind: 0 };
        let status = client.get_coverage(request).await.unwrap_err();
        assert_eq!((status.code(), reason_of(&status).as_deref()), (Code::Unauthenticated, Some("SUBJECT_MISSING")));
        analytics.stop().await;
    }
}
