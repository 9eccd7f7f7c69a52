//! What the checker knows of values: where it must speak, and above all where it must not.

use crate::support;

/// Steps of a run for `order.paid`, after a coupon that may be refused and a wait that may time out.
fn check(steps: &str, expected: &[&str]) {
    let steps: String = steps.lines().map(|line| format!("  {line}\n")).collect();
    let text = format!(
        "workflow: case\non: {{ event: order.paid }}\nvars: {{ level: 1, names: [a, b], deep: {{ x: {{ y: 1 }} }} }}\nsteps:\n  \
         - {{ id: coupon, uses: coupon/issue@1, with: {{ batch: c66 }}, on_refused: continue }}\n  \
         - {{ id: order, wait: {{ event: order.refunded, timeout: 7d }} }}\n{steps}"
    );
    let compiled = support::compiled(&support::with_workflow(&text));
    let found = support::codes(&compiled);
    assert_eq!(found, expected, "{steps}\n{}", compiled.render(siyu_workflow::Style::Plain));
}

fn set(expression: &str, expected: &[&str]) {
    check(&format!("- set: {{ value: \"${{{{ {expression} }}}}\" }}"), expected);
}

#[test]
fn what_is_right_is_silent() {
    for expression in [
        "event.amount_fen + 1 > 3 and event.order_no != 'x'",
        "event.items[0].sku",
        "(event.items | first).count * 2",
        "event.paid_at < run.now and event.paid_at > '2026-01-01T00:00:00Z'",
        "customer.facts['order.paid'].sum_fen // 100",
        "older_than(customer.facts['order.paid'].last, '60d')",
        "customer.attributes.city | default('?') | upper",
        "customer.attributes['city'] is defined",
        "vars.deep.x.y + vars.level",
        "vars.brand ~ event.amount_fen ~ event.paid_at",
        "'a' in vars.names and 'vip' not in customer.tags",
        "max(event.amount_fen, 3) | yuan",
        "event.amount_fen / 3 | round(2)",
        "none == steps.order.timed_out",
        "event.order_no if event.order_no else 'x'",
        "later(event.paid_at, '7d') | date",
        "event.data.order_no",
        "{'a': [event.amount_fen]}",
        "steps.coupon is defined and steps.coupon.code is defined",
        "steps.coupon.status | default('?') == '?'",
        "'x' ~ (event.order_no | length)",
        "days_since(customer.facts['order.paid'].last | default(run.now))",
        "event.type == 'order.paid'",
        "tenant.id ~ run.id",
    ] {
        set(expression, &[]);
    }
}

#[test]
fn what_cannot_be_is_told() {
    for (expression, code) in [
        ("event.amount_fen ~ event.items", "E0408"),
        ("event.order_no > 3", "E0407"),
        ("event.order_no == 3", "E0407"),
        ("'x' in event.amount_fen", "E0407"),
        ("3 in vars.names", "E0407"),
        ("event.items + 1", "E0408"),
        ("event.amount", "E0403"),
        ("event.order_no.x", "E0403"),
        ("event['amount']", "E0403"),
        ("(event.items | first).price", "E0403"),
        ("vars.deep.x.z", "E0403"),
        ("steps.order.event.order", "E0403"),
        ("evnt.order_no", "E0402"),
        ("steps.nothing", "E0404"),
        ("event.order_no | yuan", "E0409"),
        ("event.items | upper", "E0409"),
        ("later('soon', '7d')", "E0409"),
        ("within(event.paid_at, 7)", "E0409"),
        ("event.amount_fen // 0", "E0408"),
        ("customer.facts['order.lost'].count", "E0410"),
        ("-event.order_no", "E0408"),
        ("event.items[event.order_no]", "E0409"),
        ("steps.coupon.status == 'gone' or true", "E0407"),
    ] {
        let text = format!(
            "- if: steps.coupon.code is defined and steps.order.timed_out is defined\n  set: {{ value: \"${{{{ {expression} }}}}\" }}"
        );
        check(&text, &[code]);
    }
}

