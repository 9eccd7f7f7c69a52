//! What steps compile to: numbers, what follows each, and what is kept.

use std::fmt::Write;

use siyu_model::playbook::{Action, Node, NodeId, OnError, OnRefused, Playbook, Program};

use crate::support;

/// Every kind of step, inside others too.
const EVERYTHING: &str = "
workflow: everything
title: 全部
on: { event: order.paid, if: event.amount_fen > 0, key: customer.id, reentry: { after: 30d } }
concurrency: { key: event.order_no, limit: 2, on_conflict: skip }
goals: { repurchase: '>= 15%', cost: '<= 3' }
vars: { level: 1 }
steps:
  - id: coupon
    if: event.amount_fen > 5000
    uses: coupon/issue@1
    with: { batch: c66, key: '${{ event.order_no }}-${{ vars.level }}' }
    retry: { attempts: 4, backoff: 2s }
    timeout: 90s
    on_refused:
      SOLD_OUT:
        - set: { sold_out: true }
      LIMIT_CUSTOMER: []
      else: [end: refused]
    on_error:
      - wait: 1h
    compensate: { uses: coupon/void@1, with: { code: '${{ steps.coupon.code }}' } }
  - switch:
      - if: event.amount_fen > 20000
        steps:
          - id: big
            send: welcome
            channel: sms
            with: { prize: 大奖 }
          - wait: { until: '18:00' }
      - else: []
  - parallel:
      left:
        - id: refund
          wait:
            event: [order.refunded, order.paid]
            if: event.amount_fen > 1
            match: event.order_no == steps.coupon.batch and event.amount_fen > 2
            timeout: \"${{ '7d' if vars.level > 1 else '3d' }}\"
            since: now
      right:
        - wait: { until: 2026-12-01T10:00:00+08:00 }
  - id: gifts
    each: ${{ event.items }}
    as: bought
    concurrency: 3
    steps:
      - id: gift
        uses: coupon/issue@1
        with: { batch: c66, key: '${{ bought.sku }}' }
      - id: unread
        set: { last: '${{ bought.sku }}' }
  - split:
      arms:
        a: { weight: 50, steps: [{ emit: order.refunded, with: { order_no: x, amount_fen: 1 } }] }
        b: { weight: 45 }
        holdout: 5
  - id: test
    split: { salt: s, arms: { a: 1, b: 1 } }
  - respond: { gifts: '${{ steps.gifts.results | length }}' }
  - id: called
    call: thank
    with: { who: '${{ customer.id }}' }
    timeout: 5m
    on_error: continue
  - end: done
";

fn playbook() -> Playbook {
    let files = [
        ("workflows/everything.yaml".to_owned(), EVERYTHING.as_bytes().to_vec()),
        (
            "workflows/thank.yaml".to_owned(),
            b"workflow: thank\non: { call: true }\nsteps:\n  - if: event.who == ''\n    end: nobody\n"
                .to_vec(),
        ),
    ];
    let compiled = support::compiled(&support::laid_over(files));
    assert!(!compiled.has_errors(), "{}", compiled.render(siyu_workflow::Style::Plain));
    compiled.playbook.unwrap()
}

/// One line a step: number, id, place, what it does, what follows.
fn drawn(program: &Program) -> String {
    let mut text = format!("entry {}\n", number(program.entry));
    for (place, node) in program.nodes.iter().enumerate() {
        let read = if node.is_read { " (kept)" } else { "" };
        let next = number(node.next);
        writeln!(text, "{place} {}{read} {}: {} -> {next}", node.id, node.place, action(&node.action))
            .unwrap();
        for line in answers(node) {
            writeln!(text, "      {line}").unwrap();
        }
    }
    text
}

fn number(id: Option<NodeId>) -> String {
    id.map_or_else(|| "·".to_owned(), |id| id.0.to_string())
}

