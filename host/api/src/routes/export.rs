//! All that a tenant keeps of one customer, as NDJSON: what a person may ask for (PIPL, articles 45 and 50).
//!
//! It is read page by page while it is sent, so that a customer of ten years costs no more memory than one of a day. The
//! last line says that it is whole.

use std::fmt::Display;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream;
use serde_json::{Value, json};
use siyu_engine::host::Told;
use siyu_engine::ports::inspect::{Cursor, Inspect, InspectError, LedgerFilter, Moment, Turn};
use siyu_engine::ports::rows::LedgerRow;
use siyu_engine::ports::store::CustomerImage;
use siyu_insight::{BalanceLine, InsightError};
use siyu_model::access::Scope;
use siyu_model::event::Subject;
use siyu_model::id::CustomerId;
use siyu_model::limits::inspect::PAGE_ROWS_MAX;
use siyu_model::name::{PluginName, TenantName};
use siyu_model::stock::ledger::Account;

use super::Route;
use super::query;
use crate::Api;
use crate::door::Caller;
use crate::problem::Problem;

/// Moments of a customer that are read at once.
const MOMENTS_AT_ONCE: usize = 100;

pub(super) fn routes() -> Vec<Route> {
    vec![Route {
        method: "GET",
        path: "/v1/tenants/{tenant}/customers/{customer}/export",
        scope: Some(Scope::CustomersRead),
        summary: "All that is kept of a customer, as NDJSON whose last line says that it is whole.",
        query: &[],
        body: None,
        handler: get(export),
    }]
}

