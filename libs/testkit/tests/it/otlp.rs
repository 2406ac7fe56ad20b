use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span::Link, status::StatusCode};
use senani_testkit::{OtlpReceiver, SpanLink};

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.into(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

#[tokio::test]
async fn a_span_keeps_its_service_its_parent_its_links_and_its_attributes() {
    let receiver = OtlpReceiver::start().await;
    let span = Span {
        trace_id: vec![0xab; 16],
        span_id: vec![1; 8],
        parent_span_id: vec![2; 8],
        name: "deliver".into(),
        attributes: vec![attribute("attempt", Value::IntValue(2))],
        links: vec![Link { trace_id: vec![3; 16], span_id: vec![4; 8], ..Link::default() }],
        status: Some(Status { code: StatusCode::Error.into(), ..Status::default() }),
        ..Span::default()
    };
    let service = attribute("service.name", Value::StringValue("bulletin".into()));
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource { attributes: vec![service], ..Resource::default() }),
            scope_spans: vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }],
            ..ResourceSpans::default()
        }],
    };
    TraceServiceClient::connect(receiver.endpoint()).await.unwrap().export(request).await.unwrap();

    let spans = receiver.spans();
    assert_eq!(spans.len(), 1);
    assert_eq!((spans[0].service.as_str(), spans[0].name.as_str()), ("bulletin", "deliver"));
    assert_eq!(spans[0].trace_id, "ab".repeat(16));
    assert_eq!((spans[0].span_id.as_str(), spans[0].parent_span_id.as_str()), ("0101010101010101", "0202020202020202"));
    assert_eq!(spans[0].attributes["attempt"], "2");
    assert_eq!(spans[0].links, [SpanLink { trace_id: "03".repeat(16), span_id: "04".repeat(8) }]);
    assert!(spans[0].failed);
    assert!(receiver.metrics().is_empty());
}
