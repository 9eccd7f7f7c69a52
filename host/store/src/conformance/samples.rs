//! Samples of every kind of row: the plain one, and one at the edge of what a row may hold.
//!
//! They are made from numbers, so the same number gives the same row. Nothing here opens a store.

use std::sync::Arc;

use siyu_engine::ports::rows::{
    AccountKey, CodeRow, CustomerRow, EntryRow, EventRow, FactRow, Hash16, JournalRow, LedgerRow,
    PlannedEvent, PlannedRow, PlaybookRow, RecordKey, ResourceRow, ScanPurpose, ScanRow, ScheduleRow,
    SegmentRow, StockKey, TagRow, TimerKind, TimerRow, WaitRow, WriteSet,
};
use siyu_model::clock::UtcMs;
use siyu_model::customer::{Fact, TagMark};
use siyu_model::digest::PlaybookDigest;
use siyu_model::event::{EventSeq, Identity};
use siyu_model::id::{CustomerId, MessageId, PostingId, ReservationId, RunId, ScanId, TimerId, WaitId};
use siyu_model::journal::{JournalEntry, JournalKind};
use siyu_model::json::Value;
use siyu_model::message::{Message, MessageClass, MessageStatus};
use siyu_model::playbook::NodeId;
use siyu_model::plugin::{Fault, FieldFault};
use siyu_model::run::{Fiber, FiberId, FiberState, Run, RunEnd, RunState, RunStatus, Target};
use siyu_model::stock::counter::Counter;
use siyu_model::stock::ledger::{Account, Transfer};
use siyu_model::stock::pool::Pool;
use siyu_model::stock::reservation::{CounterHold, Reservation, ReservationStatus};

use super::Failure;

/// Text that encodings, quoting and JSON get wrong: quotes, escapes, four-byte characters, a byte-order mark, and the
/// character with which a store may escape.
pub const AWKWARD: &str = "牛排 \"A\" \\ ' \u{1}0 \u{1f42e} \u{feff} %_ \t\n {{x}} é \u{10ffff}";

/// A name of any kind.
pub fn name<T: std::str::FromStr>(text: &str) -> Result<T, Failure> {
    text.parse().map_err(|_| Failure::Sample(format!("{}: {text:?}", std::any::type_name::<T>())))
}

/// An instant: so many seconds into the year 2026.
pub fn at(seconds: u64) -> UtcMs {
    UtcMs::from_millis(1_767_225_600_000 + i64::try_from(seconds).unwrap_or(0) * 1_000)
}

/// A hash of a number.
pub fn hash(number: u64) -> Hash16 {
    Hash16::of(&[b"sample", &number.to_be_bytes()])
}

/// A customer's id; ids are in the order of their numbers.
pub fn customer(number: u64) -> CustomerId {
    CustomerId::derive(at(number), &[b"customer"])
}

/// A run's id; ids are in the order of their numbers.
pub fn run_id(number: u64) -> RunId {
    RunId::derive(at(number), &[b"run"])
}

/// A version of a playbook.
pub fn version(number: u8) -> PlaybookDigest {
    PlaybookDigest([number; 32])
}

/// An event of customer `number % 10`, of type `order.paid`.
pub fn event(number: u64) -> Result<EventRow, Failure> {
    Ok(EventRow {
        seq: EventSeq(number),
        dedupe: hash(number),
        id: format!("id-{number}"),
        source: "shop".to_owned(),
        event_type: name("order.paid")?,
        customer: Some(customer(number % 10)),
        occurred_at: at(number),
        recorded_at: at(number),
        depth: 0,
        data: r#"{"amount_fen":1290}"#.into(),
        outcome: "{}".to_owned(),
        matches: Vec::new(),
    })
}

/// A live run of customer `number % 10` without an event.
pub fn run(number: u64) -> Result<Run, Failure> {
    Ok(Run {
        id: run_id(number),
        target: Target::Workflow {
            playbook: name("club")?,
            version: version(1),
            workflow: name("first-order")?,
        },
        customer: Some(customer(number % 10)),
        key: None,
        slot: None,
        event: None,
        since_seq: EventSeq(0),
        depth: 0,
        parent: None,
        started_at: at(number),
        changed_at: at(number),
        status: RunStatus::Live,
        state: RunState {
            fibers: vec![Fiber::new(FiberId(0), None, NodeId(0))],
            next_fiber: 1,
            ..RunState::default()
        },
        journal_rows: 0,
    })
}