fn action(action: &Action) -> String {
    let numbers =
        |entries: Vec<Option<NodeId>>| entries.into_iter().map(number).collect::<Vec<_>>().join(" ");
    match action {
        Action::Switch { branches } => {
            format!("switch {}", numbers(branches.iter().map(|branch| branch.entry).collect()))
        }
        Action::Parallel { branches } => format!("parallel {}", numbers(branches.clone())),
        Action::Each { items, item, concurrency, body } => {
            format!("each {items} as {item} at once {concurrency}: {}", number(*body))
        }
        Action::Split { salt, arms } => {
            let arms = arms.iter().map(|arm| format!("{} {}%: {}", arm.name, arm.weight, number(arm.entry)));
            format!("split {salt}: {}", arms.collect::<Vec<_>>().join(", "))
        }
        other => serde_json::to_string(other).unwrap(),
    }
}

fn answers(node: &Node) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(node.condition.as_ref().map(|condition| format!("if {condition}")));
    match &node.on_refused {
        OnRefused::Fail => {}
        OnRefused::Continue => lines.push("refused: continue".to_owned()),
        OnRefused::Steps(arms) => lines.extend(arms.iter().map(|(code, entry)| {
            format!("refused {}: {}", code.as_deref().unwrap_or("else"), number(*entry))
        })),
    }
    match &node.on_error {
        OnError::Fail => {}
        OnError::Continue => lines.push("error: continue".to_owned()),
        OnError::Steps(entry) => lines.push(format!("error: {}", number(*entry))),
    }
    lines.extend(node.compensate.map(|undo| format!("undone by {}", undo.0)));
    lines.extend(node.timeout.map(|timeout| format!("within {timeout}")));
    if node.retry != Default::default() {
        lines.push(format!("{:?}", node.retry));
    }
    lines
}

#[test]
fn every_kind_of_step_knows_what_follows_it() {
    let playbook = playbook();
    let workflow = &playbook.workflows["everything"];
    insta::assert_snapshot!("program", drawn(&workflow.program));
    insta::assert_snapshot!(
        "trigger",
        format!(
            "{:#?}",
            (&workflow.trigger, &workflow.key, workflow.reentry, &workflow.concurrency, &workflow.goals)
        )
    );
}

#[test]
fn numbers_name_nodes_and_every_node_is_led_to() {
    for workflow in playbook().workflows.values() {
        let program = &workflow.program;
        let mut led_to: Vec<Option<NodeId>> = vec![program.entry];
        for node in &program.nodes {
            led_to.extend([node.next, node.compensate]);
            match &node.action {
                Action::Switch { branches } => led_to.extend(branches.iter().map(|branch| branch.entry)),
                Action::Parallel { branches } => led_to.extend(branches),
                Action::Each { body, .. } => led_to.push(*body),
                Action::Split { arms, .. } => led_to.extend(arms.iter().map(|arm| arm.entry)),
                _ => {}
            }
            if let OnRefused::Steps(arms) = &node.on_refused {
                led_to.extend(arms.iter().map(|(_, entry)| *entry));
            }
            if let OnError::Steps(entry) = &node.on_error {
                led_to.push(*entry);
            }
        }
        let numbers: Vec<u32> = led_to.into_iter().flatten().map(|id| id.0).collect();
        let count = program.nodes.len() as u32;
        assert!(numbers.iter().all(|number| *number < count), "{}", workflow.name);
        assert!((0..count).all(|number| numbers.contains(&number)), "{}", workflow.name);
    }
}

#[test]
fn a_playbook_survives_the_form_that_a_store_keeps() {
    let playbook = playbook();
    let text = serde_json::to_string(&playbook).unwrap();
    let again: Playbook = serde_json::from_str(&text).unwrap();
    assert_eq!(again, playbook);
    assert_eq!(again.digest(), playbook.digest());
}

#[test]
fn an_id_keeps_a_customer_in_its_arm_when_steps_are_put_in_before() {
    let salt = |steps: &str| {
        let text = format!(
            "workflow: w\non: {{ event: order.paid }}\nsteps:\n{steps}  - split: {{ arms: {{ a: 1, b: 1 }} }}\n"
        );
        let playbook = support::compiled(&support::with_workflow(&text)).playbook.unwrap();
        let nodes = &playbook.workflows["w"].program.nodes;
        nodes.iter().find_map(|node| match &node.action {
            Action::Split { salt, .. } => Some(salt.clone()),
            _ => None,
        })
    };
    assert_eq!(salt(""), salt("  - set: { x: 1 }\n"));
}
