//! The workflow that Obelisk is compared with: it calls the step five times, one after the other.

wit_bindgen::generate!({
    path: "../wit",
    world: "workflows",
});

use exports::siyu_peers::count::workflow::Guest;
use siyu_peers::count::steps;

/// Steps of the workflow.
const STEPS: u64 = 5;

struct Workflow;

export!(Workflow);

impl Guest for Workflow {
    fn five(number: u64) -> Result<u64, ()> {
        (0..STEPS).try_fold(number, |number, _| steps::next(number))
    }
}
