//! The witness over HTTP and on disk, and the media.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::{Running, Sink, quick, text};
use http::{Method, StatusCode};
use senani_simulator::{App, Config, Error, Outcomes, SendLine, Testimony};
use serde_json::Value;

async fn testimony(simulator: &Running) -> Testimony {
    let (status, body) = simulator.call(Method::GET, "/witness", &[("authorization", "")], "").await.unwrap();
    assert_eq!(status, StatusCode::OK);
    serde_json::from_slice(&body).unwrap()
}

async fn send_lines(simulator: &Running) -> Vec<SendLine> {
    let path = "/witness/sends?format=ndjson";
    let (_, body) = simulator.call(Method::GET, path, &[("authorization", "")], "").await.unwrap();
    body.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

#[tokio::test]
async fn another_process_can_judge_exactly_once() {
    let simulator = Running::start(quick()).await;
    simulator.send_many("person", 2_100).await;
    simulator.send_many("person", 3).await;
    let witness = testimony(&simulator).await;
    assert_eq!((witness.sends.total, witness.sends.unique, witness.sends.repeated), (2_103, 2_100, 3));
    let lines = send_lines(&simulator).await;
    let counts: BTreeMap<&str, u32> = lines.iter().map(|line| (line.callback_data.as_str(), line.count)).collect();
    assert_eq!((lines.len(), counts.len()), (2_100, 2_100));
    assert_eq!((counts["person-2"], counts["person-3"]), (2, 1));
    let (status, _) = simulator.call(Method::GET, "/witness/sends?format=csv", &[], "").await.unwrap();
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_callers_trace_is_kept_and_no_number_is() {
    let simulator = Running::start(quick()).await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let path = format!("/v24.0/{}/messages", Config::default().phone_number_id);
    let (status, answer) =
        simulator.call(Method::POST, &path, &[("traceparent", trace)], text(1, "a").to_string()).await.unwrap();
    assert_eq!(status, StatusCode::OK);
    assert!(!String::from_utf8(answer.to_vec()).unwrap().contains("0af7651916cd"));
    simulator.send_many("b", 1).await;
    let lines = send_lines(&simulator).await;
    assert_eq!((lines[0].traceparent.as_deref(), lines[1].traceparent.as_deref()), (Some(trace), None));
    let (_, body) = simulator.call(Method::GET, "/witness/sends", &[], "").await.unwrap();
    assert!(!String::from_utf8(body.to_vec()).unwrap().contains("9110"));
}

#[tokio::test]
async fn a_simulator_that_is_not_told_to_record_counts_only() {
    let simulator = Running::start(Config { record: false, ..quick() }).await;
    simulator.send_many("person", 4).await;
    let witness = testimony(&simulator).await;
    assert_eq!((witness.sends.total, witness.sends.unique, witness.sends.unrecorded), (4, 0, 4));
    assert_eq!(send_lines(&simulator).await, []);
}

#[tokio::test]
async fn the_record_file_outlives_the_simulator_and_the_receipts_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("witness.ndjson");
    let sink = Sink::start(&Config::default().app_secret, 0).await;
    let config = Config { record_path: Some(path.clone()), outcomes: Outcomes::undisturbed(), ..quick() };

    // The first simulator has nobody to give its receipts to.
    let first = Running::start(config.clone()).await;
    first.send_many("person", 30).await;
    let ids = std::fs::read_to_string(&path).unwrap();
    assert_eq!(ids.lines().count(), 30, "each send is on disk before its answer");
    assert!(!ids.contains("9110"), "no number is on disk");
    let taken = App::build(config.clone()).await.unwrap_err();
    assert!(matches!(taken, Error::Record { what: "witness", .. }), "{taken}");
    first.stop().await;

    // The second one knows the sends, gives the receipts of the first and accepts more.
    let second = Running::start(Config { webhook_url: sink.url.clone(), ..config.clone() }).await;
    assert_eq!(second.handle.witness().sends.unique, 30);
    assert_eq!(second.handle.sends_of("person-29"), 1);
    second.send_many("person", 2).await;
    second.send_many("later", 1).await;
    second.settle().await;
    let statuses = sink.statuses();
    assert_eq!(statuses.len(), 33 * 3);
    let old = |status: &&Value| ids.contains(status["id"].as_str().unwrap());
    assert_eq!(statuses.iter().filter(old).count(), 90);
    assert!(statuses.iter().filter(old).all(|status| status["recipient_id"].is_null()));
    let unique: BTreeSet<&str> = statuses.iter().map(|status| status["id"].as_str().unwrap()).collect();
    assert_eq!(unique.len(), 33);
    second.stop().await;

    // The third one has nothing left to do.
    let third = Running::start(Config { webhook_url: sink.url.clone(), ..config }).await;
    let witness = third.handle.witness();
    assert_eq!((witness.sends.total, witness.sends.unique, witness.sends.repeated, witness.pending), (33, 31, 2, 0));
    assert_eq!(witness.outcomes.read, 31);
}

fn form(mime_type: &str, file: &[u8]) -> Vec<u8> {
    let head = format!(
        "--x\r\nContent-Disposition: form-data; name=\"messaging_product\"\r\n\r\nwhatsapp\r\n--x\r\n\
         Content-Disposition: form-data; name=\"file\"; filename=\"p\"\r\nContent-Type: {mime_type}\r\n\r\n"
    );
    [head.as_bytes(), file, b"\r\n--x--\r\n"].concat()
}

async fn upload(simulator: &Running, body: Vec<u8>) -> (StatusCode, Value) {
    let path = format!("/v24.0/{}/media", Config::default().phone_number_id);
    let headers = [("content-type", "multipart/form-data; boundary=x")];
    let (status, body) = simulator.call(Method::POST, &path, &headers, body).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

#[tokio::test]
async fn media_are_described_downloaded_kept_and_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config { record_path: Some(folder.path().join("witness.ndjson")), ..quick() };
    let simulator = Running::start(config.clone()).await;
    let poster = b"\x89PNG\r\n\x1a\n a poster".as_slice();
    let (status, uploaded) = upload(&simulator, form("image/png", poster)).await;
    assert_eq!(status, StatusCode::OK, "{uploaded}");
    let id = uploaded["id"].as_str().unwrap().to_owned();
    simulator.stop().await;

    let simulator = Running::start(config).await;
    let path = format!("/v24.0/{id}?phone_number_id={}", Config::default().phone_number_id);
    let (_, body) = simulator.call(Method::GET, &path, &[], "").await.unwrap();
    let description: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(description["mime_type"], "image/png");
    assert_eq!(description["sha256"], "3639fcc90e6731a1357483936b04928df01ee3fb9336f1f3aa5a01907face6dd");
    assert_eq!((&description["file_size"], &description["id"]), (&"17".into(), &id.as_str().into()));
    let address = description["url"].as_str().unwrap().to_owned();
    let bytes = address.strip_prefix(&format!("http://{}", simulator.address)).unwrap();
    assert_eq!(simulator.call(Method::GET, bytes, &[], "").await.unwrap(), (StatusCode::OK, poster.into()));
    let (status, _) = simulator.call(Method::GET, bytes, &[("authorization", "")], "").await.unwrap();
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let later = bytes.replace("oe=1", "oe=2");
    assert_eq!(simulator.call(Method::GET, &later, &[], "").await.unwrap().0, StatusCode::BAD_REQUEST);

    let (status, body) = simulator.call(Method::DELETE, &format!("/v24.0/{id}"), &[], "").await.unwrap();
    assert_eq!((status, &body[..]), (StatusCode::OK, br#"{"success":true}"#.as_slice()));
    assert_eq!(simulator.call(Method::GET, &path, &[], "").await.unwrap().0, StatusCode::BAD_REQUEST);
    assert_eq!(std::fs::read_dir(folder.path().join("witness.media")).unwrap().count(), 0);
}

#[tokio::test]
async fn files_that_are_not_small_images_are_refused() {
    let simulator = Running::start(Config { media_capacity: 6 << 20, ..quick() }).await;
    let png = |length: usize| [b"\x89PNG\r\n\x1a\n".as_slice(), &vec![0; length - 8]].concat();
    for (body, code) in [
        (form("image/png", b"GIF89a"), 100),
        (form("image/jpeg", &png(100)), 100),
        (b"--x--".to_vec(), 100),
        (b"no form".to_vec(), 100),
        (form("image/png", b""), 131_053),
        (form("image/png", &png((5 << 20) + 1)), 131_053),
        (form("image/png", &png(12 << 20)), 131_053),
    ] {
        let (status, answer) = upload(&simulator, body).await;
        assert_eq!((status, &answer["error"]["code"]), (StatusCode::BAD_REQUEST, &code.into()), "{answer}");
    }
    assert_eq!(upload(&simulator, form("image/png", &png(5 << 20))).await.0, StatusCode::OK);
    // There is room for six megabytes, of which five are taken.
    let (status, answer) = upload(&simulator, form("image/png", &png(2 << 20))).await;
    assert_eq!((status, &answer["error"]["code"]), (StatusCode::INTERNAL_SERVER_ERROR, &131_000.into()));
}

#[tokio::test]
async fn configurations_that_cannot_work_are_refused_by_field() {
    type Change = fn(&mut Config);
    let changes: [(&str, Change); 8] = [
        ("app_secret", |config| config.app_secret.clear()),
        ("token", |config| config.token.clear()),
        ("phone_number_id", |config| config.phone_number_id = "../x".into()),
        ("webhook_url", |config| config.webhook_url = "https://example.org/".into()),
        ("webhook.batch", |config| config.webhook.batch = 1_001),
        ("delays.read", |config| config.delays.read.from = 9_999),
        ("outcomes.failed", |config| config.outcomes.failed[0].share = 1.5),
        ("faults", |config| config.faults.silent = -0.1),
    ];
    for (expected, change) in changes {
        let mut config = quick();
        change(&mut config);
        match App::build(config).await {
            Err(Error::Config { field, .. }) => assert_eq!(field, expected),
            other => panic!("{expected}: {other:?}"),
        }
    }
    let printed = format!("{:?}", Config { app_secret: "s3cret".into(), token: "t0ken".into(), ..quick() });
    assert!(!printed.contains("s3cret") && !printed.contains("t0ken"), "{printed}");
}
