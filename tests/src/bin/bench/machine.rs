//! What the figures were measured on.

use serde_json::{Value, json};

/// Cores, processor, memory, kernel.
pub(crate) fn facts() -> Value {
    let of = |path: &str, name: &str| {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.trim_start_matches([':', ' ', '\t']).trim().to_owned()
    };
    json!({
        "cores": std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
        "processor": of("/proc/cpuinfo", "model name"),
        "memory": of("/proc/meminfo", "MemTotal"),
        "kernel": of("/proc/sys/kernel/osrelease", ""),
    })
}

/// The most memory that a process has used, in MB; `self` is this one.
pub(crate) fn peak_memory(process: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let kibibytes = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().split(' ').next()?.parse().ok());
    kibibytes.map_or(f64::NAN, |kibibytes: f64| kibibytes * 1_024.0 / 1e6)
}
