//! Every JSON answer of every test is one that the host's OpenAPI document describes.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};

use jsonschema::Validator;
use serde_json::{Value, json};

use super::stage::{Answer, Client};

static DOCUMENT: OnceLock<Value> = OnceLock::new();
static SCHEMAS: LazyLock<Mutex<Schemas>> = LazyLock::new(Mutex::default);

/// By path and method of the document, and status.
type Schemas = HashMap<(String, String, u16), Validator>;

/// Looks an answer up in the document.
pub(crate) fn hold(client: &Client, (method, path): (&str, &str), answer: &Answer) {
    let is_json = answer.headers.get("content-type").is_some_and(|kind| kind.starts_with("application/json"));
    if !is_json || !(200..300).contains(&answer.status) || path == "/openapi.json" {
        return;
    }
    let document = DOCUMENT.get_or_init(|| client.ask("GET", "/openapi.json", &[], "").json());
    let path = path.split('?').next().unwrap_or(path);
    let Some(route) = route(document, path) else { panic!("{method} {path} is not described") };
    let method = method.to_ascii_lowercase();
    let key = (route.to_owned(), method.clone(), answer.status);
    let mut schemas = SCHEMAS.lock().unwrap_or_else(PoisonError::into_inner);
    let validator = schemas.entry(key).or_insert_with(|| {
        let responses = &document["paths"][route][&method]["responses"];
        let schema = &responses[answer.status.to_string()]["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{method} {route} answers {} and does not say so", answer.status);
        let whole = json!({ "components": document["components"], "allOf": [schema] });
        jsonschema::validator_for(&whole).unwrap_or_else(|why| panic!("{method} {route}: {why}"))
    });
    let found = answer.json();
    let faults: Vec<String> =
        validator.iter_errors(&found).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
    assert!(faults.is_empty(), "{method} {route} {}: {}\n{found:#}", answer.status, faults.join("; "));
}

/// The path of the document that a request's path is one of; a word goes before a part in braces.
fn route<'d>(document: &'d Value, path: &str) -> Option<&'d str> {
    let parts: Vec<&str> = path.split('/').collect();
    let fits = |route: &&String| {
        let words: Vec<&str> = route.split('/').collect();
        words.len() == parts.len()
            && words.iter().zip(&parts).all(|(word, part)| word.starts_with('{') || word == part)
    };
    let routes = document["paths"].as_object()?.keys().filter(fits);
    routes.min_by_key(|route| route.matches('{').count()).map(String::as_str)
}
