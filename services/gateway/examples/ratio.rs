//! How many calls a second reach a service through the gateway, beside the same calls straight to it: gateway, service and
//! callers in one process, as in a cell.
//!
//! `cargo run --release -p senani-gateway --example ratio -- [CALLERS] [WORK] [ROUNDS]`: how many call at once (16), the
//! microseconds of work that the service has with each call (0), and how many seconds each way is measured (5).

use std::{
    convert::Infallible,
    hint::black_box,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use futures::future::BoxFuture;
use senani_client::{Channel, ClientOptions};
use senani_gateway::{App, Config};
use senani_server::Server;
use tokio_util::sync::CancellationToken;
use tonic::{
    Request, Response, Status,
    body::Body,
    codegen::http,
    server::{Grpc, NamedService},
};
use tonic_prost::ProstCodec;
use tower::{Service, service_fn};

const GET_UNIT: &str = "/senani.hierarchy.v1.UnitService/GetUnit";
/// A unit with its names and codes has about this many bytes.
const ANSWER_BYTES: usize = 400;

#[derive(Clone)]
struct Units {
    work: Duration,
}

impl NamedService for Units {
    const NAME: &'static str = "senani.hierarchy.v1.UnitService";
}

impl Service<http::Request<Body>> for Units {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<http::Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let work = self.work;
        Box::pin(async move {
            let answer = move |request: Request<String>| async move {
                let begun = Instant::now();
                while begun.elapsed() < work {
                    black_box(request.get_ref());
                }
                Ok::<_, Status>(Response::new("u".repeat(ANSWER_BYTES)))
            };
            Ok(Grpc::new(ProstCodec::<String, String>::default()).unary(service_fn(answer), request).await)
        })
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<u64> = std::env::args().skip(1).map(|text| text.parse()).collect::<Result<_, _>>()?;
    let argument = |at: usize, default| arguments.get(at).copied().unwrap_or(default);
    let (callers, work, rounds) = (argument(0, 16), argument(1, 0), argument(2, 5));

    let stop = CancellationToken::new();
    let listener = senani_server::bind(([127, 0, 0, 1], 0).into())?;
    let hierarchy = format!("http://{}", listener.local_addr()?);
    let server = Server::new("hierarchy").add_service(Units { work: Duration::from_micros(work) });
    let served = tokio::spawn(server.serve(listener, stop.clone()));

    let folder = tempfile::tempdir()?;
    let config = Config {
        listen: ([127, 0, 0, 1], 0).into(),
        hierarchy_url: hierarchy.clone(),
        identities_file: folder.path().join("identities.toml"),
        ..Config::default()
    };
    let app = App::build(config).await?;
    let gateway = format!("http://{}", app.address());
    let token = app.identities()[0].token().expose().to_owned();
    let forwarded = tokio::spawn(app.run(stop.clone()));

    let straight = ClientOptions { subject: Some("officers/desk-author".to_owned()), ..ClientOptions::default() };
    let straight = senani_client::connect(&hierarchy, straight)?;
    let through = ClientOptions { token: Some(token), ..ClientOptions::default() };
    let through = senani_client::connect(&gateway, through)?;

    let (mut rates, mut spent) = ([Vec::new(), Vec::new()], [Duration::ZERO; 2]);
    for round in 0..=rounds {
        for (way, channel) in [&straight, &through].into_iter().enumerate() {
            let cpu = processor_time()?;
            let rate = calls_per_second(channel, callers).await;
            // The first round warms up.
            if round > 0 {
                rates[way].push(rate);
                spent[way] += processor_time()? - cpu;
            }
        }
    }
    let [straight, through] = rates.map(|mut rates| {
        rates.sort_by(f64::total_cmp);
        rates[rates.len() / 2]
    });
    println!(
        "callers {callers}, work {work} us: straight {straight:.0}/s, through {through:.0}/s, {:.1} %",
        through / straight * 100.0
    );
    let each = |rate: f64, spent: Duration| spent.as_secs_f64() / rounds as f64 / rate * 1e6;
    println!(
        "processor time per call: straight {:.1} us, through {:.1} us",
        each(straight, spent[0]),
        each(through, spent[1])
    );
    stop.cancel();
    served.await??;
    forwarded.await??;
    Ok(())
}

async fn calls_per_second(channel: &Channel, callers: u64) -> f64 {
    let (calls, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let begun = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let (channel, calls, over) = (channel.clone(), Arc::clone(&calls), Arc::clone(&over));
            tokio::spawn(async move {
                let mut grpc = tonic::client::Grpc::new(channel);
                while !over.load(Ordering::Relaxed) {
                    let path = http::uri::PathAndQuery::from_static(GET_UNIT);
                    let codec = ProstCodec::<String, String>::default();
                    let request = Request::new("units/patna-kotwali-ps".to_owned());
                    let answer: Response<String> = grpc.unary(request, path, codec).await.expect("an answer");
                    assert_eq!(answer.get_ref().len(), ANSWER_BYTES);
                    calls.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(1)).await;
    over.store(true, Ordering::Relaxed);
    let (counted, elapsed) = (calls.load(Ordering::Relaxed), begun.elapsed());
    for task in tasks {
        task.await.expect("no caller fails");
    }
    counted as f64 / elapsed.as_secs_f64()
}

/// Of this process, all threads.
fn processor_time() -> std::io::Result<Duration> {
    /// The kernel counts in hundredths of a second.
    const TICK: Duration = Duration::from_millis(10);
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit(") ").next().unwrap_or_default();
    let ticks = after_name.split(' ').skip(11).take(2).filter_map(|field| field.parse::<u32>().ok()).sum::<u32>();
    Ok(TICK * ticks)
}
