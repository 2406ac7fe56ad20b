//! The tools that all other tests trust.

mod child_process;
mod database;
mod eventually;
mod otlp;
mod postgres;
