//! The metrics of a line, in CloudWatch's embedded metric format: the line contains them as fields,
//! and `_aws` lists which these are.
//!
//! Each metric is billed by its name, stack and route for the hours in which it has a value. So a
//! count is written only if it is above 0, and no metric is per key or user.

use std::time::Duration;

use serde::Serialize;
use serde_json::Number;

use super::{Run, milliseconds};
use crate::domain::clock::UnixMillis;
use crate::domain::error::ApiError;
use crate::store::Consumed;

/// The namespace for all stacks; the dimensions distinguish them.
const NAMESPACE: &str = "Portcullis";

/// The dimensions of the metrics.
const DIMENSIONS: [[&str; 2]; 1] = [["stack", "route"]];

/// A metric: the field with its value, and the unit.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metric {
    name: &'static str,
    unit: &'static str,
}

/// The measurements of one request or batch.
#[derive(Debug)]
pub(super) struct Measured {
    metrics: Vec<Metric>,
    values: Vec<Number>,
}

impl Measured {
    /// The fields that every request has: its times.
    pub const TIMES: usize = 2;

    /// A request took `duration`, and `own` of it outside the database.
    pub fn new(duration: Duration, own: Duration) -> Self {
        let mut measured = Self {
            metrics: Vec::with_capacity(4),
            values: Vec::with_capacity(4),
        };
        measured.time("durationMs", duration);
        measured.time("ownMs", own);
        measured
    }

    /// The start of the environment, on its first request.
    pub fn start(&mut self, took: Option<Duration>) {
        if let Some(took) = took {
            self.time("initMs", took);
        }
    }

    /// The decisions stored, and the load on the database.
    pub fn work(&mut self, consumed: &Consumed) {
        let decided = consumed.decided;
        self.count("bansMade", decided.made);
        self.count("bansChanged", decided.changed);
        self.count("bansLifted", decided.lifted);
        self.count("bansAppealed", decided.appealed);
        self.count("writeConflicts", consumed.write_conflicts);
        self.count("linkLimitReached", consumed.link_limit);
    }

    pub fn pending_age(&mut self, seconds: Option<u64>) {
        self.seconds("pendingAgeSeconds", seconds);
    }

    pub fn spread_lag(&mut self, seconds: Option<u64>) {
        self.seconds("spreadLagSeconds", seconds);
    }

    /// The counts of a run.
    pub fn run(&mut self, run: &Run) {
        for (name, count) in &run.counts {
            self.count(name, *count);
        }
        if let Some((name, seconds)) = run.waited {
            self.seconds(name, Some(seconds));
        }
    }

    /// An error that an operator may have to handle.
    pub fn error(&mut self, error: Option<&ApiError>) {
        let name = match error {
            Some(ApiError::AlreadyBanned { .. }) => "conflicts",
            Some(ApiError::Unavailable(_) | ApiError::ServiceUnavailable { .. }) => "unavailable",
            Some(ApiError::Internal(_)) => "internal",
            _ => return,
        };
        self.count(name, 1);
    }

    pub fn fields(&self) -> impl Iterator<Item = (&'static str, &Number)> {
        let names = self.metrics.iter().map(|metric| metric.name);
        names.zip(&self.values)
    }

    /// The value of `_aws`.
    pub fn directive(&self, now: UnixMillis) -> impl Serialize {
        Directive {
            timestamp: now.millis(),
            cloud_watch_metrics: [Set {
                namespace: NAMESPACE,
                dimensions: DIMENSIONS,
                metrics: &self.metrics,
            }],
        }
    }

    fn time(&mut self, name: &'static str, time: Duration) {
        let value = Number::from_f64(milliseconds(time));
        self.add(name, "Milliseconds", value);
    }

    fn seconds(&mut self, name: &'static str, seconds: Option<u64>) {
        self.add(name, "Seconds", seconds.map(Number::from));
    }

    fn count(&mut self, name: &'static str, count: u32) {
        let value = (count > 0).then(|| Number::from(count));
        self.add(name, "Count", value);
    }

    fn add(&mut self, name: &'static str, unit: &'static str, value: Option<Number>) {
        if let Some(value) = value {
            self.metrics.push(Metric { name, unit });
            self.values.push(value);
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive<'a> {
    timestamp: u64,
    cloud_watch_metrics: [Set<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Set<'a> {
    namespace: &'static str,
    dimensions: [[&'static str; 2]; 1],
    metrics: &'a [Metric],
}
