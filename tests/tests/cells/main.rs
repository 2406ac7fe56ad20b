//! Whole cells of the real binary: the journey, the figures, faults, traces, replicas.

mod faults;
mod figures;
mod journey;
mod replicas;
mod trace;
