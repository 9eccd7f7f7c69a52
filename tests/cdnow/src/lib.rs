//! Real order histories, told as events: `orders.txt` holds what people bought, `behaviour.toml` the model of all else.
//!
//! Knows nothing of Siyu but the form of an event.

mod behaviour;
mod events;
mod feed;
mod history;
mod life;

pub use events::Written;
pub use feed::write;
