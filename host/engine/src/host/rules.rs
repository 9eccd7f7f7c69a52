//! What a host decides about its tenants.

use siyu_model::clock::DurationMs;
use siyu_model::limits::host;

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
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            idle: DurationMs::from_millis(host::IDLE_MS),
            awake_max: host::AWAKE_MAX,
            turns_max: host::TURNS_MAX,
        }
    }
}
