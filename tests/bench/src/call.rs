//! `call`: one call of a plugin as the host sees it, in a fresh instance, with nothing around it.

use std::hint::black_box;
use std::time::Instant;

use siyu_engine::ports::plugins::{Entry, PluginCall};
use siyu_model::plugin::{CallLimits, Capability};

use crate::limit::host::BareHost;
use crate::report::{Goal, Report, percentile};
use crate::world::World;

/// Calls of one repetition.
const CALLS: usize = 20_000;
/// Microseconds that a call may take.
const CALL_GOAL_US: f64 = 30.0;

/// Measures single calls one after the other.
pub(crate) fn measure(world: &World, repeat: usize, report: &mut Report) -> anyhow::Result<()> {
    report.begin("call: one plugin call, fresh instance, two calls of records, host side");
    let (mut halves, mut slows) = (Vec::new(), Vec::new());
    let limits = CallLimits::default();
    let input = r#"{"amount_fen":12900,"before_fen":25800,"order_no":"20261121000000042","place":"bar"}"#;
    for _ in 0..repeat {
        let mut host = Box::new(BareHost::new()?);
        let mut spent = Vec::with_capacity(CALLS);
        for _ in 0..CALLS {
            let call = PluginCall {
                digest: &world.plugin.digest,
                granted: Capability::ALL.into_iter().collect(),
                limits: &limits,
                entry: Entry::Step { step: "visit", input },
            };
            let begun = Instant::now();
            let (next, answer) = host.call(&*world.runtime, call)?;
            spent.push(begun.elapsed().as_secs_f64() * 1e6);
            black_box(answer);
            host = next;
        }
        halves.push(percentile(&spent, 50));
        slows.push(percentile(&spent, 99));
    }
    report.goal("one call, median", "µs", halves, Goal::AtMost(CALL_GOAL_US));
    report.figure("one call, 99th percentile", "µs", slows);
    report.end();
    Ok(())
}
