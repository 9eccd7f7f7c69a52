//! Whatever in a plugin could differ from one run to the next.

use std::collections::{HashMap, HashSet};

use crate::siyu::plugin::{context, random};

pub(crate) fn probe() -> String {
    let now = context::current();
    let drawn: Vec<u8> = random::bytes(16);
    // Which NaN an operation gives is the processor's choice, unless the sandbox decides.
    let hidden = |number: f64| std::hint::black_box(number);
    let nans = [
        hidden(0.0) / hidden(0.0),
        -(hidden(0.0) / hidden(0.0)),
        hidden(f64::INFINITY) - hidden(f64::INFINITY),
        hidden(-1.0).sqrt(),
    ];
    let nan_bits: Vec<String> = nans.iter().map(|nan| format!("{:016x}", nan.to_bits())).collect();
    let keys: Vec<u32> = (0..20).collect::<HashSet<u32>>().into_iter().collect();
    let values: Vec<u32> = (0..20).map(|n| (n, n)).collect::<HashMap<u32, u32>>().into_values().collect();
    let on_the_stack = 0u8;
    let on_the_heap = Box::new(0u8);
    format!(
        r#"{{"now":{},"id":{:?},"random":{drawn:?},"nans":{nan_bits:?},"keys":{keys:?},"values":{values:?},"places":[{},{}]}}"#,
        now.now, now.id, &raw const on_the_stack as usize, &raw const *on_the_heap as usize,
    )
}
