//! The metrics of a line, in CloudWatch's embedded metric format: the line contains them as fields,
//! and `_aws` lists which these are.
//!
//! Each metric is billed by its name, stack and route for the hours in which it has a value. So a
//! count is written only if it is above 0, and no metric is per key or user. By default only the
//! metrics that alarms watch are listed, per stack.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::{Run, milliseconds};
use crate::domain::clock::UnixMillis;
use crate::domain::error::ApiError;
use crate::store::Consumed;

/// The namespace for all stacks; the dimensions distinguish them.
const NAMESPACE: &str = "Portcullis";

/// The metrics of [`EmittedMetrics::Basic`], which the alarms of `observability.yaml` watch.
const WATCHED: [&str; 7] = [
    "runsFailed",
    OPERATOR_NEEDED,
    "pendingAgeSeconds",
    "robloxRefused",
    "evidenceQuarantined",
    "evidenceUnscanned",
    "robloxFailures",
];

/// The sum of the counts that each have an alarm at [`EmittedMetrics::Full`]; each
/// alarm costs $0.10 a month.
const OPERATOR_NEEDED: &str = "operatorNeeded";

/// Which fields of a line are metrics: the parameter `MetricsLevel` of `template.yaml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EmittedMetrics {
    /// Those that alarms watch, for the whole stack.
    Basic,
    /// All, for each route.
    Full,
}

impl EmittedMetrics {
    pub fn of_environment() -> Self {
        match std::env::var("METRICS_LEVEL").as_deref() {
            Ok("full") => Self::Full,
            _ => Self::Basic,
        }
    }

    const fn dimensions(self) -> &'static [&'static str] {
        match self {
            Self::Basic => &["stack"],
            Self::Full => &["stack", "route"],
        }
    }

    fn includes(self, metric: &Metric) -> bool {
        match self {
            Self::Basic => WATCHED.contains(&metric.name),
            Self::Full => metric.name != OPERATOR_NEEDED,
        }
    }
}

/// A metric: the field with its value, and the unit.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Metric {
    pub name: &'static str,
    unit: &'static str,
    #[serde(skip)]
    pub value: Value,
}

impl Metric {
    fn time(name: &'static str, time: Duration) -> Self {
        let (unit, value) = ("Milliseconds", milliseconds(time).into());
        Self { name, unit, value }
    }

    fn seconds(name: &'static str, seconds: Option<u64>) -> Option<Self> {
        let (unit, value) = ("Seconds", seconds?.into());
        Some(Self { name, unit, value })
    }

    fn count(name: &'static str, count: u32) -> Option<Self> {
        let (unit, value) = ("Count", count.into());
        (count > 0).then_some(Self { name, unit, value })
    }
}

/// The measurements of one request, batch or run.
#[derive(Debug)]
pub(super) struct Measured<'a> {
    pub duration: Duration,
    /// The part of `duration` outside the database.
    pub own: Duration,
    /// How long the environment took to start, on its first request.
    pub start: Option<Duration>,
    pub consumed: &'a Consumed,
    /// In seconds.
    pub pending_age: Option<u64>,
    /// In seconds.
    pub spread_lag: Option<u64>,
    pub run: Run,
    /// Whether it is a batch or a run, which nobody waits for.
    pub in_background: bool,
    pub error: Option<&'a ApiError>,
}

impl Measured<'_> {
    /// The metrics of every line.
    pub fn times(&self) -> [Metric; 2] {
        [
            Metric::time("durationMs", self.duration),
            Metric::time("ownMs", self.own),
        ]
    }

    /// The metrics that only some lines have.
    pub fn others(&self) -> Vec<Metric> {
        let (count, seconds) = (Metric::count, Metric::seconds);
        let (consumed, run) = (self.consumed, &self.run);
        let metrics = [
            self.start.map(|took| Metric::time("initMs", took)),
            count("bansMade", consumed.decided.made),
            count("bansChanged", consumed.decided.changed),
            count("bansLifted", consumed.decided.lifted),
            count("bansAppealed", consumed.decided.appealed),
            count("writeConflicts", consumed.write_conflicts),
            count("linkLimitReached", consumed.link_limit),
            seconds("pendingAgeSeconds", self.pending_age),
            seconds("spreadLagSeconds", self.spread_lag),
            count("bansExpired", run.bans_expired),
            count("evidenceRemoved", run.evidence_removed),
            count("evidenceQuarantined", run.evidence_quarantined),
            count("evidenceUnscanned", run.evidence_unscanned),
            count("eventsLogged", run.events_logged),
            seconds("eventLagSeconds", run.event_lag_seconds),
            count("deliveriesMade", run.deliveries_made),
            count("attemptsFailed", run.attempts_failed),
            count("deliveriesFailed", run.deliveries_failed),
            count("endpointsPaused", run.endpoints_paused),
            seconds("deliveryLagSeconds", run.delivery_lag_seconds),
            count("restrictionsSet", run.restrictions_set),
            count("restrictionsLifted", run.restrictions_lifted),
            count("kicksPublished", run.kicks_published),
            count("kicksSkipped", run.kicks_skipped),
            count("usersBackedOff", run.users_backed_off),
            count("robloxFailures", run.roblox_failures),
            count("mirrorsStopped", run.mirrors_stopped),
            seconds("mirrorLagSeconds", run.mirror_lag_seconds),
            count("snapshotsBuilt", run.snapshots_built),
            count("snapshotsBuiltInFull", run.snapshots_built_in_full),
            seconds("snapshotLagSeconds", run.snapshot_lag_seconds),
            self.error
                .and_then(error_metric)
                .and_then(|name| count(name, 1)),
            count("runsFailed", u32::from(self.has_failed_run())),
            count(OPERATOR_NEEDED, self.operator_needed()),
        ];
        metrics.into_iter().flatten().collect()
    }

    /// What does not pass unless the operator acts.
    fn operator_needed(&self) -> u32 {
        let run = &self.run;
        [
            self.consumed.link_limit,
            run.deliveries_failed,
            run.endpoints_paused,
            run.mirrors_stopped,
        ]
        .into_iter()
        .fold(0, u32::saturating_add)
    }

    fn has_failed_run(&self) -> bool {
        let metric = self.error.and_then(error_metric);
        self.in_background && matches!(metric, Some("unavailable" | "internal"))
    }
}

