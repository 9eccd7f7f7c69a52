//! What there is, for programs and for people: OpenAPI 3.1 and a page, both made from the table of routes.
//!
//! The page loads nothing, from nowhere, and runs nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::Json;
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Route;

/// What the page may do: show itself.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route {
            method: "GET",
            path: "/openapi.json",
            scope: None,
            summary: "All requests, as OpenAPI 3.1.",
            query: &[],
            body: None,
            handler: get(|| async { Json(document()) }),
        },
        Route {
            method: "GET",
            path: "/docs",
            scope: None,
            summary: "All requests, as a page.",
            query: &[],
            body: None,
            handler: get(page),
        },
    ]
}

/// What routes answer when they do what they are asked, and what several answers have in them. The tests over HTTP hold every
/// answer to it.
struct Answers {
    /// By name.
    schemas: Map<String, Value>,
    /// By `METHOD path` and status.
    answers: BTreeMap<String, BTreeMap<String, Answer>>,
}

const ANSWERS: &str = include_str!("answers/answers.json");
const SCHEMAS: [&str; 6] = [
    include_str!("answers/customers.json"),
    include_str!("answers/host.json"),
    include_str!("answers/playbooks.json"),
    include_str!("answers/reports.json"),
    include_str!("answers/runs.json"),
    include_str!("answers/stock.json"),
];

/// One status of a route.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    about: String,
    /// JSON when nothing is said.
    #[serde(default = "json_type")]
    kind: String,
    schema: Option<Value>,
}

fn json_type() -> String {
    "application/json".to_owned()
}

impl Answers {
    fn read() -> serde_json::Result<Self> {
        let mut schemas = Map::new();
        for text in SCHEMAS {
            schemas.append(&mut serde_json::from_str(text)?);
        }
        Ok(Self { schemas, answers: serde_json::from_str(ANSWERS)? })
    }

    fn of(&self, route: &Route) -> Map<String, Value> {
        let found = self.answers.get(&format!("{} {}", route.method, route.path));
        let answers = found.into_iter().flatten().map(|(status, answer)| {
            let mut response = json!({ "description": answer.about });
            if let Some(schema) = &answer.schema {
                response["content"] = json!({ (answer.kind.as_str()): { "schema": schema } });
            }
            (status.clone(), response)
        });
        answers.collect()
    }
}

/// The description of all routes.
pub(crate) fn document() -> Value {
    // The files are this program's own, and a test reads them.
    let answers =
        Answers::read().unwrap_or_else(|_| Answers { schemas: Map::new(), answers: BTreeMap::new() });
    let mut paths: Map<String, Value> = Map::new();
    for route in super::all() {
        let operations = paths.entry(route.path).or_insert_with(|| json!({}));
        operations[route.method.to_ascii_lowercase()] = operation(&route, &answers);
    }
    let mut schemas = answers.schemas;
    schemas.insert("Problem".to_owned(), problem());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Siyu",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "A host over HTTP. Faults are application/problem+json with a stable code.",
        },
        "paths": paths,
        "components": {
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer", "bearerFormat": "siyu_…" } },
            "schemas": schemas,
        },
    })
}

fn operation(route: &Route, answers: &Answers) -> Value {
    let mut parameters: Vec<Value> = parts(route.path)
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }))
        .collect();
    parameters.extend(route.query.iter().map(|name| {
        let (name, is_required) = name.strip_suffix('!').map_or((*name, false), |name| (name, true));
        let kind = if name == "page_size" {
            json!({ "type": "integer", "minimum": 1, "maximum": siyu_model::limits::inspect::PAGE_ROWS_MAX })
        } else {
            json!({ "type": "string" })
        };
        json!({ "name": name, "in": "query", "required": is_required, "schema": kind })
    }));
    let fault = |about: &str| {
        json!({
            "description": about,
            "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
        })
    };
    let mut responses = Value::Object(answers.of(route));
    if route.scope.is_some() {
        responses["4XX"] = fault("It is refused, and nothing happened.");
        responses["5XX"] = fault("It cannot be done now: ask again.");
    }
    let mut operation = json!({
        "operationId": operation_id(route), "summary": route.summary, "parameters": parameters, "responses": responses,
    });
    if let Some(scope) = route.scope {
        operation["security"] = json!([{ "token": [scope] }]);
    }
    // The text is this program's own, and a test reads each.
    if let Some(schema) = route.body.and_then(|text| serde_json::from_str::<Value>(text).ok()) {
        operation["requestBody"] = json!({ "content": { "application/json": { "schema": schema } } });
    }
    operation
}

