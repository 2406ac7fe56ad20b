//! Bad input: each gets its listed reason with the field, and nothing changes.

use senani_error::{origin_of, violations_of};
use senani_proto::bulletin::v1 as pb;
use senani_proto::bulletin::v1::attach_poster_request::Piece;
use senani_proto::bulletin::v1::bulletin_service_client::BulletinServiceClient;
use senani_proto::bulletin::v1::delivery_service_client::DeliveryServiceClient;
use senani_proto::membership::v1::AudienceSelector;
use senani_testkit::engines;
use tonic::{Code, Status};

use crate::cell::{APPROVER, AUTHOR, Cell, audience, draft};
use crate::lifecycle::{pieces, png};
use crate::recount::number;

/// Code and reason; the domain is always ours.
fn refused<T: std::fmt::Debug>(outcome: Result<T, Status>) -> (Code, String, Vec<String>) {
    let status = outcome.expect_err("it is refused");
    let (domain, reason) = origin_of(&status).expect("details");
    assert_eq!(domain, "bulletin.senani.dev");
    (status.code(), reason, violations_of(&status).into_iter().map(|violation| violation.field).collect())
}

fn expected(code: Code, reason: &str, fields: &[&str]) -> (Code, String, Vec<String>) {
    (code, reason.to_owned(), fields.iter().map(|field| (*field).to_owned()).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drafts_that_are_not_complete_are_refused_with_every_field() {
    for engine in engines() {
        let cell = Cell::start(engine, 10).await;
        let create = async |change: &dyn Fn(&mut pb::Bulletin)| {
            let mut bulletin = draft();
            change(&mut bulletin);
            let request = pb::CreateBulletinRequest { bulletin: Some(bulletin), request_id: String::new() };
            refused(cell.bulletins(AUTHOR).create_bulletin(request).await)
        };
        let invalid = Code::InvalidArgument;
        assert_eq!(
            create(&|bulletin| drop(bulletin.headlines.remove("hi"))).await,
            expected(invalid, "TEXT_MISSING_IN_HINDI", &["bulletin.headlines[hi]"])
        );
        assert_eq!(
            create(&|bulletin| drop(bulletin.texts.remove("en"))).await,
            expected(invalid, "TEXT_MISSING_IN_HINDI", &["bulletin.texts[en]"])
        );
        assert_eq!(
            create(&|bulletin| drop(bulletin.texts.insert("hi".to_owned(), "क".repeat(1_025)))).await,
            expected(invalid, "TEXT_TOO_LONG", &["bulletin.texts[hi]"])
        );
        assert_eq!(
            create(&|bulletin| bulletin.category = 0).await,
            expected(invalid, "CATEGORY_MISSING", &["bulletin.category"])
        );
        assert_eq!(
            create(&|bulletin| bulletin.issuing_unit = "units/nowhere".to_owned()).await,
            expected(invalid, "UNIT_UNKNOWN", &["bulletin.issuing_unit"])
        );
        assert_eq!(
            create(&|bulletin| bulletin.issuing_unit = "EOU".to_owned()).await,
            expected(invalid, "NAME_INVALID", &["bulletin.issuing_unit"])
        );
        let request = pb::CreateBulletinRequest { bulletin: Some(draft()), request_id: "7".to_owned() };
        assert_eq!(
            refused(cell.bulletins(AUTHOR).create_bulletin(request).await),
            expected(invalid, "REQUEST_ID_INVALID", &["request_id"])
        );
        let store = cell.store();
        assert_eq!(number(&store, "SELECT COUNT(*) FROM bulletin").await, 0);
        assert_eq!(number(&store, "SELECT position FROM event_head").await, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_poster_is_refused() {
    for engine in engines() {
        let cell = Cell::start_with(engine, 10, Default::default(), |config| {
            config.poster_max_bytes = 300_000;
            config.channels[0].poster_max_side = 100;
        })
        .await;
        let request = pb::CreateBulletinRequest { bulletin: Some(draft()), request_id: String::new() };
        let name = cell.bulletins(AUTHOR).create_bulletin(request).await.unwrap().into_inner().name;
        let attach = async |pieces: Vec<pb::AttachPosterRequest>| {
            refused(cell.bulletins(AUTHOR).attach_poster(futures::stream::iter(pieces)).await)
        };
        let invalid = Code::InvalidArgument;
        assert_eq!(
            attach(pieces(&name, b"%PDF-1.4 a paper")).await,
            expected(invalid, "POSTER_NOT_AN_IMAGE", &["content"])
        );
        assert_eq!(attach(pieces(&name, b"")).await, expected(invalid, "POSTER_NOT_AN_IMAGE", &["content"]));
        assert_eq!(
            attach(pieces(&name, &vec![0xff; 300_001])).await,
            expected(invalid, "POSTER_TOO_LARGE", &["content"])
        );
        assert_eq!(attach(pieces(&name, &png(8_193, 1))).await, expected(invalid, "POSTER_DIMENSIONS", &["content"]));
        assert_eq!(
            attach(pieces(&name, &png(101, 1))).await,
            expected(invalid, "POSTER_REFUSED_BY_CHANNEL", &["content"])
        );
        let whole = png(60, 40);
        for file in [&whole[..whole.len() / 2], &whole[..whole.len() - 1]] {
            assert_eq!(attach(pieces(&name, file)).await, expected(invalid, "POSTER_DAMAGED", &["content"]));
        }
        let content_first = pb::AttachPosterRequest { piece: Some(Piece::Content(png(1, 1).into())) };
        assert_eq!(attach(vec![content_first]).await, expected(invalid, "STREAM_OUT_OF_ORDER", &[]));
        assert_eq!(attach(Vec::new()).await, expected(invalid, "STREAM_OUT_OF_ORDER", &[]));
        let unknown = format!("bulletins/{}", uuid::Uuid::nil());
        assert_eq!(attach(pieces(&unknown, &png(1, 1))).await, expected(Code::NotFound, "BULLETIN_NOT_FOUND", &[]));

        let submit = pb::SubmitBulletinRequest { name: name.clone() };
        cell.bulletins(AUTHOR).submit_bulletin(submit).await.unwrap();
        assert_eq!(attach(pieces(&name, &png(1, 1))).await, expected(Code::FailedPrecondition, "STATE_FORBIDS", &[]));
        assert_eq!(number(&cell.store(), "SELECT COUNT(*) FROM poster").await, 0);
        assert_eq!(crate::posters::objects(&cell).len(), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn approval_is_anothers_and_publication_needs_it() {
    for engine in engines() {
        let cell = Cell::start(engine, 10).await;
        let (mut author, mut approver) = (cell.bulletins(AUTHOR), cell.bulletins(APPROVER));
        let request = pb::CreateBulletinRequest { bulletin: Some(draft()), request_id: String::new() };
        let name = author.create_bulletin(request).await.unwrap().into_inner().name;
        let approve = |etag: &str| pb::ApproveBulletinRequest { name: name.clone(), etag: etag.to_owned() };
        let publish = |audience| pb::PublishBulletinRequest { name: name.clone(), audience, request_id: String::new() };
        let (precondition, invalid) = (Code::FailedPrecondition, Code::InvalidArgument);

        let state = refused(approver.approve_bulletin(approve("")).await);
        assert_eq!(state, expected(precondition, "STATE_FORBIDS", &[]));
        let early = refused(author.publish_bulletin(publish(Some(audience(&["bihar"])))).await);
        assert_eq!(early, expected(precondition, "NOT_APPROVED", &[]));
        author.submit_bulletin(pb::SubmitBulletinRequest { name: name.clone() }).await.unwrap();
        let own = refused(author.approve_bulletin(approve("")).await);
        assert_eq!(own, expected(Code::PermissionDenied, "OWN_BULLETIN", &[]));
        let stale = refused(approver.approve_bulletin(approve("\"1\"")).await);
        assert_eq!(stale, expected(Code::Aborted, "ETAG_MISMATCH", &[]));
        assert_eq!(number(&cell.store(), "SELECT COUNT(*) FROM bulletin_counter").await, 0);
        approver.approve_bulletin(approve("")).await.unwrap();

        for (selector, fields) in [
            (None, "audience.units"),
            (Some(audience(&["bihar"; 101])), "audience.units"),
            (
                Some(AudienceSelector { group_audiences: vec![9], ..audience(&["bihar"]) }),
                "audience.group_audiences[0]",
            ),
            (
                Some(AudienceSelector { units: vec!["bihar".to_owned()], ..AudienceSelector::default() }),
                "audience.units[0]",
            ),
        ] {
            let wrong = refused(author.publish_bulletin(publish(selector)).await);
            assert_eq!(wrong, expected(invalid, "AUDIENCE_INVALID", &[fields]));
        }
        let unknown = refused(author.publish_bulletin(publish(Some(audience(&["bihar", "delhi"])))).await);
        assert_eq!(unknown, expected(invalid, "UNIT_UNKNOWN", &["audience.units[1]"]));
        let nobody = refused(author.publish_bulletin(publish(Some(audience(&["eou"])))).await);
        assert_eq!(nobody, expected(precondition, "AUDIENCE_EMPTY", &[]));
        let store = cell.store();
        assert_eq!(number(&store, "SELECT COUNT(*) FROM publication").await, 0);
        assert_eq!(number(&store, "SELECT COUNT(*) FROM delivery").await, 0);
        let missing = pb::GetBulletinRequest { name: "bulletins/7".to_owned() };
        assert_eq!(refused(author.get_bulletin(missing).await), expected(invalid, "NAME_INVALID", &["name"]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks_are_for_services_and_pages_for_their_own_request() {
    for engine in engines() {
        let cell = Cell::start(engine, 10).await;
        let ingest = |channel: &str, size: usize| pb::IngestReceiptsRequest {
            channel: channel.to_owned(),
            body: vec![b' '; size].into(),
        };
        let mut officer = DeliveryServiceClient::new(cell.channel(Some(AUTHOR)));
        let denied = refused(officer.ingest_receipts(ingest("simulator", 2)).await);
        assert_eq!(denied, expected(Code::PermissionDenied, "SERVICES_ONLY", &[]));
        let unknown = refused(cell.deliveries().ingest_receipts(ingest("pigeon", 2)).await);
        assert_eq!(unknown, expected(Code::InvalidArgument, "CHANNEL_UNKNOWN", &["channel"]));
        let large = refused(cell.deliveries().ingest_receipts(ingest("simulator", 4 * 1024 * 1024 + 1)).await);
        assert_eq!(large, expected(Code::InvalidArgument, "BODY_TOO_LARGE", &["body"]));

        let mut nobody = BulletinServiceClient::new(cell.channel(None));
        let status = nobody.list_bulletins(pb::ListBulletinsRequest::default()).await.expect_err("no subject");
        assert_eq!(status.code(), Code::Unauthenticated);

        let list =
            |page_size, page_token: &str| pb::ListBulletinsRequest { page_size, page_token: page_token.to_owned() };
        let mut author = cell.bulletins(AUTHOR);
        let negative = refused(author.list_bulletins(list(-1, "")).await);
        assert_eq!(negative, expected(Code::InvalidArgument, "PAGE_SIZE_INVALID", &["page_size"]));
        let forged = refused(author.list_bulletins(list(1, "abc.00")).await);
        assert_eq!(forged, expected(Code::InvalidArgument, "PAGE_TOKEN_INVALID", &["page_token"]));
    }
}
