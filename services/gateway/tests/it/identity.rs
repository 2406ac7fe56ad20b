//! Who comes in, and as whom.

use senani_gateway::{App, AppError, Config, DOMAIN, IdentitiesError};
use tonic::Code;

use crate::{cell::Cell, service::UNARY};

#[tokio::test]
async fn a_token_is_turned_into_its_subject_and_stays_here() {
    let cell = Cell::start().await;
    let mut caller = cell.gateway.caller();
    assert_eq!(caller.unary("subject").await.unwrap(), "officers/desk-author");
    let headers = caller.unary("headers").await.unwrap();
    assert!(!headers.contains("authorization"), "{headers}");
    caller.token = cell.gateway.approver_token.clone();
    assert_eq!(caller.unary("subject").await.unwrap(), "officers/desk-approver");
}

#[tokio::test]
async fn nobody_names_their_own_subject() {
    let cell = Cell::start().await;
    let caller = cell.gateway.caller();
    let mut request = caller.asks("header x-senani-subject".to_owned());
    for subject in ["services/bulletin", "officers/desk-approver"] {
        request.metadata_mut().append("x-senani-subject", subject.parse().unwrap());
    }
    assert_eq!(caller.unary_at(UNARY, request).await.unwrap().into_inner(), "officers/desk-author");

    let mut request = caller.asks("headers".to_owned());
    request.metadata_mut().insert("x-senani-grants", "all".parse().unwrap());
    request.metadata_mut().insert("x-other", "kept".parse().unwrap());
    let headers = caller.unary_at(UNARY, request).await.unwrap().into_inner();
    assert!(!headers.contains("x-senani-grants") && headers.contains("x-other"), "{headers}");
}

#[tokio::test]
async fn without_a_known_token_nothing_is_answered() {
    let cell = Cell::start().await;
    let mut caller = cell.gateway.caller();
    for path in [UNARY, "/senani.eventlog.v1.EventLogService/Subscribe", "/unknown"] {
        let anonymous = tonic::Request::new("hello".to_owned());
        let status = caller.unary_at(path, anonymous).await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated, "{path}");
        assert!(senani_error::is_reason(&status, DOMAIN, "TOKEN_MISSING"), "{path}");
    }
    caller.token.push('0');
    let status = caller.unary("hello").await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert!(senani_error::is_reason(&status, DOMAIN, "TOKEN_UNKNOWN"));
    assert!(caller.feed("count 1").await.is_err());
}

#[tokio::test]
async fn identities_that_others_may_read_stop_the_start() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let config = Config {
        listen: ([127, 0, 0, 1], 0).into(),
        identities_file: folder.path().join("identities.toml"),
        ..Config::default()
    };
    let first = App::build(config.clone()).await.unwrap();
    let again = App::build(config.clone()).await.unwrap();
    assert_eq!(first.identities()[0].token(), again.identities()[0].token());
    std::fs::set_permissions(&config.identities_file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let refused = App::build(config).await;
    assert!(matches!(refused, Err(AppError::Identities(IdentitiesError::Exposed { .. }))), "{refused:?}");
}
