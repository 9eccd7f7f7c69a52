//! Tests of the sandbox on real components: what misbehaves is contained and named, what behaves gets what it asks for.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod support;

mod asking;
mod by_hand;
mod compiling;
mod corpus;
mod loading;
mod packing;
mod receiving;
mod repeating;
mod signing;
mod standard_library;
mod together;
