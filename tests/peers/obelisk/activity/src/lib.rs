//! The step that Obelisk is compared with: an activity that adds one.

wit_bindgen::generate!({
    path: "../wit",
    world: "activity",
});

use exports::siyu_peers::count::steps::Guest;

struct Activity;

export!(Activity);

impl Guest for Activity {
    fn next(number: u64) -> Result<u64, ()> {
        number.checked_add(1).ok_or(())
    }
}