/// The metric that counts an error, if an operator may have to act.
const fn error_metric(error: &ApiError) -> Option<&'static str> {
    match error {
        ApiError::AlreadyBanned { .. } => Some("conflicts"),
        ApiError::Unavailable(_) | ApiError::ServiceUnavailable { .. } => Some("unavailable"),
        ApiError::Internal(_) => Some("internal"),
        ApiError::RobloxRefused(_) => Some("robloxRefused"),
        _ => None,
    }
}

/// The value of `_aws`: which fields of the line are metrics, if any are.
pub(super) fn directive<'a>(
    now: UnixMillis,
    level: EmittedMetrics,
    metrics: impl Iterator<Item = &'a Metric>,
) -> Option<impl Serialize + 'a> {
    let metrics: Vec<_> = metrics.filter(|metric| level.includes(metric)).collect();
    (!metrics.is_empty()).then(|| Directive {
        timestamp: now.millis(),
        cloud_watch_metrics: [Set {
            namespace: NAMESPACE,
            dimensions: [level.dimensions()],
            metrics,
        }],
    })
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
    dimensions: [&'static [&'static str]; 1],
    metrics: Vec<&'a Metric>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_metrics_with_a_value_at_the_level_are_listed() {
        let consumed = Consumed::default();
        let error = ApiError::Internal(String::new());
        let mut measured = Measured {
            duration: Duration::from_micros(1_500),
            own: Duration::ZERO,
            start: None,
            consumed: &consumed,
            pending_age: None,
            spread_lag: None,
            run: Run::default(),
            in_background: false,
            error: None,
        };
        assert_eq!(measured.others(), []);
        measured.run.events_logged = 2;
        measured.run.event_lag_seconds = Some(0);
        measured.error = Some(&error);
        let named = |metrics: &[Metric]| {
            let metrics = metrics.iter();
            metrics
                .map(|metric| format!("{} {} {}", metric.name, metric.value, metric.unit))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            named(&measured.others()),
            [
                "eventsLogged 2 Count",
                "eventLagSeconds 0 Seconds",
                "internal 1 Count"
            ]
        );
        let times = ["durationMs 1.5 Milliseconds", "ownMs 0.0 Milliseconds"];
        assert_eq!(named(&measured.times()), times);
        measured.in_background = true;
        let others = named(&measured.others());
        assert_eq!(others.last().unwrap(), "runsFailed 1 Count");
        let directive = |level| {
            let (times, others) = (measured.times(), measured.others());
            let now = UnixMillis::from_millis(7);
            let directive = directive(now, level, times.iter().chain(&others));
            serde_json::to_value(directive.unwrap()).unwrap()["CloudWatchMetrics"][0].clone()
        };
        let basic = directive(EmittedMetrics::Basic);
        assert_eq!(basic["Dimensions"], serde_json::json!([["stack"]]));
        assert_eq!(
            basic["Metrics"],
            serde_json::json!([{ "Name": "runsFailed", "Unit": "Count" }])
        );
        let full = directive(EmittedMetrics::Full);
        assert_eq!(full["Dimensions"], serde_json::json!([["stack", "route"]]));
        assert_eq!(full["Metrics"].as_array().unwrap().len(), 6);
        measured.run.mirrors_stopped = 2;
        measured.run.endpoints_paused = 1;
        assert_eq!(
            named(&measured.others()).last().unwrap(),
            "operatorNeeded 3 Count"
        );
        let times = measured.times();
        let none = super::directive(
            UnixMillis::from_millis(7),
            EmittedMetrics::Basic,
            times.iter(),
        );
        assert!(none.is_none());
    }
}
