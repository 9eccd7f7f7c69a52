//! JSON Schemas of types, and the sentence that says what a type is.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};

fn settings() -> SchemaSettings {
    let mut settings = SchemaSettings::draft2020_12();
    // A reader follows no references, and the manifest says once which draft it is: the contract's.
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    settings
}

/// The schema of what a type reads.
pub(crate) fn read<T: JsonSchema>() -> Schema {
    without_title(settings().for_deserialize().into_generator().into_root_schema_for::<T>())
}

/// The schema of what a type writes.
pub(crate) fn written<T: JsonSchema>() -> Schema {
    without_title(settings().for_serialize().into_generator().into_root_schema_for::<T>())
}

/// The name of a Rust type is no word for operators.
fn without_title(mut schema: Schema) -> Schema {
    schema.remove("title");
    schema
}

/// The first paragraph of a type's doc comment, as one line; empty when there is none.
pub(crate) fn summary(schema: &Schema) -> String {
    let text = schema.get("description").and_then(|text| text.as_str()).unwrap_or_default();
    let first = text.split("\n\n").next().unwrap_or_default();
    first.split_whitespace().collect::<Vec<_>>().join(" ")
}
