//! Whole cells: journeys, conformance, faults; and the benchmarks.
