//! Receipts on their way: taken from the wheel, gathered, signed, posted, repeated until they are taken.

use std::{
    collections::VecDeque,
    io::Write,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    plan::{Status, Step},
    provider::Provider,
    refusal::title,
    signature::{SIGNATURE_HEADER, sign},
    wheel::{MessageId, Pending, TICK_MS},
    witness::ReceiptCounts,
};

type HttpClient = Client<HttpConnector, Full<Bytes>>;

/// Bytes of an answer that are read so that its connection can be used again.
const MAX_ANSWER: usize = 64 << 10;
/// Room for one receipt with callback data of usual length.
const USUAL_STATUS: usize = 400;

/// One webhook. Only its bytes wait while it is repeated.
#[derive(Debug)]
struct Batch {
    body: Bytes,
    signature: HeaderValue,
    statuses: usize,
    receipts: ReceiptCounts,
    /// Messages whose last receipt is in this batch.
    finished: Vec<MessageId>,
}

/// Posts receipts until `stop`.
pub(crate) async fn run(provider: Arc<Provider>, stop: CancellationToken) {
    let posts = Arc::new(Semaphore::new(provider.config.webhook.in_flight));
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: HttpClient = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector);
    let linger = Duration::from_millis(provider.config.webhook.linger_ms.into());
    let tasks = TaskTracker::new();
    let mut due: VecDeque<Pending> = VecDeque::new();
    let mut waiting_since = Instant::now();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            () = provider.next_turn(due.is_empty()) => {}
        }
        let was_empty = due.is_empty();
        provider.take_due(&mut due);
        if was_empty {
            waiting_since = Instant::now();
        }
        while due.len() >= provider.config.webhook.batch || (!due.is_empty() && waiting_since.elapsed() >= linger) {
            if provider.webhook_uri().is_none() {
                break;
            }
            let Ok(permit) = Arc::clone(&posts).try_acquire_owned() else { break };
            let batch = gather(&provider, &mut due);
            waiting_since = Instant::now();
            tasks.spawn(post(Arc::clone(&provider), client.clone(), batch, permit, stop.clone()));
        }
        if due.is_empty() && due.capacity() > 4_096 {
            due.shrink_to(1_024);
        }
    }
    tasks.close();
    tasks.wait().await;
}

impl Provider {
    /// Waits for the next tick, or, with nothing to wait for, until a message is accepted.
    async fn next_turn(&self, nothing_due: bool) {
        if nothing_due && self.wheel().is_empty() {
            self.wake.notified().await;
        }
        tokio::time::sleep(Duration::from_millis(TICK_MS)).await;
    }
}

/// Builds one webhook from the front of `due`; messages with further receipts go back into the wheel.
fn gather(provider: &Provider, due: &mut VecDeque<Pending>) -> Batch {
    let statuses = due.len().min(provider.config.webhook.batch);
    let mut body = Vec::with_capacity(512 + statuses * USUAL_STATUS);
    let mut receipts = ReceiptCounts::default();
    let mut finished = Vec::new();
    let config = &provider.config;
    write!(
        body,
        concat!(
            r#"{{"object":"whatsapp_business_account","entry":[{{"id":"{}","changes":[{{"field":"messages","value":{{"#,
            r#""messaging_product":"whatsapp","metadata":{{"display_phone_number":"{}","phone_number_id":"{}"}},"#,
            r#""statuses":["#
        ),
        config.business_account_id, config.display_phone_number, config.phone_number_id,
    )
    .expect("memory takes every write");
    let mut wheel = provider.wheel();
    for (position, mut pending) in due.drain(..statuses).enumerate() {
        let plan = provider.plan(&pending);
        let number = usize::from(pending.step);
        let step = plan.steps()[number];
        receipts.add(&step);
        if position > 0 {
            body.push(b',');
        }
        write_status(&mut body, &pending, &step);
        match plan.steps().get(number + 1) {
            Some(next) => {
                pending.step += 1;
                pending.due_ms = next.due_ms;
                wheel.push(pending);
            }
            None => finished.push(pending.id),
        }
    }
    drop(wheel);
    body.extend_from_slice(b"]}}]}]}");
    let signature = HeaderValue::from_str(&sign(&config.app_secret, &body)).expect("hexadecimal is a header value");
    Batch { body: body.into(), signature, statuses, receipts, finished }
}

