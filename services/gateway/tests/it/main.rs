//! The gateway over real sockets, before services that do what their callers say.

mod calls;
mod cell;
mod faults;
mod identity;
mod infrastructure;
mod limits;
mod pages;
mod service;
mod streams;
mod trace;
mod webhooks;
