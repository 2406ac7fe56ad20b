//! Whole cells of the real binary: the journey, the figures, erasure, faults, traces, replicas.

mod erasure;
mod faults;
mod figures;
mod journey;
mod replicas;
mod trace;
mod transfer;
