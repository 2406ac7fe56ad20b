//! Where posters are kept, and what is kept of them.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use http_body_util::{BodyExt as _, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use senani_proto::bulletin::v1 as pb;
use senani_testkit::engines;
use sha2::{Digest, Sha256};
use tonic::Code;

use crate::cell::{AUTHOR, Cell, draft};
use crate::lifecycle::{pieces, png};
use crate::recount::number;

/// The objects in a cell's directory of posters.
pub(crate) fn objects(cell: &Cell) -> Vec<PathBuf> {
    files(Path::new(&cell.config.poster_store.url))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

async fn attach(cell: &Cell, content: &[u8]) -> Result<pb::Bulletin, tonic::Status> {
    let request = pb::CreateBulletinRequest { bulletin: Some(draft()), request_id: String::new() };
    let name = cell.bulletins(AUTHOR).create_bulletin(request).await.expect("a draft").into_inner().name;
    let stream = futures::stream::iter(pieces(&name, content));
    cell.bulletins(AUTHOR).attach_poster(stream).await.map(tonic::Response::into_inner)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_picture_is_one_object_and_one_row_whoever_brings_it() {
    for engine in engines() {
        let cell = Cell::start(engine, 10).await;
        let picture = png(64, 48);
        // The same picture with something behind its end.
        let with_more = [picture.as_slice(), b"25.5941 N 85.1376 E"].concat();
        let first = attach(&cell, &picture).await.unwrap().poster.unwrap();
        assert_eq!(attach(&cell, &with_more).await.unwrap().poster.unwrap(), first);
        let [object] = &objects(&cell)[..] else { panic!("{engine}: one object") };
        let content = std::fs::read(object).unwrap();
        assert_eq!(hex::encode(Sha256::digest(&content)), first.sha256, "{engine}");
        assert!(object.ends_with(format!("{}/{}", &first.sha256[..2], first.sha256)), "{engine}");
        assert_eq!(number(&cell.store(), "SELECT COUNT(*) FROM poster").await, 1, "{engine}");

        // What a crash between the object and the row leaves: an object without a row. It is taken up.
        let (orphan, content) = (png(20, 10), objects(&cell).len());
        let poster = attach(&cell, &orphan).await.unwrap().poster.unwrap();
        assert_eq!(objects(&cell).len(), content + 1);
        let forgotten = format!("DELETE FROM poster WHERE sha256 = '{}'", poster.sha256);
        crate::recount::execute(&cell.store(), &forgotten).await;
        assert_eq!(attach(&cell, &orphan).await.unwrap().poster.unwrap(), poster, "{engine}");
        assert_eq!((objects(&cell).len(), content), (2, 1), "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draft_stays_as_it_is_when_its_poster_cannot_be_stored() {
    for engine in engines() {
        let cell = Cell::start(engine, 10).await;
        // The folder of posters is gone, and something else in its place.
        let folder = &cell.config.poster_store.url;
        std::fs::remove_dir_all(folder).unwrap();
        std::fs::write(folder, "in the way").unwrap();
        let status = attach(&cell, &png(8, 8)).await.expect_err("it cannot be stored");
        let reason = senani_error::reason_of(&status);
        assert_eq!((status.code(), reason.as_deref()), (Code::Unavailable, Some("POSTER_STORE_UNAVAILABLE")));
        assert_eq!(number(&cell.store(), "SELECT COUNT(*) FROM poster").await, 0, "{engine}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_s3_compatible_store_gets_signed_requests_and_gives_the_poster_back_for_sending() {
    type Request = hyper::Request<hyper::body::Incoming>;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let kept = std::sync::Arc::new(std::sync::Mutex::new(std::collections::BTreeMap::<String, bytes::Bytes>::new()));
    let bucket = kept.clone();
    let answer = move |request: Request| {
        let bucket = bucket.clone();
        async move {
            let key = request.uri().path().to_owned();
            let signed = request.headers().get("authorization").and_then(|value| value.to_str().ok());
            let signed = signed.is_some_and(|value| value.starts_with("AWS4-HMAC-SHA256 Credential=desk/"));
            let (method, body) = (request.method().clone(), request.into_body().collect().await?.to_bytes());
            let mut bucket = bucket.lock().unwrap();
            let answer = http::Response::builder().header("etag", "\"1\"");
            let answer = answer.header("last-modified", "Tue, 24 Nov 2026 21:00:00 GMT");
            Ok::<_, hyper::Error>(match (signed, method.as_str(), bucket.get(&key)) {
                (true, "PUT", _) => {
                    bucket.insert(key, body);
                    answer.body(Full::default()).unwrap()
                }
                (true, "GET", Some(content)) => answer.body(Full::new(content.clone())).unwrap(),
                _ => answer.status(403).body(Full::default()).unwrap(),
            })
        }
    };
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service_fn(answer.clone());
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    let engine = engines()[0];
    let cell = Cell::start_with(engine, 10, Default::default(), |config| {
        config.poster_store = senani_bulletin::PosterStore {
            url: "s3://senani/cell".to_owned(),
            endpoint,
            access_key_id: "desk".to_owned(),
            secret_access_key: "sesame".into(),
            ..Default::default()
        };
    })
    .await;
    let attached = attach(&cell, &png(30, 20)).await.unwrap();
    let sha256 = attached.poster.unwrap().sha256;
    let key = format!("/senani/cell/{}/{sha256}", &sha256[..2]);
    assert_eq!(kept.lock().unwrap().keys().collect::<Vec<_>>(), [&key]);
    let approved = cell.approve(&attached.name).await;
    cell.publish(&approved.name, "bihar").await;
    let progress = cell.settled(&approved.name).await;
    assert_eq!((progress.delivery_count, cell.simulator.witness().sends.total), (10, 10));
    let image = image::ImageReader::new(Cursor::new(kept.lock().unwrap()[&key].clone())).with_guessed_format();
    assert_eq!(image.unwrap().into_dimensions().unwrap(), (30, 20));
}
