//! What a host decides about its tenants.

use siyu_model::clock::DurationMs;
use siyu_model::limits::{fleet, host};

/// When tenants sleep. Defaults and reasons are in `siyu_model::limits`.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// How long nothing happened in a tenant that goes to sleep. It also stays awake when something falls due this soon.
    pub idle: DurationMs,
    /// How many tenants may be awake while nothing happens in them: beyond it those that were used longest ago sleep at
    /// once.
    pub awake_max: usize,
    /// How many tenants are opened or closed at once.
    pub turns_max: usize,
    /// How long whoever asks for what another host does waits for the answer, before it is told that the wish is kept.
    pub patience: DurationMs,
    /// How long whoever hands an event in at a host of a fleet waits for any answer.
    pub answer: DurationMs,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            idle: DurationMs::from_millis(host::IDLE_MS),
            awake_max: host::AWAKE_MAX,
            turns_max: host::TURNS_MAX,
            patience: DurationMs::from_millis(fleet::PATIENCE_MS),
            answer: DurationMs::from_millis(fleet::ANSWER_MS),
        }
    }
}