async fn export(
    State(api): State<Arc<Api>>,
    (Extension(caller), Extension(tenant)): (Extension<Caller>, Extension<TenantName>),
    Path((_, customer)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let none = || Problem::missing("NO_CUSTOMER", "there is no such customer");
    let who: Subject = customer.parse().map_err(|_| none())?;
    let inspect = query::inspect(&api, &tenant).await?;
    let image = inspect.customer(who).await?.ok_or_else(none)?;
    let id = image.customer.id;
    // Somebody takes a person's data away: that is noted like a change.
    let asked = api.door.asked(&caller, &tenant, ("customers.export", &id.to_string()), "").await?;
    asked.told(Ok(Told::Done(()))).await?;
    let (first, count) = lines(head(&image));
    let export = Export { inspect, customer: id, lines: count, next: Next::First(first) };
    let body = stream::unfold(export, |mut export| async {
        let text = export.next().await?;
        Some((Ok::<_, std::convert::Infallible>(text), export))
    });
    let mut response = axum::body::Body::from_stream(body).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    Ok(response)
}

/// What comes next.
enum Next {
    /// This.
    First(String),
    /// Moments, newest first.
    Moments(Option<Cursor>),
    /// What their accounts hold.
    Accounts,
    /// Transfers of their accounts with these plugins, the last one first.
    Transfers(Vec<PluginName>, Option<Cursor>),
    /// Nothing.
    Over,
}

/// An export that is under way.
struct Export {
    inspect: Arc<dyn Inspect>,
    customer: CustomerId,
    /// Lines so far.
    lines: usize,
    next: Next,
}

impl Export {
    async fn next(&mut self) -> Option<String> {
        match std::mem::replace(&mut self.next, Next::Over) {
            Next::First(text) => {
                self.next = Next::Moments(None);
                Some(text)
            }
            Next::Moments(after) => Some(self.read(self.moments(after).await)),
            Next::Accounts => Some(self.read(self.accounts().await)),
            Next::Transfers(plugins, after) => Some(self.read(self.transfers(plugins, after).await)),
            Next::Over => None,
        }
    }

    /// The lines of a part, and what comes after it.
    fn read(&mut self, part: Result<(Vec<Value>, Next), impl Display>) -> String {
        match part {
            Ok((mut values, next)) => {
                self.lines += values.len();
                if matches!(next, Next::Over) {
                    values.push(json!({ "kind": "end", "lines": self.lines }));
                }
                self.next = next;
                lines(values).0
            }
            Err(fault) => {
                tracing::warn!(%fault, "an export of a customer ends early");
                lines(vec![json!({ "kind": "fault", "detail": "not all could be read: ask again" })]).0
            }
        }
    }

    /// A page of moments.
    async fn moments(&self, after: Option<Cursor>) -> Result<(Vec<Value>, Next), InspectError> {
        let page = self.inspect.timeline(self.customer, Turn { after, limit: MOMENTS_AT_ONCE }).await?;
        let mut values = Vec::with_capacity(page.items.len());
        for moment in &page.items {
            values.extend(self.moment(moment).await?);
        }
        Ok((values, page.next.map_or(Next::Accounts, |next| Next::Moments(Some(next)))))
    }

    /// What all accounts of the customer hold, of each plugin.
    async fn accounts(&self) -> Result<(Vec<Value>, Next), InsightError> {
        let balances = siyu_insight::balances(&*self.inspect, self.customer).await?;
        let line = |BalanceLine { plugin, account, balance }: &BalanceLine| json!({ "kind": "account", "plugin": plugin, "account": account, "balance": balance });
        let values = balances.iter().map(line).collect();
        // Those of a plugin stand together.
        let mut plugins: Vec<_> = balances.into_iter().map(|balance| balance.plugin).collect();
        plugins.dedup();
        Ok((values, if plugins.is_empty() { Next::Over } else { Next::Transfers(plugins, None) }))
    }

    /// A page of transfers, each as the customer's side of it: who stands on the other is not theirs to know.
    async fn transfers(
        &self,
        mut plugins: Vec<PluginName>,
        after: Option<Cursor>,
    ) -> Result<(Vec<Value>, Next), InspectError> {
        let Some(plugin) = plugins.last().cloned() else { return Ok((Vec::new(), Next::Over)) };
        let filter = LedgerFilter { plugin, customer: Some(self.customer), account: None };
        let page = self.inspect.ledger(filter, Turn { after, limit: PAGE_ROWS_MAX }).await?;
        let values = page.items.iter().flat_map(|row| self.sides(row)).collect();
        let next = match page.next {
            Some(next) => Next::Transfers(plugins, Some(next)),
            None => {
                plugins.pop();
                if plugins.is_empty() { Next::Over } else { Next::Transfers(plugins, None) }
            }
        };
        Ok((values, next))
    }

    fn sides(&self, row: &LedgerRow) -> Vec<Value> {
        // At most 2^53 - 1.
        let units = row.transfer.units.cast_signed();
        let side = |(account, units): (&Account, i64)| {
            (account.customer == Some(self.customer)).then(|| {
                json!({
                    "kind": "transfer", "plugin": row.plugin, "posting": row.posting, "at": row.at.to_string(),
                    "account": account.name, "units": units, "reference": row.reference,
                })
            })
        };
        [(&row.transfer.from, -units), (&row.transfer.to, units)].into_iter().filter_map(side).collect()
    }

    async fn moment(&self, moment: &Moment) -> Result<Vec<Value>, InspectError> {
        Ok(match moment {
            Moment::Event(event) => vec![json!({
                "kind": "event", "seq": event.seq, "type": event.event_type, "source": event.source, "id": event.id,
                "occurred_at": event.occurred_at.to_string(), "recorded_at": event.recorded_at.to_string(),
                "data": document(&event.data),
            })],
            Moment::Run(run) => {
                let mut values = vec![json!({
                    "kind": "run", "id": run.id, "playbook": run.target.playbook(), "workflow": run.target.name(),
                    "phase": run.phase.as_str(), "started_at": run.started_at.to_string(),
                    "ended_at": run.ended_at.map(|at| at.to_string()),
                })];
                let found = self.inspect.run(run.id).await?;
                let journal = found.map(|run| run.journal).unwrap_or_default();
                values.extend(journal.iter().map(|line| {
                    let entry = &line.entry;
                    json!({
                        "kind": "journal", "run": line.run, "row": line.row, "at": entry.at.to_string(),
                        "step": entry.step, "what": entry.kind.as_str(),
                        "detail": entry.detail.as_deref().map(document),
                    })
                }));
                values
            }
            Moment::Message(message) => vec![json!({
                "kind": "message", "id": message.id, "channel": message.channel, "template": message.template,
                "body": message.body, "status": message.status.as_str(), "reason": message.reason,
                "planned_at": message.planned_at.to_string(), "changed_at": message.changed_at.to_string(),
                "run": message.run,
            })],
            // They are in the customer's own lines.
            Moment::Tag(..) | Moment::Segment(_) => Vec::new(),
        })
    }
}

/// A document as it is kept; what is no JSON is told as text.
fn document(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}

/// What is kept of the customer beside what happened to them.
fn head(image: &CustomerImage) -> Vec<Value> {
    let customer = &image.customer;
    let mut values = vec![json!({
        "kind": "customer", "id": customer.id, "created_at": customer.created_at.to_string(),
        "attributes": customer.attributes,
        "identities": customer.identities.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })];
    values.extend(customer.tags.iter().map(|(tag, mark)| {
        json!({
            "kind": "tag", "tag": tag, "source": mark.source, "added_at": mark.added_at.to_string(),
            "effective_at": mark.effective_at.to_string(), "expires_at": mark.expires_at.map(|at| at.to_string()),
            "confidence_percent": mark.confidence_percent, "evidence": mark.evidence,
        })
    }));
    values.extend(customer.facts.iter().map(|(event_type, fact)| {
        json!({
            "kind": "fact", "type": event_type, "count": fact.count, "sum_fen": fact.sum_fen,
            "first_at": fact.first_at.to_string(), "last_at": fact.last_at.to_string(),
        })
    }));
    values.extend(image.segments.iter().map(|row| {
        json!({
            "kind": "segment", "playbook": row.playbook, "segment": row.segment, "is_member": row.is_member,
            "since": row.since.to_string(),
        })
    }));
    values.extend(image.records.iter().map(|(plugin, key, body)| {
        json!({ "kind": "record", "plugin": plugin, "key": key, "body": document(body) })
    }));
    values.extend(
        image
            .waits
            .iter()
            .map(|wait| json!({ "kind": "wait", "run": wait.run, "event_types": wait.event_types })),
    );
    values
}

/// Values, one a line, and how many they are.
fn lines(values: Vec<Value>) -> (String, usize) {
    let count = values.len();
    let mut text = String::new();
    for value in values {
        text.push_str(&value.to_string());
        text.push('\n');
    }
    (text, count)
}
