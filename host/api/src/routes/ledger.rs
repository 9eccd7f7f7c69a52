//! Ledgers: accounts of plugins in double entry, and the transfers between them.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::routing::get;
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};
use siyu_engine::ports::inspect::{Inspect, LedgerFilter};
use siyu_model::access::Scope;
use siyu_model::name::{Key, PluginName, TenantName};

use super::Route;
use super::query::{self, List};
use crate::Api;
use crate::problem::Problem;

pub(super) fn routes() -> Vec<Route> {
    let read = |path, summary, query, handler| Route {
        method: "GET",
        path,
        scope: Some(Scope::StockRead),
        summary,
        query,
        body: None,
        handler,
    };
    vec![
        read(
            "/v1/tenants/{tenant}/ledgers",
            "Plugins that keep accounts: how many, and what all of them hold together, which is 0.",
            &[],
            get(ledgers),
        ),
        read(
            "/v1/tenants/{tenant}/ledgers/{plugin}/accounts",
            "Accounts of a plugin and what they hold, the tenant's first.",
            &["customer", "account", "page_size", "page_token"],
            get(accounts),
        ),
        read(
            "/v1/tenants/{tenant}/ledgers/{plugin}/entries",
            "Transfers between accounts of a plugin, newest first.",
            &["customer", "account", "playbook", "page_size", "page_token"],
            get(entries),
        ),
    ]
}

/// Which accounts, and which transfers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    customer: Option<String>,
    account: Option<String>,
    playbook: Option<String>,
    page_size: Option<usize>,
    page_token: Option<String>,
}

type Asked = Result<Query<Which>, axum::extract::rejection::QueryRejection>;

impl Which {
    /// What all of it has to be for a token to be good for it.
    fn list<'l>(&'l self, tenant: &'l TenantName, name: &'static str, plugin: &'l str) -> List<'l> {
        let filter =
            vec![Some(plugin), self.customer.as_deref(), self.account.as_deref(), self.playbook.as_deref()];
        List { tenant, name, filter }
    }

    /// None when nobody is called so: then there is nothing.
    async fn filter(&self, inspect: &dyn Inspect, plugin: &str) -> Result<Option<LedgerFilter>, Problem> {
        let plugin = query::parsed::<PluginName>("plugin", plugin)?;
        let account =
            self.account.as_deref().map(|name| query::parsed::<Key>("account", name)).transpose()?;
        let customer = query::customer(inspect, self.customer.as_deref()).await?;
        Ok(customer.map(|customer| LedgerFilter { plugin, customer, account }))
    }
}

fn asked(which: Asked) -> Result<Which, Problem> {
    let Query(which) = which.map_err(|why| Problem::invalid("QUERY", why.body_text()))?;
    Ok(which)
}

async fn ledgers(
    State(api): State<Arc<Api>>,
    Extension(tenant): Extension<TenantName>,
) -> Result<Json<Value>, Problem> {
    let inspect = query::inspect(&api, &tenant).await?;
    Ok(Json(json!({ "ledgers": siyu_insight::ledgers(&*inspect).await? })))
}

async fn accounts(
    State(api): State<Arc<Api>>,
    Extension(tenant): Extension<TenantName>,
    Path((_, plugin)): Path<(String, String)>,
    which: Asked,
) -> Result<Json<Value>, Problem> {
    let which = asked(which)?;
    if which.playbook.is_some() {
        return Err(Problem::invalid("QUERY", "`playbook` is none of this list: it has no instants"));
    }
    let list = which.list(&tenant, "accounts", &plugin);
    let turn = list.turn(which.page_size, which.page_token.as_deref())?;
    let inspect = query::inspect(&api, &tenant).await?;
    let Some(filter) = which.filter(&*inspect, &plugin).await? else {
        return Ok(Json(json!({ "accounts": [], "next_page_token": "" })));
    };
    let page = siyu_insight::accounts(&*inspect, filter, turn).await?;
    Ok(Json(json!({ "accounts": page.accounts, "next_page_token": list.next(page.next) })))
}

async fn entries(
    State(api): State<Arc<Api>>,
    Extension(tenant): Extension<TenantName>,
    Path((_, plugin)): Path<(String, String)>,
    which: Asked,
) -> Result<Json<Value>, Problem> {
    let which = asked(which)?;
    let list = which.list(&tenant, "entries", &plugin);
    let turn = list.turn(which.page_size, which.page_token.as_deref())?;
    let (inspect, frame) = query::framed(&api, &tenant, which.playbook.as_deref()).await?;
    let Some(filter) = which.filter(&*inspect, &plugin).await? else {
        return Ok(Json(json!({ "entries": [], "next_page_token": "" })));
    };
    let page = siyu_insight::entries(&*inspect, &frame, filter, turn).await?;
    Ok(Json(json!({ "entries": page.entries, "next_page_token": list.next(page.next) })))
}
