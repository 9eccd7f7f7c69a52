//! Making a failure small: parts of what happens are left out as long as something still fails.

use crate::play::Failure;

/// Plays that making small may take.
const PLAYS_MAX: u32 = 600;

/// The smallest part of what happens that was found to fail, with its failure; `play` plays a part. After Zeller and
/// Hildebrandt, "Simplifying and Isolating Failure-Inducing Input" (2002).
pub fn shrink<A: Clone>(
    actions: &[A],
    failure: Failure,
    play: impl Fn(Vec<A>) -> Result<(), Failure>,
) -> (Vec<A>, Failure) {
    let mut small = (actions.to_vec(), failure);
    let mut plays = 0;
    let mut parts = 2;
    while small.0.len() >= 2 && plays < PLAYS_MAX {
        let length = small.0.len().div_ceil(parts);
        let mut is_smaller = false;
        for from in (0..small.0.len()).step_by(length) {
            let rest = without(&small.0, from, length);
            plays += 1;
            if let Err(failure) = play(rest.clone()) {
                small = (rest, failure);
                parts = parts.saturating_sub(1).max(2);
                is_smaller = true;
                break;
            }
        }
        if !is_smaller {
            if length == 1 {
                break;
            }
            parts = (parts * 2).min(small.0.len());
        }
    }
    small
}

fn without<A: Clone>(actions: &[A], from: usize, length: usize) -> Vec<A> {
    let end = (from + length).min(actions.len());
    [&actions[..from], &actions[end..]].concat()
}
