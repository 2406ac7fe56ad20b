//! A figure beside its limit.

use std::fmt;
use std::fmt::Write as _;

use serde_json::{Value, json};

/// What a figure must not pass.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Limit {
    /// At most this many times what was measured beside it.
    TimesOf(f64),
    /// At least this share of what was measured beside it.
    ShareOf(f64),
    /// At most this.
    AtMost(f64),
}

/// Something measured.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    /// What was done.
    pub(crate) work: String,
    pub(crate) measured: f64,
    /// What was measured beside it, and its value.
    pub(crate) beside: Option<(&'static str, f64)>,
    pub(crate) unit: &'static str,
    pub(crate) limit: Limit,
    /// What else was seen on the way.
    pub(crate) details: Value,
}

impl Figure {
    /// What is held against the limit.
    fn value(&self) -> f64 {
        match (self.limit, self.beside) {
            (Limit::AtMost(_), _) | (_, None) => self.measured,
            (Limit::TimesOf(_) | Limit::ShareOf(_), Some((_, beside))) => self.measured / beside,
        }
    }

    pub(crate) fn is_kept(&self) -> bool {
        match self.limit {
            Limit::TimesOf(most) | Limit::AtMost(most) => self.value() <= most,
            Limit::ShareOf(least) => self.value() >= least,
        }
    }

    fn cells(&self) -> [String; 6] {
        let (reached, limit) = match self.limit {
            Limit::TimesOf(most) => (format!("{:.2} x", self.value()), format!("<= {most} x")),
            Limit::ShareOf(least) => (format!("{:.0} %", self.value() * 100.0), format!(">= {:.0} %", least * 100.0)),
            Limit::AtMost(most) => (format!("{:.2} {}", self.value(), self.unit), format!("<= {most} {}", self.unit)),
        };
        let beside = self.beside.map_or_else(String::new, |(what, value)| format!("{value:.2} {} ({what})", self.unit));
        let verdict = if self.is_kept() { "kept" } else { "MISSED" };
        [self.work.clone(), format!("{:.2} {}", self.measured, self.unit), beside, reached, limit, verdict.to_owned()]
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [work, measured, beside, reached, limit, verdict] = self.cells();
        write!(
            formatter,
            "{}: {work}: {measured}; beside: {beside}; {reached} of {limit}: {verdict}; {}",
            self.name, self.details
        )
    }
}

/// The figures as a table.
pub(crate) fn table(machine: &Value, members: u64, figures: &[Figure]) -> String {
    let mut rows = vec![["work", "measured", "measured beside it", "is", "limit", ""].map(str::to_owned)];
    rows.extend(figures.iter().map(Figure::cells));
    let widths: [usize; 6] =
        std::array::from_fn(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0));
    let mut text = format!("{members} members; {machine}\n");
    for row in rows {
        let line: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        _ = writeln!(text, "{}", line.join("  ").trim_end());
    }
    text
}

/// The figures for machines.
pub(crate) fn json(machine: &Value, members: u64, figures: &[Figure]) -> Value {
    let figure = |figure: &Figure| {
        let (kind, limit) = match figure.limit {
            Limit::TimesOf(limit) => ("at most, times of what was measured beside it", limit),
            Limit::ShareOf(limit) => ("at least, share of what was measured beside it", limit),
            Limit::AtMost(limit) => ("at most", limit),
        };
        json!({
            "name": figure.name, "work": figure.work, "unit": figure.unit, "measured": figure.measured,
            "beside": figure.beside.map(|(what, value)| json!({"what": what, "measured": value})),
            "value": figure.value(), "limit": {"kind": kind, "value": limit}, "kept": figure.is_kept(),
            "details": figure.details,
        })
    };
    json!({"machine": machine, "members": members, "figures": figures.iter().map(figure).collect::<Vec<_>>()})
}
