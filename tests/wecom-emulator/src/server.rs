//! HTTP/1.1 on a loopback address: WeCom's paths, and `/emulator/…` for who watches.

use std::sync::Arc;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::codes::{NOT_GET, NOT_POST, Refusal, TOO_LONG};
use crate::emulator::Shared;
use crate::routes::{Call, ROUTES, Route};

/// Bytes of a body.
const BODY_BYTES_MAX: usize = 1 << 20;

type Answered = Response<Full<Bytes>>;

/// The answer of a call is lost: its connection ends.
#[derive(Debug, thiserror::Error)]
#[error("the answer is lost")]
struct Lost;

/// Answers until the runtime ends.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::task::yield_now().await;
            continue;
        };
        let shared = shared.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| respond(request, shared.clone()));
            // A connection that ends badly is the client's to see.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn respond(request: Request<Incoming>, shared: Arc<Shared>) -> Result<Answered, Lost> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, BODY_BYTES_MAX).collect().await;
    let Ok(body) = body else {
        return Ok(answer(&Refusal::new(TOO_LONG, "the body has more than 1 MiB").to_json()));
    };
    let body = body.to_bytes().to_vec();
    let path = head.uri.path();
    if let Some(wish) = path.strip_prefix("/emulator/") {
        return Ok(shared.watched(&head.method, wish, &body).map_or_else(refused, |value| answer(&value)));
    }
    let Some(route) = ROUTES.iter().find(|route| route.path == path) else {
        return Ok(not_found());
    };
    match (head.method == Method::POST, route.is_post) {
        (true, false) => return Ok(answer(&Refusal::new(NOT_GET, "require GET method").to_json())),
        (false, true) => return Ok(answer(&Refusal::new(NOT_POST, "require POST method").to_json())),
        _ => {}
    }
    call(route, &shared, head.uri.query(), body).await
}

async fn call(
    route: &Route,
    shared: &Arc<Shared>,
    query: Option<&str>,
    body: Vec<u8>,
) -> Result<Answered, Lost> {
    let api = route.api();
    let arrived = Arrived::new(shared, api);
    shared.until_released(api).await;
    let call = Call::new(api, shared.clock.now_ms(), query, body);
    let answered = shared.world().answer(route, &call, arrived.at_once);
    drop(arrived);
    if answered.is_lost { Err(Lost) } else { Ok(answer(&answered.body)) }
}

/// A call that is under way, until it is answered or its client goes away.
struct Arrived<'a> {
    shared: &'a Shared,
    api: &'static str,
    at_once: u32,
}

impl<'a> Arrived<'a> {
    fn new(shared: &'a Shared, api: &'static str) -> Self {
        let at_once = shared.world().arrive(api);
        shared.changed();
        Self { shared, api, at_once }
    }
}

impl Drop for Arrived<'_> {
    fn drop(&mut self) {
        self.shared.world().leave(self.api);
        self.shared.changed();
    }
}

fn answer(value: &Value) -> Answered {
    with_status(StatusCode::OK, value)
}

fn refused(why: String) -> Answered {
    with_status(StatusCode::BAD_REQUEST, &json!({ "error": why }))
}

fn not_found() -> Answered {
    with_status(StatusCode::NOT_FOUND, &json!({ "error": "no such path is emulated" }))
}

fn with_status(status: StatusCode, value: &Value) -> Answered {
    let mut response = Response::new(Full::new(Bytes::from(value.to_string())));
    *response.status_mut() = status;
    let json = hyper::header::HeaderValue::from_static("application/json; charset=UTF-8");
    response.headers_mut().insert(hyper::header::CONTENT_TYPE, json);
    response
}
