//! The program as its users meet it: arguments in; text, JSON, files and exit status out.

mod checking;
mod database;
mod erasing;
mod feeding;
mod overlays;
mod plugins;
mod publishing;
mod runs;
mod secrets;
mod signing;
mod stage;
mod surroundings;
mod tenants;
mod tokens;
