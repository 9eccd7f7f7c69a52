//! Spans of what a host does, sent to an OpenTelemetry collector: the way of a request through the door, the tenant's inbox,
//! its runs' steps and the commit, for whoever looks for lost time.
//!
//! Spans go in the background, in batches, over OTLP (protobuf over HTTP). A collector that is slow or away costs spans and
//! nothing else: what waits is bounded, and what finds no room is dropped and counted in a warning. Without a collector no span
//! is made at all. The parts of the host make spans with the target [`TARGET`] and know nothing of this crate.
//!
//! No span holds what customers are called, write or buy: a collector is another system. Peers of plugins get the number of a span and
//! nothing more of it.

mod client;

use std::collections::HashMap;
use std::time::Duration;

use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::TracerProvider;
use opentelemetry::{KeyValue, trace::TraceContextExt};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use siyu_engine::traces::TARGET;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use client::Client;

/// How long the last spans may take to leave when the host stops.
const LAST: Duration = Duration::from_secs(3);

/// Where spans go, and who says so.
#[derive(Debug, Clone)]
pub struct Collector {
    /// The root of a collector for OTLP over HTTP, such as `http://127.0.0.1:4318`; spans go to `/v1/traces` below it.
    pub endpoint: String,
    /// What the host calls itself there.
    pub host: String,
    /// The version of the program.
    pub version: &'static str,
}

/// Why no spans can be sent.
#[derive(Debug, thiserror::Error)]
pub enum TracesError {
    /// Not an address of a collector.
    #[error(
        "`{found}` is no collector: expected http:// or https:// with a host, such as http://127.0.0.1:4318"
    )]
    Endpoint {
        /// What was given.
        found: String,
    },
    /// The exporter refuses its settings, which may come from variables `OTEL_…`.
    #[error("spans cannot be sent: {0}")]
    Exporter(String),
}

/// What sends spans. They go until it is stopped.
#[derive(Debug)]
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Begins to send spans to a collector.
    ///
    /// Of the variables that OpenTelemetry defines, those of batches (`OTEL_BSP_…`), of samplers (`OTEL_TRACES_SAMPLER`,
    /// `OTEL_TRACES_SAMPLER_ARG`), of limits (`OTEL_SPAN_…`), and `OTEL_EXPORTER_OTLP_HEADERS` and `…_TIMEOUT` count.
    ///
    /// # Errors
    /// When the address is none, or a variable makes no sense.
    pub fn to(collector: &Collector) -> Result<Self, TracesError> {
        let root = collector.endpoint.trim_end_matches('/');
        let authority = root.strip_prefix("http://").or_else(|| root.strip_prefix("https://"));
        if authority.is_none_or(|authority| authority.is_empty() || authority.starts_with([':', '/'])) {
            return Err(TracesError::Endpoint { found: collector.endpoint.clone() });
        }
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Client::new())
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{root}/v1/traces"))
            .build()
            .map_err(|why| TracesError::Exporter(why.to_string()))?;
        let resource = Resource::builder()
            .with_service_name("siyu")
            .with_attribute(KeyValue::new("service.instance.id", collector.host.clone()))
            .with_attribute(KeyValue::new("service.version", collector.version))
            .build();
        Ok(Self(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build()))
    }

    /// What makes spans of those that the host's parts begin.
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: tracing::Subscriber + for<'span> LookupSpan<'span>,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("siyu"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(filter_fn(|metadata| metadata.target() == TARGET))
    }

    /// Sends the last spans, which may take three seconds, and ends.
    pub fn stop(self) {
        if let Err(why) = self.0.shutdown_with_timeout(LAST) {
            tracing::warn!(%why, "the last spans were not sent");
        }
    }
}

/// Makes a span a part of the trace that a request's `traceparent` names (W3C Trace Context). One that is malformed is left alone.
pub fn adopt(span: &Span, traceparent: &str) {
    let fields = Fields(HashMap::from([("traceparent", traceparent)]));
    let parent = TraceContextPropagator::new().extract(&fields);
    if parent.span().span_context().is_valid() {
        // A span that nobody sends has no parent either.
        let _ = span.set_parent(parent);
    }
}

/// The `traceparent` (W3C Trace Context) by which whoever gets a request goes on with the trace of a span: random numbers, and whether
/// the trace is sent to the collector. None for a span that nobody sends.
pub fn parent_of(span: &Span) -> Option<String> {
    let mut fields = HashMap::new();
    TraceContextPropagator::new().inject_context(&span.context(), &mut fields);
    fields.remove("traceparent")
}

/// Fields of a request's head.
struct Fields<'a>(HashMap<&'static str, &'a str>);

impl Extractor for Fields<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).copied()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().copied().collect()
    }
}
