//! What anybody can know of a bulletin: codes, pages, feeds.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, VerifyingKey};
use senani_client::Channel;
use senani_proto::bulletin::v1 as pb;
use senani_proto::bulletin::v1::public_page_service_client::PublicPageServiceClient;
use senani_proto::bulletin::v1::verification_service_client::VerificationServiceClient;
use senani_proto::bulletin::v1::verify_response::Standing;
use senani_testkit::engines;
use tonic::{Code, Status};

use crate::cell::{AUTHOR, Cell, draft};
use crate::lifecycle::{pieces, png};
use crate::recount::execute;

/// Nobody in particular.
fn stranger(cell: &Cell) -> VerificationServiceClient<Channel> {
    VerificationServiceClient::new(cell.channel(None))
}

async fn verify(cell: &Cell, code: &str) -> Result<pb::VerifyResponse, Status> {
    let request = pb::VerifyRequest { code: code.to_owned() };
    stranger(cell).verify(request).await.map(tonic::Response::into_inner)
}

async fn write(cell: &Cell, visibility: pb::Visibility, poster: Option<Vec<u8>>) -> pb::Bulletin {
    let bulletin = pb::Bulletin { visibility: visibility.into(), ..draft() };
    let request = pb::CreateBulletinRequest { bulletin: Some(bulletin), request_id: String::new() };
    let created = cell.bulletins(AUTHOR).create_bulletin(request).await.expect("a draft").into_inner();
    if let Some(poster) = poster {
        let stream = futures::stream::iter(pieces(&created.name, &poster));
        cell.bulletins(AUTHOR).attach_poster(stream).await.expect("attached");
    }
    created
}

async fn qr(cell: &Cell, name: &str, side_pixels: i32) -> Result<pb::GetVerificationQrResponse, Status> {
    let request = pb::GetVerificationQrRequest { name: name.to_owned(), side_pixels };
    cell.bulletins(AUTHOR).get_verification_qr(request).await.map(tonic::Response::into_inner)
}

fn refused<T: std::fmt::Debug>(outcome: Result<T, Status>) -> (Code, Option<String>) {
    let status = outcome.expect_err("it is refused");
    (status.code(), senani_error::reason_of(&status))
}

fn uid(name: &str) -> &str {
    name.strip_prefix("bulletins/").expect("a name")
}

fn text(page: &pb::GetPageResponse) -> &str {
    std::str::from_utf8(&page.body).expect("UTF-8")
}

