//! `/messages` over HTTP: documented shapes in, documented answers and errors out.

use crate::support::{Running, quick, text};
use http::{Method, StatusCode};
use senani_simulator::{Config, Faults};
use serde_json::{Value, json};

/// The documented template with its header's image.
fn bulletin(image: Value) -> Value {
    json!({
        "messaging_product": "whatsapp", "recipient_type": "individual", "to": "911000000001", "type": "template",
        "template": {
            "name": "cyber_bulletin_v1", "language": {"code": "hi"},
            "components": [
                {"type": "header", "parameters": [{"type": "image", "image": image}]},
                {"type": "body", "parameters": [
                    {"type": "text", "parameter_name": "bulletin_no", "text": "CB-2026-0142"},
                    {"type": "text", "parameter_name": "headline", "text": "सावधान"}]},
                {"type": "button", "sub_type": "quick_reply", "index": "0",
                 "parameters": [{"type": "payload", "payload": "ACK:CB-2026-0142"}]},
                {"type": "button", "sub_type": "url", "index": "1",
                 "parameters": [{"type": "text", "text": "CB-2026-0142"}]},
            ],
        },
        "biz_opaque_callback_data": "run=1;rcpt=1",
    })
}

/// `base` with one member replaced, or taken away by null.
fn with(base: &Value, pointer: &str, value: Value) -> Value {
    let mut changed = base.clone();
    if let Some(place) = changed.pointer_mut(pointer) {
        *place = value;
    } else {
        changed[pointer.trim_start_matches('/')] = value;
    }
    changed
}

#[tokio::test]
async fn a_template_with_an_uploaded_or_linked_image_is_accepted() {
    let simulator = Running::start(quick()).await;
    let form = "--x\r\nContent-Disposition: form-data; name=\"messaging_product\"\r\n\r\nwhatsapp\r\n--x\r\n\
                Content-Disposition: form-data; name=\"file\"; filename=\"p.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n";
    let form = [form.as_bytes(), b"\xff\xd8\xff\xe0 poster", b"\r\n--x--\r\n"].concat();
    let path = format!("/v24.0/{}/media", Config::default().phone_number_id);
    let headers = [("content-type", "multipart/form-data; boundary=x")];
    let (_, uploaded) = simulator.call(Method::POST, &path, &headers, form).await.unwrap();
    let uploaded: Value = serde_json::from_slice(&uploaded).unwrap();

    for image in [json!({"id": uploaded["id"]}), json!({"link": "https://example.org/poster.jpg"})] {
        let (status, answer) = simulator.send(&bulletin(image)).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        let id = answer["messages"][0]["id"].as_str().unwrap();
        assert!(id.starts_with("wamid.") && !id.contains("1000000001"), "{id}");
        assert_eq!(
            answer,
            json!({
                "messaging_product": "whatsapp",
                "contacts": [{"input": "911000000001", "wa_id": "911000000001"}],
                "messages": [{"id": id, "message_status": "accepted"}],
            })
        );
    }
    assert_eq!(simulator.handle.sends_of("run=1;rcpt=1"), 2);
}

#[tokio::test]
async fn text_and_image_are_accepted_over_both_versions_of_http() {
    for http2 in [false, true] {
        let simulator = Running::start_with(quick(), http2).await;
        let (status, answer) = simulator.send(&text(7, "a")).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        assert_eq!(answer["contacts"], json!([{"input": "+911000000007", "wa_id": "911000000007"}]));
        assert_eq!(answer["messages"][0]["message_status"], Value::Null);
        let image = json!({"link": "http://example.org/a.png", "caption": "चित्र"});
        let image = json!({"messaging_product": "whatsapp", "to": "911000000007", "type": "image", "image": image});
        assert_eq!(simulator.send(&image).await.0, StatusCode::OK);
        let counts = simulator.handle.witness().sends;
        assert_eq!((counts.total, counts.unique, counts.repeated, counts.without_callback_data), (2, 1, 0, 1));
    }
}