fn write_status(body: &mut Vec<u8>, pending: &Pending, step: &Step) {
    let status = match step.status {
        Status::Sent => "sent",
        Status::Delivered => "delivered",
        Status::Read => "read",
        Status::Failed(_) => "failed",
    };
    let seconds = (pending.accepted_ms + u64::from(step.happened_ms)) / 1_000;
    let mut write = |arguments: std::fmt::Arguments<'_>| body.write_fmt(arguments).expect("memory takes every write");
    write(format_args!(r#"{{"id":"{}","status":"{status}","timestamp":"{seconds}""#, pending.id));
    if pending.recipient.is_kept() {
        write(format_args!(r#","recipient_id":"{}""#, pending.recipient));
    }
    if step.priced {
        write(format_args!(
            r#","pricing":{{"billable":{},"pricing_model":"PMP","type":"{}","category":"{}"}}"#,
            pending.template,
            if pending.template { "regular" } else { "free_customer_service" },
            if pending.template { "utility" } else { "service" },
        ));
    }
    if let Status::Failed(code) = step.status {
        let title = title(code);
        write(format_args!(
            concat!(
                r#","errors":[{{"code":{code},"title":"{title}","message":"{title}","error_data":{{"details":"{title}"}},"#,
                r#""href":"/docs/whatsapp/cloud-api/support/error-codes/"}}]"#
            ),
            code = code,
            title = title,
        ));
    }
    if !pending.callback.is_empty() {
        body.extend_from_slice(br#","biz_opaque_callback_data":"#);
        serde_json::to_writer(&mut *body, &pending.callback).expect("memory takes every write");
    }
    body.push(b'}');
}

/// Posts one batch until it is taken, or until `stop`.
async fn post(
    provider: Arc<Provider>,
    client: HttpClient,
    batch: Batch,
    _permit: OwnedSemaphorePermit,
    stop: CancellationToken,
) {
    let webhook = provider.config.webhook;
    let longest = Duration::from_millis(webhook.retry_to_ms.max(webhook.retry_from_ms).into());
    let mut pause = Duration::from_millis(webhook.retry_from_ms.into());
    loop {
        let answer = tokio::select! {
            () = stop.cancelled() => return,
            answer = tokio::time::timeout(Duration::from_millis(webhook.timeout_ms.into()), attempt(&provider, &client, &batch)) => {
                answer.unwrap_or_else(|_| Err("no answer in time".into()))
            }
        };
        let Err(reason) = answer else { break };
        provider.witness.webhook_failed();
        if !provider.webhook_failing.swap(true, Ordering::Relaxed) {
            tracing::warn!(reason, "the webhook does not take receipts; they are repeated until it does");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..=1.0))) => {}
        }
        pause = (pause * 2).min(longest);
    }
    if provider.webhook_failing.swap(false, Ordering::Relaxed) {
        tracing::info!("the webhook takes receipts again");
    }
    if let Err(error) = provider.witness.webhook_taken(batch.statuses, &batch.receipts, &batch.finished) {
        // The worst of it: a simulator started on this file again repeats these receipts.
        tracing::warn!(%error, "the record of taken receipts cannot be written");
    }
    provider.finish(batch.finished.len());
}

/// One request; an error says why the receipts count as not taken.
async fn attempt(provider: &Provider, client: &HttpClient, batch: &Batch) -> Result<(), String> {
    // Read again each time: the address may have been corrected meanwhile.
    let uri: Uri = provider.webhook_uri().ok_or("no webhook address")?;
    let mut request = Request::new(Full::new(batch.body.clone()));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri;
    request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    request.headers_mut().insert(SIGNATURE_HEADER, batch.signature.clone());
    let answer = client.request(request).await.map_err(|error| {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        cause.unwrap_or_else(|| error.to_string())
    })?;
    let status = answer.status();
    // An answer that cannot be read to its end costs its connection, nothing else.
    let _ = Limited::new(answer.into_body(), MAX_ANSWER).collect().await;
    if status.is_success() { Ok(()) } else { Err(format!("answered {status}")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::Config, recipient::Recipient};

    fn status(step: &Step, recipient: Recipient, callback: &str) -> serde_json::Value {
        let pending = Pending {
            callback: callback.into(),
            accepted_ms: 1_750_263_773_000,
            id: MessageId { start: 1, number: 2 },
            recipient,
            due_ms: 0,
            step: 0,
            template: true,
        };
        let mut body = Vec::new();
        write_status(&mut body, &pending, step);
        serde_json::from_slice(&body).unwrap()
    }

    #[test]
    fn statuses_have_the_documented_shape() {
        let to = Recipient::parse("911000000001").unwrap();
        let step = Step {
            status: Status::Delivered,
            happened_ms: 999,
            due_ms: 999,
            repeated: false,
            early: false,
            priced: true,
        };
        assert_eq!(
            status(&step, to, "run=\"1\";rcpt=2"),
            serde_json::json!({
                "id": "wamid.HBgL0000000100000002", "status": "delivered", "timestamp": "1750263773",
                "recipient_id": "911000000001", "biz_opaque_callback_data": "run=\"1\";rcpt=2",
                "pricing": {"billable": true, "pricing_model": "PMP", "type": "regular", "category": "utility"},
            })
        );
        let failed = status(&Step { status: Status::Failed(131_026), priced: false, ..step }, Recipient::NOT_KEPT, "");
        assert_eq!(
            failed,
            serde_json::json!({
                "id": "wamid.HBgL0000000100000002", "status": "failed", "timestamp": "1750263773",
                "errors": [{
                    "code": 131026, "title": "Message undeliverable", "message": "Message undeliverable",
                    "error_data": {"details": "Message undeliverable"},
                    "href": "/docs/whatsapp/cloud-api/support/error-codes/",
                }],
            })
        );
    }

    #[test]
    fn a_batch_of_a_thousand_stays_below_the_documented_megabyte() {
        let provider =
            Provider::new(Config { webhook_url: "http://127.0.0.1:1/".into(), ..Config::default() }).unwrap();
        let mut due: VecDeque<Pending> = (0..1_500)
            .map(|number| Pending {
                callback: format!("0192f3a4-5b6c-7d8e-9f01-{number:012}").into(),
                accepted_ms: 1_750_263_773_000,
                id: MessageId { start: 1, number },
                recipient: Recipient::parse("911000000001").unwrap(),
                due_ms: 0,
                step: 0,
                template: true,
            })
            .collect();
        let batch = gather(&provider, &mut due);
        assert_eq!((batch.statuses, due.len()), (1_000, 500));
        assert!(batch.body.len() < 1 << 20, "{} bytes", batch.body.len());
        let body: serde_json::Value = serde_json::from_slice(&batch.body).unwrap();
        assert_eq!(body["entry"][0]["changes"][0]["value"]["statuses"].as_array().unwrap().len(), 1_000);
        let mut further = VecDeque::new();
        provider.wheel().take_due(u64::MAX, &mut further);
        assert_eq!(batch.finished.len() + further.len(), 1_000);
        assert!(further.iter().all(|pending| pending.step == 1));
    }
}
