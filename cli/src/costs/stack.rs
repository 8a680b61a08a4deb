//! What a stack costs while nobody calls it. A test compares these numbers with `template.yaml` and
//! `observability.yaml`.

use clap::ValueEnum;
use serde::Serialize;

use super::measured::{
    CallUsage, IDLE_BUILD_SNAPSHOTS, IDLE_DELIVER_WEBHOOKS, IDLE_EXPIRE_BANS, IDLE_EXPIRE_EVIDENCE,
    IDLE_MIRROR_BANS, IDLE_PUBLISH_EVENTS,
};

/// The hours of an average month.
pub const HOURS: f64 = 730.0;

pub const DAYS: f64 = HOURS / 24.0;

/// The parameter `MetricsLevel` of `template.yaml`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum MetricsLevel {
    /// Only the metrics that alarms watch.
    #[default]
    Basic,
    /// All metrics for each route, an alarm for each kind of function, two dashboards.
    Full,
}

/// What a level of metrics consists of.
#[derive(Clone, Copy, Debug)]
pub struct Observability {
    /// The metrics that the alarms watch, each as often as an alarm names it.
    pub alarm_metrics: u32,
    /// The metrics that the queries of alarms read: those of a table and its indexes.
    pub queried_metrics: u32,
    pub dashboards: u32,
    /// Metrics of our own that have values in a stack that nobody calls.
    pub idle_metrics: u32,
    /// Metrics of our own that have values while games play, at most.
    pub metrics: u32,
}

impl MetricsLevel {
    #[must_use]
    pub const fn observability(self) -> Observability {
        match self {
            Self::Basic => Observability {
                alarm_metrics: 23,
                queried_metrics: 0,
                dashboards: 1,
                idle_metrics: 0,
                metrics: 1,
            },
            Self::Full => Observability {
                alarm_metrics: 99,
                queried_metrics: 26,
                dashboards: 2,
                idle_metrics: 18,
                metrics: 93,
            },
        }
    }
}

/// The schedules: what a run uses that finds nothing to do, and how many there are in an hour. Each run of
/// `expire-bans` writes a tick, which wakes `publish-events`.
pub const SCHEDULES: [(CallUsage, f64); 6] = [
    (IDLE_BUILD_SNAPSHOTS, 60.0),
    (IDLE_EXPIRE_BANS, 60.0),
    (IDLE_PUBLISH_EVENTS, 60.0),
    (IDLE_EXPIRE_EVIDENCE, 12.0),
    (IDLE_DELIVER_WEBHOOKS, 60.0),
    (IDLE_MIRROR_BANS, 60.0 + 1.0 / 24.0),
];

/// Requests to the key that encrypts the tables, in a month for each function that runs all the time: one in
/// five minutes for each table. An estimate: `DynamoDB` does not document how many of its servers ask.
pub const KEY_REQUESTS_OF_A_FUNCTION: f64 = 2.0 * 12.0 * HOURS;

/// The functions that run all the time while games play, besides the schedules: five routes and
/// `spread-decisions`.
pub const FUNCTIONS_IN_USE: u32 = 6;
