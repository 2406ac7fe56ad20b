//! Log lines: for people, or JSON.

use std::{
    fmt::{self, Write as _},
    io::{self, IsTerminal as _},
};

use opentelemetry::{Context, trace::TraceContextExt as _};
use serde_json::{Map, Value};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    Layer,
    fmt::{
        FmtContext, FormatEvent, FormatFields, MakeWriter,
        format::Writer,
        time::{FormatTime as _, SystemTime},
    },
    registry::LookupSpan,
};

use crate::{LogFormat, request};

/// The layer that writes events to standard error, coloured when that is a terminal and nobody objects.
pub(crate) fn layer<S>(format: LogFormat) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    layer_to(io::stderr, format, colour)
}

fn layer_to<S, W>(writer: W, format: LogFormat, colour: bool) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(colour);
    match format {
        LogFormat::Human => layer.event_format(Human).boxed(),
        LogFormat::Json => layer.with_ansi(false).event_format(Json).boxed(),
    }
}

/// What joins a line to the other lines and spans of its request.
struct Joints {
    trace: Option<(String, String)>,
    request: Option<String>,
}

impl Joints {
    fn current() -> Self {
        let context = Context::current();
        let span = context.span();
        let span = span.span_context();
        let trace = span.is_valid().then(|| (span.trace_id().to_string(), span.span_id().to_string()));
        let request = request::request_id().and_then(|id| id.to_str().ok().map(str::to_owned));
        Self { trace, request }
    }
}

/// `2026-11-24T23:51:02.000000Z  INFO senani_hierarchy::app hierarchy listens address=127.0.0.1:4001`
struct Human;

impl<S, N> FormatEvent<S, N> for Human
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let fields = Fields::of(event);
        let level = *event.metadata().level();
        let paint = |code: &'static str| if writer.has_ansi_escapes() { code } else { "" };
        let (dim, colour, plain) = (paint("\x1b[2m"), paint(colour_of(level)), paint("\x1b[0m"));

        write!(writer, "{dim}")?;
        SystemTime.format_time(&mut writer)?;
        let target = fields.target.as_deref().unwrap_or(event.metadata().target());
        write!(writer, "{plain} {colour}{level:>5}{plain} {dim}{target}{plain} {}", fields.message)?;
        for (name, value) in &fields.rest {
            match value {
                Value::String(text) if !text.contains([' ', '"', '=', '\n']) => {
                    write!(writer, " {dim}{name}={plain}{text}")?;
                }
                value => write!(writer, " {dim}{name}={plain}{value}")?,
            }
        }
        let joints = Joints::current();
        if let Some(request) = joints.request {
            write!(writer, " {dim}request_id={request}{plain}")?;
        }
        if let Some((trace, span)) = joints.trace {
            write!(writer, " {dim}trace_id={trace} span_id={span}{plain}")?;
        }
        writeln!(writer)
    }
}

fn colour_of(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\x1b[31m",
        Level::WARN => "\x1b[33m",
        Level::INFO => "\x1b[32m",
        Level::DEBUG => "\x1b[34m",
        Level::TRACE => "\x1b[35m",
    }
}

/// `{"timestamp":…,"level":…,"target":…,"message":…,"fields":{…},"request_id":…,"trace_id":…,"span_id":…}`
struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields::of(event);
        let mut time = String::with_capacity(32);
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        let target = fields.target.take().unwrap_or_else(|| event.metadata().target().to_owned());

        write!(writer, "{{\"timestamp\":\"{time}\",\"level\":\"{}\"", event.metadata().level())?;
        write!(writer, ",\"target\":{},\"message\":{}", Value::from(target), Value::from(fields.message))?;
        if !fields.rest.is_empty() {
            write!(writer, ",\"fields\":{}", Value::from(fields.rest))?;
        }
        let joints = Joints::current();
        if let Some(request) = joints.request {
            write!(writer, ",\"request_id\":{}", Value::from(request))?;
        }
        if let Some((trace, span)) = joints.trace {
            write!(writer, ",\"trace_id\":\"{trace}\",\"span_id\":\"{span}\"")?;
        }
        writeln!(writer, "}}")
    }
}

/// The fields of an event. Events of the `log` crate arrive with their target among them.
#[derive(Default)]
struct Fields {
    message: String,
    target: Option<String>,
    rest: Map<String, Value>,
}

impl Fields {
    fn of(event: &Event<'_>) -> Self {
        let mut fields = Self::default();
        event.record(&mut fields);
        fields
    }

    fn put(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(text)) => self.message = text,
            ("log.target", Value::String(text)) => self.target = Some(text),
            (name, _) if name.starts_with("log.") => {}
            (name, value) => {
                self.rest.insert(name.to_owned(), value);
            }
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = String::new();
        let _ = write!(text, "{value:?}");
        self.put(field, Value::String(text));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use http::HeaderValue;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, work: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let layer = layer_to(move || writer.clone(), format, false);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_line_for_people_holds_level_target_message_and_fields() {
        let line = logged(LogFormat::Human, || {
            tracing::warn!(target: "senani_hierarchy", units = 7, path = "a b", kind = "zone", "imported");
        });
        assert!(line.contains(" WARN senani_hierarchy imported "), "{line}");
        assert!(line.contains(r#"units=7"#) && line.contains(r#"path="a b""#) && line.contains("kind=zone"), "{line}");
        assert!(line.ends_with('\n'));
    }

    #[test]
    fn a_json_line_is_one_object_whatever_the_text() {
        let lines = logged(LogFormat::Json, || {
            tracing::error!(target: "t", error = %"line\nbreak \"quoted\"", count = 3, "failed\nbadly");
        });
        let [line] = lines.lines().collect::<Vec<_>>()[..] else { panic!("{lines}") };
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["level"], "ERROR");
        assert_eq!(line["target"], "t");
        assert_eq!(line["message"], "failed\nbadly");
        assert_eq!(line["fields"]["error"], "line\nbreak \"quoted\"");
        assert_eq!(line["fields"]["count"], 3);
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
        assert!(line.get("trace_id").is_none(), "no span, no trace");
    }

    #[tokio::test]
    async fn a_line_of_a_request_carries_its_id() {
        let work = async { logged(LogFormat::Json, || tracing::info!("within")) };
        let line = request::with_request_id(HeaderValue::from_static("0192-abc"), work).await;
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["request_id"], "0192-abc");
    }
}