/// A statement on one bulletin, as the desk will write it.
async fn change(cell: &Cell, name: &str, assignment: &str) {
    let id = match cell.config.database_url.starts_with("postgres") {
        true => format!("'{}'", uid(name)),
        false => format!("x'{}'", uid(name).replace('-', "")),
    };
    execute(&cell.store(), &format!("UPDATE bulletin SET {assignment} WHERE id = {id}")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anybody_can_check_a_code_and_the_signature_with_the_public_key() {
    for engine in engines() {
        let cell = Cell::start(engine, 10).await;
        let created = write(&cell, pb::Visibility::Members, Some(png(40, 30))).await;
        let precondition = (Code::FailedPrecondition, Some("NOT_APPROVED".to_owned()));
        assert_eq!(refused(qr(&cell, &created.name, 0).await), precondition);
        assert_eq!(created.verification_code, "");
        let approved = cell.approve(&created.name).await;
        let code = approved.verification_code.clone();

        let found = verify(&cell, &code.to_lowercase().replace('-', " ")).await.unwrap();
        assert_eq!((found.standing(), &found.code, &found.number), (Standing::Genuine, &code, &approved.number));
        assert_eq!(found.headlines["en"], "Beware of false calls", "{engine}");
        assert_eq!((found.issuing_unit.as_str(), found.approve_time), ("units/eou", approved.approve_time));
        assert_eq!(found.poster_sha256, approved.poster.unwrap().sha256);

        let keys = cell.page("/.well-known/senani-keys.json", "", "").await;
        let keys: serde_json::Value = serde_json::from_slice(&keys.body).unwrap();
        assert_eq!(
            (&keys["keys"][0]["kid"], &keys["keys"][0]["crv"]),
            (&found.key_id.clone().into(), &"Ed25519".into())
        );
        let key = BASE64_URL_SAFE_NO_PAD.decode(keys["keys"][0]["x"].as_str().unwrap()).unwrap();
        let key = VerifyingKey::from_bytes(&key.try_into().unwrap()).unwrap();
        let signature = Signature::from_slice(&found.signature).unwrap();
        key.verify_strict(found.signed_text.as_bytes(), &signature).unwrap();
        let lines: Vec<_> = found.signed_text.lines().collect();
        let plain = code.replace('-', "");
        let expected = [
            "senani bulletin, 1".to_owned(),
            format!("code={plain}"),
            format!("number={}", approved.number),
            format!("poster={}", found.poster_sha256),
        ];
        assert_eq!(lines, expected, "{engine}");

        let image = qr(&cell, &created.name, 300).await.unwrap();
        assert_eq!((image.url.as_str(), &image.code), (format!("https://senani.example/v/{plain}").as_str(), &code));
        let picture = image::load_from_memory(&image.png).unwrap().into_luma8();
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let at = |x: usize, y: usize| picture.get_pixel(x as u32, y as u32).0[0];
        let mut prepared = rqrr::PreparedImage::prepare_from_greyscale(width, height, at);
        assert_eq!(prepared.detect_grids()[0].decode().unwrap().1, image.url);
        for side in [-1, 99, 2_001] {
            let invalid = (Code::InvalidArgument, Some("SIZE_INVALID".to_owned()));
            assert_eq!(refused(qr(&cell, &created.name, side).await), invalid, "{engine}");
        }

        let mut mistyped = plain.clone().into_bytes();
        mistyped[3] = if mistyped[3] == b'7' { b'8' } else { b'7' };
        let invalid = (Code::InvalidArgument, Some("CODE_INVALID".to_owned()));
        assert_eq!(refused(verify(&cell, std::str::from_utf8(&mistyped).unwrap()).await), invalid);
        let nobodys = verify(&cell, "0000-0000-0000").await.unwrap();
        assert_eq!((nobodys.standing(), nobodys.number.as_str()), (Standing::Unknown, ""), "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_says_how_a_bulletin_stands_and_shows_the_real_poster() {
    for engine in engines() {
        let cell = Cell::start(engine, 10).await;
        let name = write(&cell, pb::Visibility::Members, Some(png(40, 30))).await.name;
        let approved = cell.approve(&name).await;
        let path = format!("/v/{}", approved.verification_code.replace('-', ""));
        let page = cell.page(&path, "text/html,application/xhtml+xml,application/json;q=0.1", "").await;
        assert_eq!((page.status, page.content_type.as_str()), (200, "text/html; charset=utf-8"), "{engine}");
        assert!(text(&page).contains("यह बुलेटिन असली है") && text(&page).contains("This bulletin is genuine"));
        assert!(text(&page).contains("Beware of false calls") && text(&page).contains(&approved.number));
        let again = cell.page(&path, "text/html", &page.etag).await;
        assert_eq!((again.status, again.body.len(), &again.etag), (304, 0, &page.etag), "{engine}");

        let poster = cell.page(&format!("{path}/poster"), "image/*", "").await;
        assert_eq!((poster.status, poster.content_type.as_str()), (200, "image/png"));
        assert_eq!(poster.body.len() as i64, approved.poster.clone().unwrap().size, "{engine}");
        let known = cell.page(&format!("{path}/poster"), "", &poster.etag).await;
        assert_eq!((known.status, known.body.len()), (304, 0));

        let json = cell.page(&path, "application/json", "").await;
        let answer: serde_json::Value = serde_json::from_slice(&json.body).unwrap();
        assert_eq!(
            (&answer["standing"], &answer["keyId"]),
            (&"STANDING_GENUINE".into(), &verify(&cell, &approved.verification_code).await.unwrap().key_id.into())
        );

        for unknown in ["/v/0000-0000-0000", "/v/%3Cscript%3E", "/v/"] {
            let page = cell.page(unknown, "text/html", "").await;
            assert_eq!(page.status, 404, "{unknown}");
            assert!(text(&page).contains("No police bulletin has this code") && !text(&page).contains("script"));
        }
        for nothing in ["/v/0000-0000-0000/poster", "/v/x/poster", "/cap/x.xml", "/", "", "/feed", "/cap/.xml"] {
            assert_eq!(cell.page(nothing, "", "").await.status, 404, "{nothing}");
        }

        // What becomes of it, in the order in which it gets worse.
        let correction = write(&cell, pb::Visibility::Members, None).await;
        let correction = cell.approve(&correction.name).await;
        let standing = async || verify(&cell, &approved.verification_code).await.unwrap();
        change(&cell, &name, "expires_at = 5").await;
        assert_eq!(standing().await.standing(), Standing::Expired, "{engine}");
        let corrects = match cell.config.database_url.starts_with("postgres") {
            true => format!("corrects_id = '{}', published_at = 7", uid(&name)),
            false => format!("corrects_id = x'{}', published_at = 7", uid(&name).replace('-', "")),
        };
        change(&cell, &correction.name, &corrects).await;
        let corrected = standing().await;
        assert_eq!((corrected.standing(), &corrected.corrected_by_number), (Standing::Corrected, &correction.number));
        assert_eq!(corrected.corrected_by_code, correction.verification_code, "{engine}");
        let page = cell.page(&path, "text/html", "").await;
        assert!(text(&page).contains(&correction.verification_code.replace('-', "")), "{engine}");
        change(&cell, &name, "withdrawn_at = 9").await;
        let withdrawn = standing().await;
        assert_eq!((withdrawn.standing(), withdrawn.headlines.len()), (Standing::Withdrawn, 0), "{engine}");
        let page = cell.page(&path, "text/html", "").await;
        assert!(text(&page).contains("has been withdrawn") && !text(&page).contains("Beware"));
        assert_eq!(cell.page(&format!("{path}/poster"), "", "").await.status, 404, "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_is_public_and_published_is_in_the_feeds() {
    for engine in engines() {
        let cell = Cell::start(engine, 10).await;
        let empty = cell.page("/feed.atom", "", "").await;
        assert_eq!((empty.status, text(&empty).contains("<entry>")), (200, false));

        let members = cell.approve(&write(&cell, pb::Visibility::Members, None).await.name).await;
        let public = cell.approve(&write(&cell, pb::Visibility::Public, Some(png(40, 30))).await.name).await;
        assert_eq!(public.visibility(), pb::Visibility::Public);
        let approved = cell.page("/feed.atom", "", "").await;
        assert_eq!(approved.etag, empty.etag, "{engine}: approved is not published");
        for bulletin in [&members, &public] {
            cell.publish(&bulletin.name, "patna").await;
        }
        let feed = cell.page("/feed.atom", "", &empty.etag).await;
        assert_eq!((feed.status, feed.content_type.as_str()), (200, "application/atom+xml; charset=utf-8"));
        assert!(text(&feed).contains(uid(&public.name)) && !text(&feed).contains(uid(&members.name)), "{engine}");
        assert_eq!(cell.page("/feed.atom", "", &feed.etag).await.status, 304, "{engine}");

        let index = cell.page("/feed.cap", "", "").await;
        let address = format!("/cap/{}.xml", uid(&public.name));
        assert!(text(&index).contains(&format!("https://senani.example{address}")), "{engine}");
        let alert = cell.page(&address, "", "").await;
        assert_eq!((alert.status, alert.content_type.as_str()), (200, "application/cap+xml"));
        let poster = public.poster.unwrap();
        for part in [
            "<msgType>Alert</msgType>",
            "<status>Actual</status>",
            "<sender>eou@senani.example</sender>",
            "<value>patna</value>",
            "+05:30</sent>",
            &format!("<size>{}</size>", poster.size),
            &format!("/v/{}/poster</uri>", public.verification_code.replace('-', "")),
        ] {
            assert!(text(&alert).contains(part), "{engine}: {part} in {}", text(&alert));
        }
        // The digest is that of what is at the address.
        let content = cell.page(&format!("/v/{}/poster", public.verification_code), "", "").await.body;
        let digest = hex::encode(<sha1::Sha1 as sha1::Digest>::digest(&content));
        assert!(text(&alert).contains(&format!("<digest>{digest}</digest>")), "{engine}");
        assert_eq!(cell.page(&format!("/cap/{}.xml", uid(&members.name)), "", "").await.status, 404, "{engine}");
        let cancel = format!("/cap/{}-cancel.xml", uid(&public.name));
        assert_eq!(cell.page(&cancel, "", "").await.status, 404, "{engine}");

        change(&cell, &public.name, "withdrawn_at = 1795560000000000, exercise = true").await;
        let cancel = cell.page(&cancel, "", "").await;
        for part in ["<msgType>Cancel</msgType>", "<status>Exercise</status>", uid(&public.name)] {
            assert!(text(&cancel).contains(part), "{engine}: {part}");
        }
        assert!(text(&cell.page("/feed.cap", "", "").await).contains("-cancel.xml"), "{engine}");
        assert_eq!(cell.page(&address, "", "").await.status, 404, "{engine}: what is withdrawn is given out no more");
        let feed = cell.page("/feed.atom", "", &feed.etag).await;
        assert!(feed.status == 200 && text(&feed).contains("वापस लिया गया"), "{engine}");

        let mut officer = PublicPageServiceClient::new(cell.channel(Some(AUTHOR)));
        let denied = refused(officer.get_page(pb::GetPageRequest::default()).await);
        assert_eq!(denied, (Code::PermissionDenied, Some("SERVICES_ONLY".to_owned())), "{engine}");
    }
}