#[tokio::test]
async fn every_wrong_message_gets_its_documented_error_and_is_not_accepted() {
    let simulator = Running::start(quick()).await;
    let plain = text(1, "x");
    let template = bulletin(json!({"link": "https://example.org/p.png"}));
    let long = |length| json!("क".repeat(length));
    let header = "/template/components/0/parameters/0";
    let body = "/template/components/1/parameters/0";
    let button = "/template/components/2";
    let cases = [
        (with(&plain, "/messaging_product", json!("sms")), 100),
        (with(&plain, "/messaging_product", Value::Null), 100),
        (with(&plain, "/recipient_type", json!("group")), 100),
        (with(&plain, "/to", json!(911_000_000_001_u64)), 100),
        (with(&plain, "/text/body", json!("")), 100),
        (with(&plain, "/text/body", long(4_097)), 100),
        (json!([]), 100),
        (with(&plain, "/to", Value::Null), 131_008),
        (with(&plain, "/text", Value::Null), 131_008),
        (with(&plain, "/text/body", Value::Null), 131_008),
        (with(&plain, "/type", json!("image")), 131_008),
        (with(&plain, "/to", json!("not a number")), 131_009),
        (with(&plain, "/biz_opaque_callback_data", json!("x".repeat(513))), 131_009),
        (with(&plain, "/to", json!("+919876543210")), 131_030),
        (with(&plain, "/to", json!("919900000001")), 131_030),
        (with(&plain, "/to", json!("+14155550100")), 131_030),
        (with(&plain, "/to", json!("1000000001")), 131_030),
        (with(&plain, "/type", json!("interactive")), 131_051),
        (with(&template, "/template/name", json!("Not A Name")), 132_001),
        (with(&template, "/template/language/code", json!("hindi")), 132_001),
        (with(&template, "/template/name", Value::Null), 131_008),
        (with(&template, "/template/language", Value::Null), 131_008),
        (with(&template, &format!("{header}/image"), json!({"id": "1013859600285441"})), 131_053),
        (with(&template, &format!("{header}/image"), json!({"id": "1", "link": "https://example.org"})), 100),
        (with(&template, &format!("{header}/image"), json!({})), 131_008),
        (with(&template, &format!("{header}/image"), json!({"link": "ftp://example.org"})), 131_009),
        (with(&template, &format!("{header}/type"), json!("video")), 100),
        (with(&template, &format!("{body}/text"), long(1_025)), 132_005),
        (with(&template, &format!("{body}/text"), Value::Null), 131_008),
        (with(&template, &format!("{button}/sub_type"), json!("call")), 131_009),
        (with(&template, &format!("{button}/index"), Value::Null), 131_008),
        (with(&template, &format!("{button}/parameters/0/payload"), Value::Null), 131_009),
        (with(&template, "/template/components/0/type", json!("footer")), 100),
        (with(&template, "/template/components/1/type", json!("header")), 100),
    ];
    for (message, code) in &cases {
        let (status, answer) = simulator.send(message).await;
        assert_eq!(answer["error"]["code"], *code, "{message} got {answer}");
        let expected = if *code == 132_001 { StatusCode::NOT_FOUND } else { StatusCode::BAD_REQUEST };
        assert_eq!(status, expected, "{answer}");
        assert_eq!(answer["error"]["type"], "OAuthException");
        assert!(answer["error"]["message"].as_str().unwrap().starts_with(&format!("(#{code}) ")), "{answer}");
        assert_eq!(answer["error"]["error_data"]["messaging_product"], "whatsapp");
        assert!(answer["error"]["error_data"]["details"].is_string() && answer["error"]["fbtrace_id"].is_string());
    }
    let witness = simulator.handle.witness();
    assert_eq!(witness.sends.total, 0);
    assert_eq!(witness.refused.values().sum::<u64>(), cases.len() as u64);
    assert_eq!(witness.refused[&131_030], 4);
}

