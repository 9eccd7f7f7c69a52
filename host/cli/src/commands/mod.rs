//! One file a command: its options, what it does, what it prints.

pub(crate) mod completions;
pub(crate) mod explain;
