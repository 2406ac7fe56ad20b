//! How fast one core answers, and what waiting receipts weigh. Measured on demand, in release:
//! `cargo test -p senani-simulator --release --test api -- --ignored --nocapture throughput`.

use std::{
    convert::Infallible,
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use senani_simulator::{App, Config, Handle};
use tokio_util::sync::CancellationToken;

const MESSAGES: u32 = 300_000;
const CONNECTIONS: u32 = 8;
/// Requests on their way on one connection.
const WINDOW: u32 = 8;

/// Processor time of the calling thread.
fn processor_time() -> Duration {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(stat.split(' ').next().unwrap().parse().unwrap())
}

/// Resident memory of this process, in MiB.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1_024
}

/// Posts a share of the messages, a window at a time, and reads as many answers.
fn client(address: SocketAddr, share: u32) {
    let config = Config::default();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut answers = vec![0; 64 << 10];
    for window in 0..MESSAGES / CONNECTIONS / WINDOW {
        let mut requests = Vec::new();
        for place in 0..WINDOW {
            let number = (window * WINDOW + place) * CONNECTIONS + share;
            let body = format!(
                r#"{{"messaging_product":"whatsapp","recipient_type":"individual","to":"+9110{number:08}","type":"template","template":{{"name":"cyber_bulletin_v1","language":{{"code":"hi"}},"components":[{{"type":"header","parameters":[{{"type":"image","image":{{"link":"https://example.org/poster.jpg"}}}}]}},{{"type":"body","parameters":[{{"type":"text","parameter_name":"bulletin_no","text":"CB-2026-0142"}},{{"type":"text","parameter_name":"headline","text":"साइबर ठगी से सावधान रहें"}}]}}]}},"biz_opaque_callback_data":"0192f3a4-5b6c-7d8e-9f01-{number:012}"}}"#,
            );
            write!(
                requests,
                "POST /v24.0/{}/messages HTTP/1.1\r\nHost: simulator\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                config.phone_number_id,
                config.token,
                body.len(),
            )
            .unwrap();
        }
        stream.write_all(&requests).unwrap();
        let mut missing = WINDOW as usize;
        while missing > 0 {
            let length = stream.read(&mut answers).unwrap();
            let ends = answers[..length].windows(3).filter(|three| three == b"}]}").count();
            assert!(length > 0 && ends <= missing, "an answer is not the documented one");
            missing -= ends;
        }
    }
}

/// A webhook on a thread of its own that takes everything and keeps nothing.
fn take_everything() -> String {
    let (ready, address) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            ready.send(listener.local_addr().unwrap()).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(async move {
                    let service = service_fn(async |request: Request<Incoming>| {
                        let mut body = request.into_body();
                        while body.frame().await.is_some() {}
                        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
                    });
                    let _ =
                        auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
    });
    format!("http://{}/", address.recv().unwrap())
}

/// Sends all messages to a simulator on one thread; messages for each second of that thread's processor time, and by how
/// many MiB this process grew.
fn measure(config: Config) -> (f64, u64, Handle) {
    let before = resident();
    let (ready, address) = std::sync::mpsc::channel();
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    let settles = !config.webhook_url.is_empty();
    let server = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let app = App::build(config).await.unwrap();
            ready.send((app.address(), app.handle())).unwrap();
            app.run(stopped).await.unwrap();
        });
        processor_time()
    });
    let (address, handle) = address.recv().unwrap();
    let clients: Vec<_> = (0..CONNECTIONS).map(|share| std::thread::spawn(move || client(address, share))).collect();
    for client in clients {
        client.join().unwrap();
    }
    while settles && handle.witness().pending > 0 {
        std::thread::sleep(Duration::from_millis(50));
    }
    let grown = resident().saturating_sub(before);
    stop.cancel();
    let spent = server.join().unwrap();
    let sent = handle.witness().sends.total;
    assert_eq!(sent, u64::from(MESSAGES / CONNECTIONS / WINDOW * WINDOW * CONNECTIONS));
    (sent as f64 / spent.as_secs_f64(), grown, handle)
}

#[test]
#[ignore = "a measurement: run it in release"]
fn throughput_of_one_core_is_fifteen_thousand_a_second() {
    let folder = tempfile::tempdir().unwrap();
    let (bare, held, handle) = measure(Config { record: false, ..Config::default() });
    println!("{bare:.0}/s of one core; {} messages wait with their receipts: {held} MiB", handle.witness().pending);
    drop(handle);
    let (with_receipts, grown, handle) = measure(Config { webhook_url: take_everything(), ..Config::default() });
    println!("{with_receipts:.0}/s of one core, {} receipts, {grown} MiB more", handle.witness().webhooks.statuses);
    drop(handle);
    let record_path = Some(folder.path().join("witness.ndjson"));
    let (recorded, _, _) = measure(Config { record_path, ..Config::default() });
    println!("{recorded:.0}/s of one core with a record file");
    assert!(bare > 15_000.0 && recorded > 15_000.0 && with_receipts > 15_000.0);
    assert!(held < 60);
}