/// The same run after its end.
pub fn ended(number: u64, ended_at: UtcMs) -> Result<Run, Failure> {
    let mut run = run(number)?;
    run.status = RunStatus::Ended { end: RunEnd::Completed { outcome: "done".to_owned() }, at: ended_at };
    run.changed_at = ended_at;
    run.state = RunState::default();
    Ok(run)
}

/// A line of a journal.
pub fn line(run: RunId, row: u32) -> JournalRow {
    JournalRow {
        run,
        row,
        entry: JournalEntry {
            at: at(row.into()),
            step: None,
            fiber: 0,
            kind: if row == 0 { JournalKind::Started } else { JournalKind::Done },
            detail: Some(format!(r#"{{"line":{row}}}"#)),
        },
    }
}

/// A planned message to customer `number % 10`.
pub fn message(number: u64) -> Result<Message, Failure> {
    Ok(Message {
        id: MessageId::derive(at(number), &[b"message"]),
        customer: customer(number % 10),
        channel: name("wecom")?,
        class: MessageClass::Service,
        template: name("welcome")?,
        body: "你好".to_owned(),
        status: MessageStatus::Planned,
        reason: None,
        attempts: 0,
        planned_at: at(number),
        due_at: at(number),
        expires_at: at(number + 86_400),
        changed_at: at(number),
        run: None,
        step: None,
    })
}

/// A timer of a scan.
pub fn timer(due_at: UtcMs, number: u64) -> TimerRow {
    let scan = ScanId::derive(at(number), &[b"scan"]);
    TimerRow {
        due_at,
        id: TimerId::derive(at(number), &[b"timer", &number.to_be_bytes()]),
        kind: TimerKind::Scan(scan),
    }
}

/// A held reservation of one unit.
pub fn reservation(number: u64) -> Result<Reservation, Failure> {
    Ok(Reservation {
        id: ReservationId::derive(at(number), &[b"reservation"]),
        plugin: name("flash-sale")?,
        pool: name("session-1")?,
        customer: Some(customer(number % 10)),
        units: 1,
        counters: Vec::new(),
        reference: None,
        status: ReservationStatus::Held,
        expires_at: at(number + 900),
    })
}

/// A key of a plugin's pool or counter.
pub fn stock_key(key: &str) -> Result<StockKey, Failure> {
    Ok(StockKey { plugin: "flash-sale".into(), key: name(key)? })
}

/// A key of a document.
pub fn record_key(customer: Option<CustomerId>, key: &str) -> Result<RecordKey, Failure> {
    Ok(RecordKey { plugin: name("coupon")?, customer, key: name(key)? })
}

/// A version of a playbook.
pub fn playbook(number: u8, is_active: bool) -> Result<PlaybookRow, Failure> {
    Ok(PlaybookRow {
        name: name("club")?,
        digest: version(number),
        compiled: format!(r#"{{"version":{number}}}"#).into(),
        files: vec![("playbook.yaml".to_owned(), AWKWARD.to_owned())],
        published_at: at(number.into()),
        is_active,
    })
}

/// A scan that is not over.
pub fn scan(number: u64) -> Result<ScanRow, Failure> {
    Ok(ScanRow {
        id: ScanId::derive(at(number), &[b"scan"]),
        purpose: ScanPurpose::Segment { playbook: name("club")?, segment: name("loyal")? },
        started_at: at(number),
        spread_ms: 7_200_000,
        total: 10,
        seen: 4,
        hits: 2,
        after: Some(customer(4)),
        is_done: false,
    })
}

/// Every kind of row once, with values at the edge: awkward text, 64 KiB bodies, the largest and smallest numbers.
pub fn everything() -> Result<WriteSet, Failure> {
    let who = customer(1);
    let mut writes = WriteSet { at: at(1_000), ..WriteSet::default() };
    people(&mut writes, who)?;
    runs(&mut writes, who)?;
    stock(&mut writes, who)?;
    published(&mut writes)?;
    Ok(writes)
}

/// What stands in every text of [`of_customer`] that may hold something of a person.
pub const SECRET: &str = "13800138000";

/// Everything that a store may keep of a customer for whom nothing is under way, with [`SECRET`] in all of it; their event and
/// their run have their number.
pub fn of_customer(number: u64) -> Result<WriteSet, Failure> {
    let who = customer(number);
    let told = format!(r#"{{"phone":"{SECRET}"}}"#);
    let mut event = event(number)?;
    event.id = format!("call-{SECRET}-{number}");
    event.data = format!(r#"{{"phone":"{SECRET}","amount_fen":1290,"age":31}}"#).into();
    event.matches = vec![hash(700 + number), hash(800 + number)];
    let fault = Fault {
        fields: vec![FieldFault { pointer: "/phone".to_owned(), message: SECRET.to_owned() }],
        ..Fault::permanent("NO_SUCH_PHONE", format!("{SECRET} is nobody's"))
    };
    let mut failed = ended(number, at(50))?;
    failed.key = Some(SECRET.to_owned());
    failed.slot = Some(SECRET.to_owned());
    failed.event = Some(EventSeq(number));
    failed.status = RunStatus::Ended { end: RunEnd::Failed { fault }, at: at(50) };
    failed.state.vars.insert("phone".into(), Value::text(SECRET));
    failed.journal_rows = 2;
    let mut cancelled = ended(100 + 10 * number + number, at(50))?;
    cancelled.customer = Some(who);
    cancelled.status =
        RunStatus::Ended { end: RunEnd::Cancelled { reason: format!("{SECRET} asked for it") }, at: at(50) };
    let lines = (0..2).map(|row| {
        let mut line = line(failed.id, row);
        line.entry.detail = Some(told.clone());
        line
    });
    let lines = lines.collect();
    let mut message = message(number)?;
    message.body = SECRET.to_owned();
    message.reason = Some(format!("{SECRET} took it"));
    message.status = MessageStatus::Delivered;
    let mut bought = reservation(number)?;
    bought.status = ReservationStatus::Committed;
    bought.reference = Some(SECRET.to_owned());
    bought.counters = vec![CounterHold { key: name(&format!("of/{who}"))?, units: 1 }];
    let sample = |fault: &dyn std::fmt::Display| Failure::Sample(fault.to_string());
    let counter = Counter::restore(1, 2).ok_or_else(|| sample(&"counter"))?;
    let (owed, mine) = (account(None, &format!("owed/{who}"))?, account(Some(who), "points")?);
    let earned =
        LedgerRow { reference: Some(SECRET.to_owned()), ..transfer(number, owed.clone(), mine.clone(), 5)? };
    let fact =
        Fact { count: 1, sum_fen: 1_290, first_at: at(number), last_at: at(number), last_seq: event.seq };
    let mark = TagMark {
        source: "manual".to_owned(),
        added_at: at(1),
        effective_at: at(1),
        expires_at: None,
        confidence_percent: 100,
        evidence: Some(SECRET.to_owned()),
    };
    Ok(WriteSet {
        events: vec![event],
        customers: vec![CustomerRow { id: who, created_at: at(number), attributes: told.clone() }],
        identities: vec![(
            Identity { namespace: "phone".to_owned(), value: format!("{SECRET}-{number}") },
            who,
        )],
        facts: vec![FactRow { customer: who, event_type: name("order.paid")?, fact }],
        tags: vec![TagRow { customer: who, tag: name("vip")?, mark: Some(mark) }],
        segments: vec![SegmentRow {
            customer: who,
            playbook: name("club")?,
            segment: name("loyal")?,
            is_member: true,
            since: at(3),
            check_at: None,
        }],
        journal: lines,
        entries: vec![EntryRow {
            hash: hash(number),
            customer: Some(who),
            run: failed.id,
            started_at: at(1),
            is_alive: false,
        }],
        runs: vec![failed, cancelled],
        messages: vec![message],
        reservations: vec![bought],
        counters: vec![(stock_key(&format!("of/{who}"))?, counter)],
        accounts: vec![(account_key(&owed)?, -5), (account_key(&mine)?, 5)],
        ledger: vec![earned],
        records: vec![
            (record_key(Some(who), "card/1")?, Some(told.clone().into())),
            (record_key(None, &format!("seen/{who}"))?, Some(told.into())),
        ],
        at: at(1_000),
        ..WriteSet::default()
    })
}

/// Units that go from an account of a tenant to one of a customer, or the other way.
pub fn transfer(number: u64, from: Account, to: Account, units: u64) -> Result<LedgerRow, Failure> {
    Ok(LedgerRow {
        posting: PostingId::derive(at(number), &[b"posting"]),
        place: 0,
        plugin: name("points")?,
        transfer: Transfer { from, to, units },
        at: at(number),
        reference: Some(AWKWARD.to_owned()),
    })
}

/// An account of a customer, or of the tenant.
pub fn account(customer: Option<CustomerId>, called: &str) -> Result<Account, Failure> {
    Ok(Account { customer, name: name(called)? })
}

/// An account of the plugin that [`transfer`] is of.
pub fn account_key(account: &Account) -> Result<AccountKey, Failure> {
    Ok(AccountKey { plugin: name("points")?, account: account.clone() })
}

fn people(writes: &mut WriteSet, who: CustomerId) -> Result<(), Failure> {
    let mut first = event(1)?;
    first.id = AWKWARD.to_owned();
    first.data = format!(r#"{{"text":{}}}"#, Value::text(AWKWARD.repeat(1_000)).to_text()).into();
    first.matches = vec![hash(7), hash(8), hash(9)];
    first.depth = u32::MAX;
    first.occurred_at = UtcMs::LAST;
    let mut second = event(2)?;
    second.customer = None;
    second.occurred_at = UtcMs::EPOCH;
    writes.events = vec![first, second];
    writes.customers = vec![CustomerRow {
        id: who,
        created_at: at(1),
        attributes: format!(
            r#"{{"largest":{},"smallest":{},"text":{}}}"#,
            i64::MAX,
            i64::MIN,
            Value::text(AWKWARD).to_text()
        ),
    }];
    for (namespace, value) in [("shop", "00042"), ("openid", AWKWARD)] {
        let identity = Identity { namespace: namespace.to_owned(), value: value.to_owned() };
        writes.identities.push((identity, who));
    }
    let fact = |event_type: &str, sum_fen| -> Result<FactRow, Failure> {
        Ok(FactRow {
            customer: who,
            event_type: name(event_type)?,
            fact: Fact {
                count: u64::MAX >> 1,
                sum_fen,
                first_at: UtcMs::EPOCH,
                last_at: UtcMs::LAST,
                last_seq: EventSeq(2),
            },
        })
    };
    writes.facts = vec![fact("order.paid", i64::MAX)?, fact("order.refunded", i64::MIN)?];
    writes.tags = vec![TagRow {
        customer: who,
        tag: name("生命周期.忠诚")?,
        mark: Some(TagMark {
            source: "rule:loyal".to_owned(),
            added_at: at(2),
            effective_at: at(1),
            expires_at: Some(UtcMs::LAST),
            confidence_percent: 100,
            evidence: Some(AWKWARD.to_owned()),
        }),
    }];
    writes.segments = vec![SegmentRow {
        customer: who,
        playbook: name("club")?,
        segment: name("loyal")?,
        is_member: true,
        since: at(3),
        check_at: Some(at(4)),
    }];
    Ok(())
}

fn runs(writes: &mut WriteSet, who: CustomerId) -> Result<(), Failure> {
    let mut waiting = run(1)?;
    waiting.key = Some(AWKWARD.to_owned());
    waiting.slot = Some("slot".to_owned());
    waiting.event = Some(EventSeq(1));
    waiting.since_seq = EventSeq(1);
    waiting.parent = Some((run_id(9), FiberId(u32::MAX)));
    waiting.status = RunStatus::Paused { since: at(9) };
    waiting.journal_rows = 2;
    let wait = WaitId::derive(at(1), &[b"wait"]);
    waiting.state.fibers[0].state =
        FiberState::Waiting { wait, until: Some(at(99)), matching: Some(hash(7)) };
    waiting.state.vars.insert("text".into(), Value::text(AWKWARD.repeat(1_000)));
    waiting.state.vars.insert("largest".into(), Value::Int(i64::MAX));
    let mut reaction = ended(2, at(50))?;
    reaction.target = Target::Reaction {
        playbook: name("club")?,
        version: version(2),
        plugin: name("coupon")?,
        step: name("expire")?,
    };
    reaction.customer = None;
    let mut first = line(waiting.id, 0);
    first.entry.detail = None;
    let mut second = line(waiting.id, 1);
    second.entry.step = Some(name("draw")?);
    second.entry.fiber = u32::MAX;
    second.entry.detail = Some(Value::text(AWKWARD).to_text());
    writes.journal = vec![first, second];
    writes.entries = vec![
        EntryRow { hash: hash(1), customer: Some(who), run: waiting.id, started_at: at(1), is_alive: true },
        EntryRow { hash: hash(2), customer: None, run: reaction.id, started_at: at(2), is_alive: false },
    ];
    let plain = WaitRow {
        id: wait,
        run: waiting.id,
        fiber: FiberId(0),
        customer: Some(who),
        event_types: vec![name("order.paid")?, name("order.refunded")?],
        matching: None,
    };
    let matching = WaitRow {
        id: WaitId::derive(at(2), &[b"wait"]),
        customer: None,
        matching: Some(hash(7)),
        ..plain.clone()
    };
    writes.waits = vec![plain, matching];
    writes.timers = vec![
        TimerRow { kind: TimerKind::Fiber { run: waiting.id, fiber: FiberId(0) }, ..timer(at(99), 1) },
        TimerRow {
            kind: TimerKind::Tag { customer: who, tag: name("生命周期.忠诚")? },
            ..timer(UtcMs::LAST, 2)
        },
    ];
    writes.runs = vec![waiting, reaction];
    let mut sent = message(1)?;
    sent.body = AWKWARD.repeat(1_500);
    sent.reason = Some(AWKWARD.to_owned());
    sent.status = MessageStatus::Sent;
    sent.class = MessageClass::Marketing;
    sent.attempts = u32::MAX;
    sent.run = Some(run_id(1));
    sent.step = Some(name("welcome")?);
    writes.messages = vec![sent, message(2)?];
    Ok(())
}

fn stock(writes: &mut WriteSet, who: CustomerId) -> Result<(), Failure> {
    writes.planned = vec![PlannedRow {
        plugin: name("coupon")?,
        key: name("reminder")?,
        event: Some(PlannedEvent {
            due_at: at(100),
            event_type: name("coupon.expiring")?,
            customer: Some(who),
            data: r#"{"n":1}"#.into(),
            depth: 3,
        }),
    }];
    let body: Arc<str> = "x".repeat(64 << 10).into();
    writes.records = vec![
        (record_key(Some(who), "card/1")?, Some(body)),
        (record_key(None, "batch/1")?, Some(r#"{"left":3}"#.into())),
    ];
    let sample = |fault: &dyn std::fmt::Display| Failure::Sample(fault.to_string());
    let pool = Pool::restore((1 << 53) - 1, (1 << 53) - 4, 1, 2).map_err(|fault| sample(&fault))?;
    writes.pools = vec![(stock_key("session-1")?, pool)];
    let mut held = reservation(1)?;
    held.units = (1 << 53) - 1;
    held.reference = Some(AWKWARD.to_owned());
    held.counters = vec![CounterHold { key: name("per-customer")?, units: 2 }];
    let mut sold = reservation(2)?;
    sold.customer = None;
    sold.status = ReservationStatus::Committed;
    writes.reservations = vec![held, sold];
    let counter = Counter::restore(5, (1 << 53) - 1).ok_or_else(|| sample(&"counter"))?;
    writes.counters = vec![(stock_key("per-customer")?, counter)];
    let (issued, mine) = (account(None, "issued")?, account(Some(who), "point s")?);
    let most = (1 << 53) - 1;
    writes.accounts = vec![(account_key(&issued)?, -most), (account_key(&mine)?, most)];
    let first = transfer(1, issued.clone(), mine.clone(), most.unsigned_abs() - 1)?;
    let second = LedgerRow { place: 1, reference: None, ..transfer(1, issued, mine, 1)? };
    writes.ledger = vec![first, second];
    writes.codes = vec![CodeRow {
        lookup: hash(3),
        plugin: name("coupon")?,
        space: "autumn".to_owned(),
        sealed: (0..=255).collect(),
        reference: AWKWARD.to_owned(),
        created_at: at(5),
    }];
    Ok(())
}

fn published(writes: &mut WriteSet) -> Result<(), Failure> {
    writes.playbooks = vec![playbook(1, true)?, playbook(2, false)?];
    writes.resources = vec![ResourceRow {
        plugin: name("coupon")?,
        kind: name("batch")?,
        name: name("autumn-2026")?,
        playbook: name("club")?,
        body: Some(r#"{"title":"满100减20"}"#.into()),
        reactions: vec![(name("order.paid")?, name("redeem")?)],
    }];
    writes.schedules = vec![
        ScheduleRow {
            playbook: name("club")?,
            workflow: name("daily")?,
            pattern: "0 9 * * * Asia/Shanghai".to_owned(),
            next_at: Some(at(7)),
        },
        ScheduleRow {
            playbook: name("club")?,
            workflow: name("over")?,
            pattern: "0 9 * * * UTC".to_owned(),
            next_at: None,
        },
    ];
    let mut over = scan(2)?;
    over.is_done = true;
    over.after = None;
    writes.scans = vec![scan(1)?, over];
    writes.feeds = vec![("orders.ndjson".to_owned(), (1 << 53) - 1)];
    Ok(())
}

/// A value as JSON text.
trait ToText {
    fn to_text(&self) -> String;
}

impl ToText for Value {
    fn to_text(&self) -> String {
        format!("{self:?}")
    }
}