#[test]
fn what_may_be_missing_is_told_until_somebody_asked() {
    set("steps.coupon.code", &["W1006"]);
    set("steps.coupon.refused.code", &["W1006"]);
    set("steps.order.event.order_no", &["W1006"]);
    set("customer.attributes.city", &["W1006"]);
    set("customer.facts['order.paid'].last > run.now", &["W1006"]);
    set("steps.coupon.code if steps.coupon.code is defined else ''", &[]);
    set("steps.coupon.refused is defined and steps.coupon.refused.code == 'SOLD_OUT'", &[]);
    set("steps.coupon.code | default('-')", &[]);
    for (steps, expected) in [
        // Asked by the step itself.
        ("- if: steps.coupon.refused is defined\n  set: { c: '${{ steps.coupon.refused.code }}' }", &[][..]),
        // Asked by a branch, for those after it too.
        (
            "- switch:\n    - if: steps.order.timed_out\n      steps: [set: { a: 1 }]\n    - else: [set: { no: '${{ steps.order.event.order_no }}' }]",
            &[],
        ),
        // Asked, and the other way ended.
        ("- if: steps.order.timed_out\n  end: none\n- set: { no: '${{ steps.order.event.order_no }}' }", &[]),
        (
            "- switch:\n    - if: steps.order.timed_out\n      steps: [end: none]\n    - else: []\n- set: { no: '${{ steps.order.event.order_no }}' }",
            &[],
        ),
        // Asked in another place, which says nothing here.
        (
            "- if: steps.order.timed_out\n  set: { a: 1 }\n- set: { no: '${{ steps.order.event.order_no }}' }",
            &["W1006"],
        ),
        // A step that may be skipped.
        (
            "- id: more\n  if: event.amount_fen > 3\n  uses: tagging/add@2\n  with: { tags: [a] }\n- set: { a: '${{ steps.more.added }}' }",
            &["W1006"],
        ),
        // A step of a branch that may not have been taken; and of one that was taken by whoever is still here.
        (
            "- switch:\n    - if: event.amount_fen > 3\n      steps: [{ id: more, uses: tagging/add@2, with: { tags: [a] } }]\n    - else: []\n- set: { a: '${{ steps.more.added }}' }",
            &["W1006"],
        ),
        (
            "- switch:\n    - if: event.amount_fen > 3\n      steps: [{ id: more, uses: tagging/add@2, with: { tags: [a] } }]\n    - else: [end: small]\n- set: { a: '${{ steps.more.added }}' }",
            &[],
        ),
        // What `parallel` did is there afterwards.
        (
            "- parallel:\n    - [{ id: more, uses: tagging/add@2, with: { tags: [a] } }]\n    - [wait: 1h]\n- set: { a: '${{ steps.more.added }}' }",
            &[],
        ),
        // A refusal that always ends leaves no doubt.
        (
            "- id: sure\n  uses: coupon/issue@1\n  with: { batch: c66 }\n  on_refused: { SOLD_OUT: [end: a], else: [end: b] }\n- set: { a: '${{ steps.sure.code }}' }",
            &[],
        ),
        (
            "- id: sure\n  uses: coupon/issue@1\n  with: { batch: c66 }\n  on_refused: { SOLD_OUT: [end: a] }\n- set: { a: '${{ steps.sure.code }}' }",
            &["W1006"],
        ),
        // Inside the steps of a refusal there is one, and no code.
        (
            "- id: sure\n  uses: coupon/issue@1\n  with: { batch: c66 }\n  on_refused: { else: [{ set: { a: '${{ steps.sure.refused.message }}' } }, end: b] }",
            &[],
        ),
        (
            "- id: sure\n  uses: coupon/issue@1\n  with: { batch: c66 }\n  on_refused: { else: [{ set: { a: '${{ steps.sure.code }}' } }, end: b] }",
            &["E0403"],
        ),
    ] {
        check(steps, expected);
    }
}

#[test]
fn variables_are_followed() {
    for (steps, expected) in [
        ("- set: { a: 1 }\n- set: { b: '${{ vars.a + 1 }}' }", &[][..]),
        ("- set: { b: '${{ vars.a + 1 }}' }\n- set: { a: 1 }", &["E0403"]),
        ("- set: { a: x }\n- set: { b: '${{ vars.a + 1 }}' }", &["E0408"]),
        ("- set: { level: x }\n- set: { b: '${{ vars.level + 1 }}' }", &["E0408"]),
        ("- if: event.amount_fen > 3\n  set: { a: 1 }\n- set: { b: '${{ vars.a }}' }", &["W1006"]),
        ("- if: event.amount_fen > 3\n  set: { level: 2 }\n- set: { b: '${{ vars.level + 1 }}' }", &[]),
        (
            "- switch:\n    - if: event.amount_fen > 3\n      steps: [set: { a: 1 }]\n    - else: [set: { a: 2.5 }]\n- set: { b: '${{ vars.a + 1 }}' }",
            &[],
        ),
        ("- parallel: [[set: { a: 1 }], [set: { c: 1 }]]\n- set: { b: '${{ vars.a + vars.c }}' }", &[]),
    ] {
        check(steps, expected);
    }
}

#[test]
fn items_are_known_inside_and_results_outside() {
    for (steps, expected) in [
        ("- each: ${{ event.items }}\n  steps: [set: { a: '${{ item.sku ~ item.count }}' }]", &[][..]),
        ("- each: ${{ event.items }}\n  steps: [set: { a: '${{ item.price }}' }]", &["E0403"]),
        ("- each: ${{ event.items }}\n  steps: [set: { a: 1 }]\n- set: { b: '${{ item.sku }}' }", &["E0402"]),
        (
            "- id: all\n  each: ${{ vars.names }}\n  as: name\n  steps: [{ id: one, uses: tagging/add@2, with: { tags: ['${{ name }}'] } }]\n- set: { b: '${{ (steps.all.results | first).one.added }}' }",
            &[],
        ),
        (
            "- id: all\n  each: ${{ vars.names }}\n  steps: [{ id: one, uses: tagging/add@2, with: { tags: [a] } }]\n- set: { b: '${{ (steps.all.results | first).two }}' }",
            &["E0403"],
        ),
    ] {
        check(steps, expected);
    }
}

#[test]
fn an_event_of_several_types_has_what_they_share() {
    let workflow = |expression: &str| {
        format!(
            "workflow: case\non: {{ event: [order.paid, order.refunded] }}\nsteps:\n  - set: {{ a: '${{{{ {expression} }}}}' }}\n"
        )
    };
    for (expression, expected) in [
        ("event.order_no", &[][..]),
        ("event.items", &["W1006"]),
        ("event.items if event.type == \"order.paid\" else none", &[]),
        ("event.card", &["E0403"]),
    ] {
        let compiled = support::compiled(&support::with_workflow(&workflow(expression)));
        assert_eq!(support::codes(&compiled), expected, "{expression}");
    }
}
