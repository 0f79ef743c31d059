//! Prints each figure beside its limit, and at the end what was over a limit or could not be compared.

use std::time::Duration;

/// The figures of one run.
pub(crate) struct Report {
    over: usize,
    missing: Vec<String>,
}

impl Report {
    /// Starts an empty report.
    pub(crate) fn new() -> Self {
        println!("{:<58} {:>14} {:>14}", "figure", "measured", "limit");
        Self {
            over: 0,
            missing: Vec::new(),
        }
    }

    /// Prints a figure that has no limit.
    pub(crate) fn note(&self, title: &str, value: &str) {
        println!("{title:<58} {value:>14}");
    }

    /// Prints a time beside its limit, and how many times `base` it is.
    pub(crate) fn compare(
        &mut self,
        title: &str,
        taken: Duration,
        limit: Duration,
        base: Duration,
    ) {
        let ratio = taken.as_secs_f64() / base.as_secs_f64().max(1e-6);
        let verdict = self.judge(taken <= limit);
        println!(
            "{title:<58} {:>14} {:>14}  {verdict:<5} {ratio:.2} x",
            milliseconds(taken),
            milliseconds(limit)
        );
    }

    /// Prints a number beside its limit.
    pub(crate) fn at_most(&mut self, title: &str, value: u64, limit: u64, unit: &str) {
        let verdict = self.judge(value <= limit);
        println!(
            "{title:<58} {:>14} {:>14}  {verdict}",
            format!("{value} {unit}"),
            format!("{limit} {unit}")
        );
    }

    /// Notes that a figure of Mugo's own could not be had: counts as over its limit.
    pub(crate) fn failed(&mut self, title: &str) {
        self.over += 1;
        println!("{title:<58} {:>14}", "FAILED");
    }

    /// Notes what could not be compared for want of a program.
    pub(crate) fn missing(&mut self, program: &str, figure: &str) {
        self.missing.push(format!("{figure}: needs {program}"));
    }

    /// Prints the end of the report.
    pub(crate) fn finish(self) {
        for line in &self.missing {
            println!("not compared: {line}");
        }
        println!(
            "{} over their limit, {} not compared",
            self.over,
            self.missing.len()
        );
    }

    fn judge(&mut self, fine: bool) -> &'static str {
        if fine {
            return "ok";
        }
        self.over += 1;
        "OVER"
    }
}

/// Prints a time in milliseconds.
pub(crate) fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}
