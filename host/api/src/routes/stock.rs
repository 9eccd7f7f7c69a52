//! Stock: pools and counters, in the order of their keys.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};
use siyu_engine::ports::inspect::StockFilter;
use siyu_model::access::Scope;
use siyu_model::name::TenantName;

use super::Route;
use super::query::{self, List};
use crate::Api;
use crate::problem::Problem;

pub(super) fn routes() -> Vec<Route> {
    let read = |path, summary, handler| Route {
        method: "GET",
        path,
        scope: Some(Scope::StockRead),
        summary,
        query: &["plugin!", "prefix", "page_size", "page_token"],
        body: None,
        handler,
    };
    vec![
        read(
            "/v1/tenants/{tenant}/pools",
            "Pools of a plugin: what is available, reserved and sold.",
            get(pools),
        ),
        read(
            "/v1/tenants/{tenant}/counters",
            "Counters of a plugin: what is used of which limit.",
            get(counters),
        ),
    ]
}

/// Which pools or counters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    plugin: String,
    #[serde(default)]
    prefix: String,
    page_size: Option<usize>,
    page_token: Option<String>,
}

type Asked = Result<Query<Which>, axum::extract::rejection::QueryRejection>;

async fn pools(
    State(api): State<Arc<Api>>,
    Extension(tenant): Extension<TenantName>,
    which: Asked,
) -> Result<Json<Value>, Problem> {
    let Query(which) = which.map_err(|why| Problem::invalid("QUERY", why.body_text()))?;
    let list =
        List { tenant: &tenant, name: "pools", filter: vec![Some(&which.plugin), Some(&which.prefix)] };
    let turn = list.turn(which.page_size, which.page_token.as_deref())?;
    let inspect = query::inspect(&api, &tenant).await?;
    let page = inspect.pools(filter(&which), turn).await?;
    let pools = page.items.iter().map(|(key, pool)| {
        json!({
            "key": key.key, "total": pool.total(), "available": pool.available(), "reserved": pool.reserved(),
            "sold": pool.sold(),
        })
    });
    Ok(Json(json!({ "pools": pools.collect::<Vec<_>>(), "next_page_token": list.next(page.next) })))
}

async fn counters(
    State(api): State<Arc<Api>>,
    Extension(tenant): Extension<TenantName>,
    which: Asked,
) -> Result<Json<Value>, Problem> {
    let Query(which) = which.map_err(|why| Problem::invalid("QUERY", why.body_text()))?;
    let list =
        List { tenant: &tenant, name: "counters", filter: vec![Some(&which.plugin), Some(&which.prefix)] };
    let turn = list.turn(which.page_size, which.page_token.as_deref())?;
    let inspect = query::inspect(&api, &tenant).await?;
    let page = inspect.counters(filter(&which), turn).await?;
    let counters = page
        .items
        .iter()
        .map(|(key, counter)| json!({ "key": key.key, "used": counter.used(), "limit": counter.limit() }));
    Ok(Json(json!({ "counters": counters.collect::<Vec<_>>(), "next_page_token": list.next(page.next) })))
}

fn filter(which: &Which) -> StockFilter {
    StockFilter { plugin: which.plugin.as_str().into(), prefix: which.prefix.clone() }
}
