//! Making a failure small: parts of what happens are left out as long as something still fails.

use siyu_engine::operate::Publication;

use crate::play::{Failure, play};
use crate::scenario::{Action, Scenario};

/// Plays that making small may take.
const PLAYS_MAX: u32 = 600;

/// The smallest part of a scenario that was found to fail, with its failure. After Zeller and Hildebrandt, "Simplifying and
/// Isolating Failure-Inducing Input" (2002).
pub fn shrink(scenario: &Scenario, publications: &[Publication], failure: Failure) -> (Scenario, Failure) {
    let mut small = (scenario.clone(), failure);
    let mut plays = 0;
    let mut parts = 2;
    while small.0.actions.len() >= 2 && plays < PLAYS_MAX {
        let length = small.0.actions.len().div_ceil(parts);
        let mut is_smaller = false;
        for from in (0..small.0.actions.len()).step_by(length) {
            let rest = without(&small.0.actions, from, length);
            let candidate = Scenario { actions: rest, ..small.0.clone() };
            plays += 1;
            if let Err(failure) = play(&candidate, publications) {
                small = (candidate, failure);
                parts = parts.saturating_sub(1).max(2);
                is_smaller = true;
                break;
            }
        }
        if !is_smaller {
            if length == 1 {
                break;
            }
            parts = (parts * 2).min(small.0.actions.len());
        }
    }
    small
}

fn without(actions: &[Action], from: usize, length: usize) -> Vec<Action> {
    let end = (from + length).min(actions.len());
    [&actions[..from], &actions[end..]].concat()
}
