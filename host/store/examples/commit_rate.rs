//! How fast a realistic batch commits:
//! `cargo run --release -p siyu-store --example commit_rate -- [folder] [batches] [narrow]`.
//!
//! A batch is what an executor commits at once: 256 steps of 51 runs, with their events, facts, entries, documents,
//! messages and timers; `narrow` leaves facts, entries and timers out. Every second batch goes on with the runs of the
//! one before. It prints medians of five rounds; nothing is asserted, because what a machine does depends on the machine.

use std::path::PathBuf;
use std::time::Instant;

use siyu_engine::ports::rows::{EntryRow, FactRow, WriteSet};
use siyu_engine::ports::store::{Maintenance, Stores};
use siyu_model::customer::Fact;
use siyu_model::event::EventSeq;
use siyu_model::json::Value;
use siyu_store::conformance::samples::{
    at, customer, event, hash, line, message, name, record_key, run, run_id, timer,
};
use siyu_store::{SqliteOptions, SqliteStores};

/// Steps of a batch.
const STEPS: u64 = 256;
/// Runs that take them.
const RUNS: u64 = 51;
const ROUNDS: usize = 5;

/// Processor time of this process so far, microseconds; none where the system does not say.
fn processor_us() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/schedstat").ok()?;
    let own: f64 = text.split_whitespace().next()?.parse().ok()?;
    let mut all = own / 1_000.0;
    for task in std::fs::read_dir("/proc/self/task").ok()?.flatten() {
        if task.file_name().to_str()?.parse::<u32>().ok()? != std::process::id() {
            let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
            all += text.split_whitespace().next()?.parse::<f64>().ok()? / 1_000.0;
        }
    }
    Some(all)
}

/// The write set of batch `number`: runs are new in the even half and go on in the odd one, so half of the batches update.
fn batch(number: u64) -> anyhow::Result<WriteSet> {
    let mut writes = WriteSet { at: at(number), ..WriteSet::default() };
    let generation = number / 2;
    let goes_on = number % 2 == 1;
    for place in 0..RUNS {
        let unique = generation * RUNS + place;
        let seq = number * RUNS + place + 1;
        let mut happened = event(seq)?;
        happened.customer = Some(customer(unique));
        happened.data =
            r#"{"amount_fen":12900,"order":"2026112100042","items":[{"sku":"beef-500","count":2}]}"#.into();
        writes.events.push(happened);
        let mut run = run(unique)?;
        run.customer = Some(customer(unique));
        run.event = Some(EventSeq(generation * 2 * RUNS + place + 1));
        run.journal_rows = if goes_on { 10 } else { 5 };
        let output = Value::map([("prize", Value::text("牛排")), ("coupon", Value::text("autumn-2026"))]);
        for step in ["draw", "coupon", "greet"] {
            run.state.kept.insert(name(step)?, output.clone());
        }
        writes.runs.push(run);
        writes.facts.push(FactRow {
            customer: customer(unique),
            event_type: name("order.paid")?,
            fact: Fact::add(None, at(unique), 12_900, EventSeq(seq)),
        });
        writes.entries.push(EntryRow {
            hash: hash(unique),
            customer: Some(customer(unique)),
            run: run_id(unique),
            started_at: at(unique),
            is_alive: true,
        });
        let key = record_key(Some(customer(unique)), "card")?;
        writes.records.push((key, Some(r#"{"draws":1,"prize":"牛排","entry":"abc"}"#.into())));
        let mut planned = message(seq)?;
        planned.customer = customer(unique);
        planned.body = "恭喜抽中牛排一份，优惠码 AB23-CD45-EF67，七天内有效。".to_owned();
        planned.run = Some(run_id(unique));
        writes.messages.push(planned);
        match goes_on {
            true => writes.timers_over.push((at(unique + 604_800), timer(at(0), unique).id)),
            false => writes.timers.push(timer(at(unique + 604_800), unique)),
        }
    }
    for step in 0..STEPS {
        let place = step % RUNS;
        let row = u32::try_from(step / RUNS)? + if goes_on { 6 - u32::from(place > 0) } else { 0 };
        let mut line = line(run_id(generation * RUNS + place), row);
        line.entry.step = Some(name("draw")?);
        line.entry.detail = Some(
            r#"{"prize":{"name":"牛排","coupon":"autumn-2026","amount_fen":1290},"entry":"abc","fuel":[41234,1000000000]}"#
                .to_owned(),
        );
        writes.journal.push(line);
    }
    Ok(writes)
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let batches: u64 = arguments.next().map_or(Ok(400), |text| text.parse())?;
    let is_narrow = arguments.next().is_some_and(|text| text == "narrow");
    let folder = folder.join(format!("commit-rate-{}", std::process::id()));
    let stores = SqliteStores::new(&folder, SqliteOptions::default());
    let store = stores.open(&name("bench")?).await?;
    let (mut wall, mut processor, mut slowest) = (Vec::new(), Vec::new(), Vec::new());
    let mut next = 0;
    let mut rows = 0;
    for _ in 0..ROUNDS {
        let mut prepared: Vec<WriteSet> = (0..batches).map(|n| batch(next + n)).collect::<Result<_, _>>()?;
        for writes in prepared.iter_mut().filter(|_| is_narrow) {
            writes.facts.clear();
            writes.entries.clear();
            writes.timers.clear();
            writes.timers_over.clear();
        }
        next += batches;
        rows = prepared.iter().map(count).sum();
        let before = processor_us();
        let mut spent = Vec::new();
        for (number, writes) in prepared.into_iter().enumerate() {
            let begin = Instant::now();
            store.commit(writes).await?;
            spent.push(begin.elapsed().as_secs_f64() * 1e6);
            if number % 16 == 15 {
                store.maintain(Maintenance::Checkpoint).await?;
            }
        }
        let steps = (batches * STEPS) as f64;
        wall.push(spent.iter().sum::<f64>() / steps);
        if let (Some(before), Some(after)) = (before, processor_us()) {
            processor.push((after - before) / steps);
        }
        spent.sort_by(f64::total_cmp);
        slowest.push(spent[spent.len() * 99 / 100]);
    }
    let size = std::fs::metadata(stores.path(&name("bench")?))?.len();
    store.close().await?;
    std::fs::remove_dir_all(&folder)?;
    report(batches, rows, size, [median(wall), median(processor), median(slowest)]);
    Ok(())
}

fn count(writes: &WriteSet) -> usize {
    writes.events.len()
        + writes.facts.len()
        + writes.runs.len()
        + writes.journal.len()
        + writes.entries.len()
        + writes.records.len()
        + writes.messages.len()
        + writes.timers.len()
        + writes.timers_over.len()
}

#[expect(clippy::print_stdout, reason = "an example says what it measured")]
fn report(batches: u64, rows: usize, size: u64, [wall, processor, slowest]: [f64; 3]) {
    let per_step = rows as f64 / (batches * STEPS) as f64;
    println!(
        "{batches} batches of {STEPS} steps, {per_step:.2} rows a step, medians of {ROUNDS} rounds, synchronous=FULL"
    );
    println!(
        "  wall        {wall:6.2} us a step = {:7.0} steps/s, {:8.0} rows/s",
        1e6 / wall,
        1e6 / wall * per_step
    );
    println!("  processor   {processor:6.2} us a step, checkpoints included");
    println!("  commit p99  {:6.2} ms", slowest / 1_000.0);
    println!("  database    {:6.1} MiB at the end", size as f64 / (1 << 20) as f64);
}
