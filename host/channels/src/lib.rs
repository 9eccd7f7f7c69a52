//! Ways to reach customers: a file of lines, the console, and plugins.
//!
//! Nothing here opens a socket: a plugin is called in the sandbox, and its requests go through the engine's port of the network.

mod console;
mod file;
mod plugin;

pub use console::ConsoleChannel;
pub use file::FileChannel;
pub use plugin::{Cache, PluginChannel, Signing};

use siyu_model::clock::UtcMs;
use siyu_model::json::{self, Value};
use siyu_model::message::Message;

/// A message as one line of JSON; the id comes first.
fn line(message: &Message, sent_at: UtcMs) -> String {
    let members = [
        ("customer", Value::text(message.customer.to_string())),
        ("channel", Value::text(message.channel.as_str())),
        ("class", Value::text(message.class.as_str())),
        ("template", Value::text(message.template.as_str())),
        ("body", Value::text(message.body.as_str())),
        ("planned_at", Value::text(message.planned_at.to_string())),
        ("sent_at", Value::text(sent_at.to_string())),
    ];
    // The text of a message is bounded far below the limit of a document.
    let rest = json::print_within(&Value::map(members), usize::MAX).unwrap_or_else(|_| "{}".to_owned());
    format!("{{\"id\":\"{}\",{}", message.id, &rest[1..])
}
