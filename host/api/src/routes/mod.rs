//! The table of routes: what there is, who may ask, and what answers. It is the only place where a route is made.

mod batch;
mod cloud;
mod customers;
mod describe;
mod events;
mod export;
mod health;
mod hooks;
mod ledger;
mod live;
mod messages;
mod playbooks;
mod publishing;
mod query;
mod reports;
mod runs;
mod starts;
mod stock;
mod tenants;
mod tokens;
mod waiting;

use std::sync::Arc;

use axum::routing::MethodRouter;
use siyu_model::access::Scope;

use crate::Api;

/// One path with one method.
pub(crate) struct Route {
    /// `GET`, `POST` or `DELETE`.
    pub(crate) method: &'static str,
    /// The path; `{tenant}` and other parts in braces stand for what they say.
    pub(crate) path: &'static str,
    /// What a token must be allowed to do; none is for everybody.
    pub(crate) scope: Option<Scope>,
    /// What it does, in a sentence.
    pub(crate) summary: &'static str,
    /// What the query may hold; a name with `!` must be there.
    pub(crate) query: &'static [&'static str],
    /// A JSON Schema of the body, when there is one.
    pub(crate) body: Option<&'static str>,
    /// What answers.
    pub(crate) handler: MethodRouter<Arc<Api>>,
}

/// Every route.
pub(crate) fn all() -> Vec<Route> {
    let groups = [
        health::routes(),
        describe::routes(),
        tenants::routes(),
        tokens::routes(),
        events::routes(),
        hooks::routes(),
        starts::routes(),
        runs::routes(),
        live::routes(),
        messages::routes(),
        customers::routes(),
        export::routes(),
        playbooks::routes(),
        publishing::routes(),
        stock::routes(),
        ledger::routes(),
        reports::routes(),
    ];
    groups.into_iter().flatten().collect()
}