/// The parts of a path that stand for something.
fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

/// A name that no other operation has: `get_tenants_runs_journal`.
fn operation_id(route: &Route) -> String {
    let words = route.path.split('/').filter(|part| !part.is_empty() && *part != "v1");
    let words = words.map(|part| part.trim_matches(['{', '}']).replace('.', "_"));
    std::iter::once(route.method.to_ascii_lowercase()).chain(words).collect::<Vec<_>>().join("_")
}

fn problem() -> Value {
    json!({
        "type": "object",
        "required": ["type", "title", "status", "code", "detail"],
        "properties": {
            "type": { "type": "string" },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "code": { "type": "string", "description": "Stable: programs go by it." },
            "detail": { "type": "string", "description": "What was found and what was expected." },
        },
    })
}

async fn page() -> Response {
    let mut rows = String::new();
    for route in super::all() {
        let scope = route.scope.map_or("everybody", |scope| scope.as_str());
        let query = route.query.iter().map(|name| name.trim_end_matches('!')).collect::<Vec<_>>().join(" ");
        // The words are this program's own and hold nothing that HTML reads. Text takes whatever is written to it.
        let _ = writeln!(
            rows,
            "<tr><td><code>{} {}</code><td>{}<td><code>{scope}</code><td><code>{query}</code></tr>",
            route.method, route.path, route.summary
        );
    }
    let text = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Siyu: requests</title>\
         <style>body{{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem}}\
         td,th{{text-align:left;vertical-align:top;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #ccc}}</style>\
         <h1>Requests of this host</h1><p>As <a href=\"/openapi.json\">OpenAPI 3.1</a>. A token goes into \
         <code>Authorization: Bearer siyu_…</code>; each request needs a scope.</p>\
         <table><tr><th>request<th>what<th>scope<th>query</tr>\n{rows}</table></html>\n"
    );
    let mut response = Html(text).into_response();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_route_is_described_under_a_name_of_its_own() {
        let document = document();
        let routes = super::super::all();
        let mut names = BTreeSet::new();
        for route in &routes {
            let operation = &document["paths"][route.path][route.method.to_ascii_lowercase()];
            assert_eq!(operation["summary"], route.summary, "{}", route.path);
            assert!(names.insert(operation["operationId"].as_str().unwrap().to_owned()), "{operation}");
            assert_eq!(operation.get("security").is_some(), route.scope.is_some(), "{}", route.path);
            assert_eq!(operation.get("requestBody").is_some(), route.body.is_some(), "{}", route.path);
        }
        let described: usize =
            document["paths"].as_object().unwrap().values().map(|path| path.as_object().unwrap().len()).sum();
        assert_eq!(described, routes.len());
    }

    #[test]
    fn every_route_says_what_it_answers_and_nothing_else_does() {
        let answers = Answers::read().unwrap();
        let routes = super::super::all();
        let names: BTreeSet<String> =
            routes.iter().map(|route| format!("{} {}", route.method, route.path)).collect();
        assert_eq!(names, answers.answers.keys().cloned().collect());
        let named = document()["components"]["schemas"].as_object().unwrap().clone();
        let text = SCHEMAS.concat() + ANSWERS;
        for (at, _) in text.match_indices("#/components/schemas/") {
            let name = text[at..].split('"').next().unwrap().rsplit('/').next().unwrap();
            assert!(named.contains_key(name), "{name}");
        }
        for name in named.keys().filter(|name| *name != "Problem") {
            assert!(text.contains(&format!("#/components/schemas/{name}\"")), "nobody answers {name}");
        }
    }

    #[test]
    fn only_what_tells_nothing_about_tenants_or_is_verified_by_its_source_is_for_everybody() {
        let open: Vec<_> = super::super::all()
            .into_iter()
            .filter(|route| route.scope.is_none())
            .map(|route| route.path)
            .collect();
        assert_eq!(
            open,
            [
                "/healthz",
                "/readyz",
                "/openapi.json",
                "/docs",
                "/v1/hooks/{tenant}/{source}",
                "/v1/hooks/{tenant}/{source}"
            ]
        );
    }
}
