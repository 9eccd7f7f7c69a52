//! Customers: who they are, and all that did and did not happen to them.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::json;
use siyu_engine::host::Told;
use siyu_model::access::Scope;
use siyu_model::event::Subject;
use siyu_model::name::TenantName;

use super::Route;
use super::query::{self, List};
use crate::Api;
use crate::door::Caller;
use crate::problem::Problem;

/// One customer.
const CUSTOMER: &str = "/v1/tenants/{tenant}/customers/{customer}";

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route {
            method: "GET",
            path: CUSTOMER,
            scope: Some(Scope::CustomersRead),
            summary: "A customer by id or by an outside name, with a page of their timeline, newest first.",
            query: &["playbook", "page_size", "page_token"],
            body: None,
            handler: get(show),
        },
        Route {
            method: "DELETE",
            path: CUSTOMER,
            scope: Some(Scope::CustomersErase),
            summary: "Erases a customer: what is under way for them ends, and who they were goes. It cannot be taken back.",
            query: &[],
            body: None,
            handler: delete(erase),
        },
    ]
}

/// Which part of a timeline.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Which {
    playbook: Option<String>,
    page_size: Option<usize>,
    page_token: Option<String>,
}

async fn show(
    State(api): State<Arc<Api>>,
    Extension(tenant): Extension<TenantName>,
    Path((_, customer)): Path<(String, String)>,
    which: Result<Query<Which>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Query(which) = which.map_err(|why| Problem::invalid("QUERY", why.body_text()))?;
    let who: Subject = customer.parse().map_err(|_| no_customer())?;
    let (inspect, frame) = query::framed(&api, &tenant, which.playbook.as_deref()).await?;
    let list =
        List { tenant: &tenant, name: "timeline", filter: vec![Some(&customer), which.playbook.as_deref()] };
    let turn = list.turn(which.page_size, which.page_token.as_deref())?;
    let story = siyu_insight::customer(&*inspect, &frame, who, turn).await?.ok_or_else(no_customer)?;
    let next = list.next(story.next);
    query::tagged(
        &headers,
        &json!({ "customer": story.customer, "moments": story.moments, "next_page_token": next }),
    )
}

async fn erase(
    State(api): State<Arc<Api>>,
    (Extension(caller), Extension(tenant)): (Extension<Caller>, Extension<TenantName>),
    Path((_, customer)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let who: Subject = customer.parse().map_err(|_| no_customer())?;
    let inspect = query::inspect(&api, &tenant).await?;
    let id = inspect.customer(who).await?.ok_or_else(no_customer)?.customer.id;
    // By their id: the note outlives their names.
    let asked = api.door.asked(&caller, &tenant, ("customers.erase", &id.to_string()), "").await?;
    let done = api.host.erase_customer(&tenant, Subject::Customer(id)).await;
    let done = done.map_err(|fault| Problem::of_host(fault, no_customer));
    let told = match asked.told(done).await? {
        Told::Done(customer) => json!({ "customer": customer }),
        Told::Kept(letter) => json!({ "customer": id, "letter": letter }),
    };
    Ok((StatusCode::ACCEPTED, Json(told)).into_response())
}

fn no_customer() -> Problem {
    Problem::missing("NO_CUSTOMER", "there is no such customer")
}
