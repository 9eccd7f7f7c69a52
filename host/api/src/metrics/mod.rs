//! Numbers of requests and of tenants, in the text format of Prometheus (version 0.0.4).
//!
//! Names and labels are those of the table of routes: nothing that a caller sends becomes a label.

mod tenants;

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use siyu_engine::host::Host;
use tokio::time::Instant;

use crate::routes::Route;

/// Upper ends of the times that are counted, microseconds: from a request that stays in memory to one that waits.
const ENDS_US: [u64; 12] =
    [500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000, 30_000_000];
/// The classes of status: 1xx to 5xx.
const CLASSES: usize = 5;

/// What is counted of one route.
pub(crate) struct Counted {
    method: &'static str,
    path: &'static str,
    by_class: [AtomicU64; CLASSES],
    /// By the first end that they do not pass; the last is for all that are longer.
    by_time: [AtomicU64; ENDS_US.len() + 1],
    sum_us: AtomicU64,
}

impl Counted {
    /// What is asked and where, as the table of routes has it.
    pub(crate) fn route(&self) -> (&'static str, &'static str) {
        (self.method, self.path)
    }

    pub(crate) fn of(route: &Route) -> Arc<Self> {
        Arc::new(Self {
            method: route.method,
            path: route.path,
            by_class: Default::default(),
            by_time: Default::default(),
            sum_us: AtomicU64::new(0),
        })
    }

    fn note(&self, status: u16, took_us: u64) {
        let class = self.by_class.get(usize::from(status / 100).saturating_sub(1));
        let time = self.by_time.get(ENDS_US.partition_point(|end| *end < took_us));
        // Numbers are for people who look from time to time: no order between them matters.
        for counter in [class, time].into_iter().flatten() {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_us.fetch_add(took_us, Ordering::Relaxed);
    }

    fn write(&self, text: &mut String) {
        let Self { method, path, .. } = self;
        let labels = format!("method=\"{method}\",route=\"{path}\"");
        for (class, count) in (1..).zip(&self.by_class) {
            let count = count.load(Ordering::Relaxed);
            if count > 0 {
                // Text takes whatever is written to it, here and below.
                let _ = writeln!(text, "siyu_http_requests_total{{{labels},status=\"{class}xx\"}} {count}");
            }
        }
    }

    fn write_times(&self, text: &mut String) {
        let Self { method, path, .. } = self;
        let labels = format!("method=\"{method}\",route=\"{path}\"");
        let mut up_to = 0;
        let ends = ENDS_US.iter().map(|end| seconds(*end)).chain(["+Inf".to_owned()]);
        let lines: Vec<(String, u64)> = ends
            .zip(&self.by_time)
            .map(|(end, count)| {
                up_to += count.load(Ordering::Relaxed);
                (end, up_to)
            })
            .collect();
        if up_to == 0 {
            return;
        }
        for (end, count) in lines {
            let _ = writeln!(text, "siyu_http_request_seconds_bucket{{{labels},le=\"{end}\"}} {count}");
        }
        let sum = seconds(self.sum_us.load(Ordering::Relaxed));
        let _ = writeln!(text, "siyu_http_request_seconds_sum{{{labels}}} {sum}");
        let _ = writeln!(text, "siyu_http_request_seconds_count{{{labels}}} {up_to}");
    }
}

/// Microseconds as seconds, without rounding.
fn seconds(us: u64) -> String {
    let text = format!("{}.{:06}", us / 1_000_000, us % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Counts a request of a route.
pub(crate) async fn count(State(counted): State<Arc<Counted>>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let response = next.run(request).await;
    let took_us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
    counted.note(response.status().as_u16(), took_us);
    response
}

/// What a number is.
fn head(text: &mut String, name: &str, kind: &str, about: &str) {
    let _ = writeln!(text, "# HELP {name} {about}\n# TYPE {name} {kind}");
}

/// All numbers.
pub(crate) fn text(counted: &[Arc<Counted>], host: &Host, streams: usize) -> String {
    let mut text = String::new();
    head(&mut text, "siyu_tenants", "gauge", "Tenants that this host executes.");
    let _ = writeln!(text, "siyu_tenants {}", host.tenants().len());
    head(&mut text, "siyu_tenants_awake", "gauge", "Tenants that are awake.");
    let _ = writeln!(text, "siyu_tenants_awake {}", host.awake());
    head(&mut text, "siyu_streams", "gauge", "Streams that are open.");
    let _ = writeln!(text, "siyu_streams {streams}");
    head(&mut text, "siyu_http_requests_total", "counter", "Requests that were answered.");
    counted.iter().for_each(|counted| counted.write(&mut text));
    head(
        &mut text,
        "siyu_http_request_seconds",
        "histogram",
        "From the head of a request to the head of its answer.",
    );
    counted.iter().for_each(|counted| counted.write_times(&mut text));
    tenants::write(&mut text, &host.numbers());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_counted_up_to_their_ends() {
        let counted = Counted {
            method: "GET",
            path: "/a",
            by_class: Default::default(),
            by_time: Default::default(),
            sum_us: AtomicU64::new(0),
        };
        let mut text = String::new();
        counted.write_times(&mut text);
        assert_eq!(text, "", "nothing was asked");
        for (status, took_us) in [(200, 500), (404, 501), (503, u64::from(u32::MAX))] {
            counted.note(status, took_us);
        }
        counted.write(&mut text);
        counted.write_times(&mut text);
        for line in [
            "siyu_http_requests_total{method=\"GET\",route=\"/a\",status=\"4xx\"} 1",
            "siyu_http_request_seconds_bucket{method=\"GET\",route=\"/a\",le=\"0.0005\"} 1",
            "siyu_http_request_seconds_bucket{method=\"GET\",route=\"/a\",le=\"0.001\"} 2",
            "siyu_http_request_seconds_bucket{method=\"GET\",route=\"/a\",le=\"30\"} 2",
            "siyu_http_request_seconds_bucket{method=\"GET\",route=\"/a\",le=\"+Inf\"} 3",
            "siyu_http_request_seconds_sum{method=\"GET\",route=\"/a\"} 4294.968296",
            "siyu_http_request_seconds_count{method=\"GET\",route=\"/a\"} 3",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
