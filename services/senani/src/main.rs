//! The one binary: a service, a whole cell, the demo, the client commands.

mod generate;

fn main() {}
