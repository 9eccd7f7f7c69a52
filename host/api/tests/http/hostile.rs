//! Every route of the host's own description, asked by those who may not and with names that lead elsewhere.

use serde_json::Value;
use siyu_model::access::{Grant, Reach, Role, Scope};

use super::stage::{Answer, Stage};

/// Names that try to leave their place: folders, devices, other tenants, other languages, ends of lines and of texts.
const ELSEWHERE: [&str; 44] = [
    "..",
    ".",
    "../other",
    "../../etc/passwd",
    "..\\..\\other",
    "....//other",
    "/etc/passwd",
    "//other",
    "\\\\host\\share",
    "C:\\boot.ini",
    "file:///etc/passwd",
    "other/../shop",
    "shop/../other",
    "shop\0",
    "shop\0.db",
    "\0",
    "%2e%2e%2f",
    "%252e%252e",
    "shop.db",
    "shop.db-wal",
    "~",
    "~root",
    " ",
    "shop ",
    " shop",
    "SHOP",
    "ｓｈｏｐ",
    "shо\u{440}",
    "shop\u{202e}",
    "\u{feff}shop",
    "sho\u{301}p",
    "shop\r\nX-Evil: 1",
    "shop\n",
    "'; drop table runs; --",
    "\" or 1=1 --",
    "shop; attach 'x' as y",
    "%",
    "*",
    "{tenant}",
    "${{ 1 }}",
    "$(id)",
    "`id`",
    "../../../../../../../../proc/self/environ",
    "shop:1/../../x",
];

/// One request of the description.
struct Request {
    method: String,
    path: String,
    scope: Option<Scope>,
}

fn requests(stage: &Stage) -> Vec<Request> {
    let document = stage.ask("GET", "/openapi.json", &[], "").json();
    let mut requests = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let scope = operation["security"][0]["token"][0].as_str();
            requests.push(Request {
                method: method.to_ascii_uppercase(),
                path: path.clone(),
                scope: scope.map(|scope| scope.parse().unwrap()),
            });
        }
    }
    assert!(requests.len() > 20, "the description has {} requests", requests.len());
    requests
}

/// A path whose parts are given, or something that could be there.
fn filled(path: &str, part_of: &dyn Fn(&str) -> Option<String>) -> String {
    let part = |part: &str| match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
        Some(name) => part_of(name).unwrap_or_else(|| usual(name).to_owned()),
        None => part.to_owned(),
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

fn usual(name: &str) -> &'static str {
    match name {
        "tenant" | "playbook" => "shop",
        "workflow" => "byhand",
        "customer" => "shop:1",
        "run" => "run_01k9zzzzzzzzzzzzzzzzzzzzzz",
        "plugin" => "coupon",
        "report" => "runs",
        _ => "one",
    }
}

/// Every byte that is no letter and no digit as `%XX`, so that it reaches the host as it is.
fn escaped(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

fn ask(stage: &Stage, request: &Request, path: &str, token: Option<&str>) -> Answer {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(bearer.iter().map(|bearer| ("authorization", bearer.as_str())));
    stage.ask(&request.method, path, &headers, "{}")
}

#[test]
fn every_route_asks_for_a_token_a_scope_and_a_tenant() {
    let stage = Stage::new();
    let elsewhere = stage.token(Role::Agency, "other");
    let roles = [Role::Viewer, Role::Integrator, Role::Operator, Role::Agency];
    let tokens = roles.map(|role| stage.token(role, "shop"));
    let mut refused = 0;
    for request in requests(&stage) {
        let Some(scope) = request.scope else { continue };
        let path = filled(&request.path, &|_| None);
        let shown = format!("{} {path}", request.method);
        assert_eq!(ask(&stage, &request, &path, None).fault(), (401, "TOKEN_MISSING".to_owned()), "{shown}");
        for (role, token) in roles.iter().zip(&tokens) {
            let grant = Grant { role: *role, only: None, reach: Reach::All };
            if !grant.has(scope) {
                refused += 1;
                assert_eq!(
                    ask(&stage, &request, &path, Some(token)).fault(),
                    (403, "SCOPE".to_owned()),
                    "{shown}"
                );
            }
        }
        if request.path.contains("{tenant}") {
            let answer = ask(&stage, &request, &path, Some(&elsewhere));
            assert_eq!(answer.fault(), (404, "NO_TENANT".to_owned()), "{shown}");
        }
    }
    assert!(refused >= 20, "{refused} requests were refused for their scope");
}

#[test]
fn names_that_lead_elsewhere_are_nobodys_on_every_route() {
    let stage = Stage::new();
    let token = stage.token(Role::HostAdmin, "*");
    let mut asked = 0;
    for request in requests(&stage) {
        let names = request.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        for name in names {
            for elsewhere in ELSEWHERE {
                let path = filled(&request.path, &|part| (part == name).then(|| escaped(elsewhere)));
                let answer = ask(&stage, &request, &path, Some(&token));
                let shown =
                    format!("{} {} with {name} = {elsewhere:?}: {answer:?}", request.method, request.path);
                assert!((400..500).contains(&answer.status), "{shown}");
                assert!(answer.json()["code"].is_string(), "{shown}");
                assert!(!answer.headers.contains_key("x-evil"), "{shown}");
                asked += 1;
            }
        }
    }
    assert!(asked >= 1_000, "{asked} requests");
    let left: Vec<Value> = stage.get(&token, "/v1/tenants").json()["tenants"].as_array().unwrap().clone();
    assert_eq!(left, ["other", "shop"], "no request made a tenant");
}

#[test]
fn what_customers_write_is_never_read_as_a_template() {
    let stage = Stage::new();
    let token = stage.token(Role::Integrator, "shop");
    for (number, text) in [
        "${{ 1 + 1 }}",
        "${{ tenant }}",
        "${{ customer.id }} ${{ event.name }}",
        "$${{ 1 }}",
        "{{ 1 + 1 }}",
        "{{secret:wecom_corpsecret}}",
        "{% for x in y %}",
        "<script>alert(1)</script>",
        "%{1}",
        "#{1}",
        "{0}",
        "\u{1b}[31mred",
        "line\nline",
    ]
    .into_iter()
    .enumerate()
    {
        let event = serde_json::json!({
            "id": format!("t{number}"), "type": "visit.made", "subject": "shop:1", "data": { "name": text },
        });
        let answer = stage.post(&token, "/v1/tenants/shop/events", &event.to_string()).json();
        let run = answer["started"][0].as_str().unwrap_or_else(|| panic!("{answer}"));
        assert_eq!(answer["responses"][run]["hello"], text, "{answer}");
    }
}