#[tokio::test]
async fn wrong_tokens_paths_and_bodies_are_refused() {
    let simulator = Running::start(quick()).await;
    let sender = Config::default().phone_number_id;
    let messages = format!("/v24.0/{sender}/messages");
    let body = || text(1, "x").to_string();
    let ours = format!("Bearer {}", Config::default().token);
    for (method, path, authorization, body, status, code) in [
        (Method::POST, messages.as_str(), "", body(), 401, 190),
        (Method::POST, messages.as_str(), "Bearer other", body(), 401, 190),
        (Method::POST, messages.as_str(), "Basic eDp5", body(), 401, 190),
        (Method::POST, "/v24.0/1/messages", &ours, body(), 400, 100),
        (Method::GET, messages.as_str(), &ours, String::new(), 400, 100),
        (Method::GET, "/v24.0/1234567890123456", &ours, String::new(), 400, 100),
        (Method::DELETE, "/v24.0/1234567890123456", &ours, String::new(), 400, 100),
        (Method::POST, "/v23.0/1/messages", &ours, body(), 404, 2_500),
        (Method::GET, "/", &ours, String::new(), 404, 2_500),
        (Method::POST, messages.as_str(), &ours, "{".into(), 400, 100),
        (Method::POST, messages.as_str(), &ours, String::new(), 400, 100),
        (Method::POST, messages.as_str(), &ours, " ".repeat(70_000), 400, 100),
    ] {
        let headers = [("authorization", authorization)];
        let (answered, answer) = simulator.call(method.clone(), path, &headers, body).await.unwrap();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!((answered.as_u16(), &answer["error"]["code"]), (status, &json!(code)), "{method} {path}: {answer}");
    }
    assert_eq!(simulator.handle.witness().sends.total, 0);
}

#[tokio::test]
async fn faults_are_switched_on_and_off_and_only_the_announced_ones_accept() {
    let simulator = Running::start(quick()).await;
    let one = |change: fn(&mut Faults)| {
        let mut faults = Faults { hang_ms: 20, ..Faults::default() };
        change(&mut faults);
        faults
    };
    for (faults, status, code) in [
        (one(|faults| faults.rate_limited = 1.0), 429, 130_429),
        (one(|faults| faults.unavailable = 1.0), 503, 131_016),
        (one(|faults| faults.server_error = 1.0), 500, 131_000),
    ] {
        simulator.handle.set_faults(faults).unwrap();
        let (answered, answer) = simulator.send(&text(1, "refused")).await;
        assert_eq!((answered.as_u16(), &answer["error"]["code"]), (status, &json!(code)));
    }
    let path = format!("/v24.0/{}/messages", Config::default().phone_number_id);
    for (faults, callback) in [
        (one(|faults| faults.request_lost = 1.0), "request lost"),
        (one(|faults| faults.answer_lost = 1.0), "answer lost"),
    ] {
        simulator.handle.set_faults(faults).unwrap();
        let headers = [("content-type", "application/json")];
        let answer = simulator.call(Method::POST, &path, &headers, text(1, callback).to_string()).await;
        assert!(answer.is_err(), "{callback}: {answer:?}");
    }
    simulator.handle.set_faults(one(|faults| faults.silent = 1.0)).unwrap();
    assert_eq!(simulator.send(&text(1, "silent")).await.0, StatusCode::OK);
    simulator.handle.set_faults(Faults::default()).unwrap();
    assert_eq!(simulator.send(&text(1, "healed")).await.0, StatusCode::OK);

    let sends = |callback| simulator.handle.sends_of(callback);
    assert_eq!((sends("refused"), sends("request lost")), (0, 0));
    assert_eq!((sends("answer lost"), sends("silent"), sends("healed")), (1, 1, 1));
    let witness = simulator.handle.witness();
    assert_eq!((witness.faults.request_lost, witness.faults.answer_lost, witness.outcomes.silent), (1, 1, 1));
    assert!(simulator.handle.set_faults(one(|faults| faults.silent = 1.5)).is_err());
}
