use crate::clock::{UtcMs, Zone};
use crate::customer::{Customer, Fact};
use crate::event::{Event, EventSeq};
use crate::expr::{Expr, Scope, StepOutputs, WindowFault, Windowed, Windows};
use crate::id::CustomerId;
use crate::json::{self, Value};
use crate::name::EventType;

struct Steps;

impl StepOutputs for Steps {
    fn output(&self, step: &str) -> Option<Value> {
        (step == "draw")
            .then(|| json::parse(r#"{"prize":{"name":"30元","coupon":null},"amount_fen":3000}"#).unwrap())
    }
}

/// Three orders: 100, 50 and 10 days before the end of 1970-12.
struct Log;

const DAY: i64 = 86_400_000;
const NOW: i64 = 400 * DAY;

impl Windows for Log {
    fn count(&self, _: &EventType, since: UtcMs) -> Result<Windowed, WindowFault> {
        let orders = [NOW - 100 * DAY, NOW - 50 * DAY, NOW - 10 * DAY].map(UtcMs::from_millis);
        let inside: Vec<UtcMs> = orders.into_iter().filter(|at| *at >= since).collect();
        Ok(Windowed { count: inside.len() as u64, oldest_at: inside.first().copied() })
    }
}

/// Evaluates against one customer, one event and one finished step.
fn eval(source: &str) -> (Result<Value, String>, Option<UtcMs>) {
    let now = UtcMs::from_millis(NOW);
    let mut customer = Customer::new(CustomerId::derive(now, &[b"c"]), now);
    customer.attributes = json::parse(r#"{"city":"杭州","age":30}"#).unwrap();
    customer.tags.insert(
        "vip".parse().unwrap(),
        crate::customer::TagMark {
            source: "manual".to_owned(),
            added_at: now,
            effective_at: now,
            expires_at: None,
            confidence_percent: 100,
            evidence: None,
        },
    );
    let fact = Fact {
        count: 3,
        sum_fen: 12_345,
        first_at: UtcMs::from_millis(NOW - 100 * DAY),
        last_at: UtcMs::from_millis(NOW - 10 * DAY),
        last_seq: EventSeq(9),
    };
    customer.facts.insert("order.paid".parse().unwrap(), fact);
    let event = Event {
        seq: EventSeq(1),
        id: "e1".to_owned(),
        event_type: "friend.added".parse().unwrap(),
        source: "test".to_owned(),
        customer: Some(customer.id),
        occurred_at: now,
        recorded_at: now,
        data: json::parse(
            r#"{"channel":{"kind":"package_card"},"n":5,"f":2.5,"list":[1,2,3],"evil":"${{ 1 + 1 }}"}"#,
        )
        .unwrap(),
        depth: 0,
    };
    let (zone, vars) = ("Asia/Shanghai".parse::<Zone>().unwrap(), json::parse(r#"{"brand":"牛"}"#).unwrap());
    let mut scope = Scope::new(now, &zone, &vars);
    scope.event = Some(&event);
    scope.customer = Some(&customer);
    scope.steps = Some(&Steps);
    scope.windows = &Log;
    let value = Expr::parse(source).unwrap().eval(&scope).map_err(|why| why.to_string());
    (value, scope.next_change_at())
}

fn check(source: &str, expected: &str) {
    let (value, _) = eval(source);
    assert_eq!(
        json::print(&value.unwrap_or_else(|why| panic!("{source}: {why}"))).unwrap(),
        expected,
        "{source}"
    );
}

fn check_fault(source: &str, part: &str) {
    let message = eval(source).0.expect_err(source);
    assert!(message.contains(part), "{source}: {message}");
}

#[test]
fn values_keep_their_kind() {
    check("event.n + 1", "6");
    check("event.n / 2", "2.5");
    check("event.n // 2", "2");
    check("-7 // 2", "-4");
    check("-7 % 3", "2");
    check("event.f * 2", "5.0");
    check("'a' ~ event.n", "\"a5\"");
    check("event.list[-1]", "3");
    check("[event.n, {'a': none}]", "[5,{\"a\":null}]");
    check("event.channel", "{\"kind\":\"package_card\"}");
}

#[test]
fn conditions_read_as_they_sound() {
    check("event.channel.kind == 'package_card'", "true");
    check("1 < event.n <= 5", "true");
    check("'vip' in customer.tags and 'lost' not in customer.tags", "true");
    check("customer.facts['order.paid'].count >= 3", "true");
    check("customer.facts['order.refunded'].count", "0");
    check("'A' if event.n > 3 else 'B'", "\"A\"");
    check("customer.attributes.city | default('?')", "\"杭州\"");
    check("customer.attributes.zip | default('?')", "\"?\"");
    check("steps.draw.prize.coupon | default('c5')", "\"c5\"");
    check("steps.other is defined", "false");
    check("steps.draw.prize.coupon is none", "true");
    check("1 == 1.0", "true");
    check("'2026-11-21T09:00:00+08:00' == '2026-11-21T01:00:00Z'", "true");
    check("'2026-11-21T09:00:00+08:00' < '2026-11-21T01:00:00.5Z'", "true");
}

#[test]
fn mistakes_are_errors_and_never_silently_false() {
    check_fault("event.scroe >= 80", "`.scroe` is not there");
    check_fault("event.n > 'x'", "a whole number > text: expected two numbers");
    check_fault("'x' * 90000000", "text * a whole number: expected two numbers");
    check_fault("event.n + 'x'", "texts are joined with `~`");
    check_fault("9223372036854775807 + 1", "beyond 64 bits");
    check_fault("1 // 0", "division by zero");
    check_fault("1.5 / 0", "division by zero");
    check_fault("event.list[7]", "[7] is not there");
    check_fault("event.n.x", "`.x` of a whole number, expected an object");
    check_fault("nobody.x", "`nobody` is not there");
    check_fault("event.list ~ ''", "a list has no form as text");
    check_fault("older_than('yesterday', '1d')", "is not an instant");
    check_fault("count('Order')", "is not an event type");
}

#[test]
fn text_from_outside_is_never_evaluated() {
    check("event.evil", "\"${{ 1 + 1 }}\"");
}

#[test]
fn filters_do_what_their_words_say() {
    check("6650 | yuan", "\"66.50\"");
    check("6600 | yuan", "\"66\"");
    check("-5 | yuan", "\"-0.05\"");
    check("2.567 | round(2)", "2.57");
    check("2.5 | round", "3");
    check("'7K9QW2XZ4MPTY' | code", "\"7K9Q-W2XZ-4MPT-Y\"");
    check("[1, 'a', true] | join('-')", "\"1-a-true\"");
    check("'牛排' | length", "2");
    check("' 12 ' | int", "12");
    check("'2026-11-20T23:30:00Z' | date", "\"2026-11-21\"");
    check("'2026-11-20T23:30:00Z' | time", "\"07:30\"");
    check("min(3, 1, 2)", "1");
    check("max(3, 1.5)", "3");
    check("next_time('09:30')", "\"1971-02-05T01:30:00Z\"");
    check("next_time('08:00')", "\"1971-02-06T00:00:00Z\"");
    check_fault("next_time('9:30')", "expected a time of day");
    check_fault("next_time('24:00')", "expected a time of day");
    check("later('2026-11-21T00:00:00Z', '7d')", "\"2026-11-28T00:00:00Z\"");
}

#[test]
fn windows_know_when_they_change() {
    let day = |n: i64| Some(UtcMs::from_millis(NOW + n * DAY));
    assert_eq!(
        eval("count('order.paid', '90d')"),
        (Ok(Value::Int(2)), Some(UtcMs::from_millis(NOW + 40 * DAY + 1)))
    );
    assert_eq!(eval("count('order.paid', '200d')").0, Ok(Value::Int(3)));
    assert_eq!(eval("count('order.paid', '5d')"), (Ok(Value::Int(0)), None));
    assert_eq!(eval("count('order.paid')"), (Ok(Value::Int(3)), None));
    assert_eq!(
        eval("older_than(customer.facts['order.paid'].last, '60d')"),
        (Ok(Value::Bool(false)), day(50))
    );
    assert_eq!(eval("older_than(customer.facts['order.paid'].last, '10d')"), (Ok(Value::Bool(true)), None));
    assert_eq!(eval("within(customer.facts['order.paid'].last, '10d')"), (Ok(Value::Bool(false)), None));
    assert_eq!(eval("within(customer.facts['a'].last, '10d')"), (Ok(Value::Bool(false)), None));
    assert_eq!(eval("days_since(customer.facts['order.paid'].last)"), (Ok(Value::Int(10)), day(1)));
    assert_eq!(
        eval("event.n > 9 and older_than(customer.facts['order.paid'].last, '60d')").1,
        None,
        "what was not looked at cannot change the value"
    );
}

#[test]
fn texts_are_bounded() {
    let wide = format!("'{}'", "x".repeat(3_000));
    let source = format!("[{wide}, 'y'] | join");
    assert!(eval(&source).0.is_ok());
    check_fault(
        &format!("event.list | join('{}')", "x".repeat(3_900))
            .replace("event.list", "[1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7,8,9,0]"),
        "at most 65536",
    );
}
