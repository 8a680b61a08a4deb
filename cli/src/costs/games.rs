//! What a studio's games do, and the calls that follow from it.

use serde::Serialize;

use super::measured::{
    BAN, CHECK, CallUsage, DELIVERY, EVENT, EVIDENCE_COMPLETE, EVIDENCE_FILE, EVIDENCE_GET,
    EVIDENCE_LIST, EXPORT, HISTORY, PAGE, POLL_BANS, POLL_UNBANS, PROPAGATION, REPORT, UNBAN,
    UNBAN_REPORT,
};
use super::module;
use super::stack::{DAYS, HOURS, MetricsLevel};

/// Bytes of a file of evidence, which is viewed [`VIEWS`] times. An assumption.
pub const FILE_BYTES: f64 = 1e6;

pub const VIEWS: f64 = 2.0;

/// Write units of an event for each endpoint, when it is logged.
const DELIVERY_WRITE_UNITS: f64 = 2.0;

/// What a studio's games do. Each field is an option of `portcullis costs`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Assumptions {
    /// Game servers that run at the same time, on average over the month.
    pub servers: u32,
    pub joins_per_day: u32,
    /// Seconds between two polls of a server. It polls both lists.
    pub poll_seconds: u32,
    /// Each is applied by a game server, which reports it.
    pub bans_per_day: u32,
    /// Bans that are lifted or appealed.
    pub unbans_per_day: u32,
    /// How many in 100 bans are Global.
    pub global_percent: u32,
    /// Linked experiences, each of which applies a Global ban.
    pub experiences: u32,
    pub moderators: u32,
    /// Pages of the ban list that a moderator reads in a day, and as many histories.
    pub pages_per_moderator: u32,
    pub exports_per_month: u32,
    pub stored_bans: u32,
    /// Endpoints of webhooks, each of which receives every event.
    pub webhooks: u32,
    /// Secrets with keys of Roblox Open Cloud.
    pub open_cloud_keys: u32,
    /// Files of evidence that are added.
    pub evidence_per_day: u32,
    /// GB of stored files of evidence.
    pub evidence_gb: u32,
    pub metrics_level: MetricsLevel,
    /// Whether the game servers run the module, which answers joins from memory and polls with one server.
    pub module: bool,
    /// Servers that start in a day. Only with the module.
    pub starts_per_day: u32,
    /// How many in 1,000 joins are by users whom the list has. Only with the module.
    pub listed_per_1000: u32,
}

impl Assumptions {
    /// One experience that nobody plays.
    pub const QUIET: Self = Self {
        servers: 0,
        joins_per_day: 0,
        poll_seconds: 60,
        bans_per_day: 0,
        unbans_per_day: 0,
        global_percent: 0,
        experiences: 1,
        moderators: 0,
        pages_per_moderator: 0,
        exports_per_month: 0,
        stored_bans: 0,
        webhooks: 0,
        open_cloud_keys: 0,
        evidence_per_day: 0,
        evidence_gb: 0,
        metrics_level: MetricsLevel::Basic,
        module: false,
        starts_per_day: 0,
        listed_per_1000: 0,
    };
}

/// Calls or runs for one purpose, in a month.
#[derive(Debug)]
pub struct Calls {
    pub what: &'static str,
    pub unit: &'static str,
    pub kinds: Vec<(CallUsage, f64)>,
}

impl Calls {
    /// All calls and runs that the games cause.
    #[must_use]
    pub fn of(games: &Assumptions) -> Vec<Self> {
        let mut calls = if games.module {
            module::calls(games)
        } else {
            Self::of_sdk(games)
        };
        calls.extend(Self::of_decisions(games));
        calls
    }

    /// What each server asks with the published SDK.
    fn of_sdk(games: &Assumptions) -> Vec<Self> {
        let polls =
            f64::from(games.servers) * HOURS * 3600.0 / f64::from(games.poll_seconds.max(1));
        let checks = f64::from(games.joins_per_day) * DAYS;
        let row = |what, unit, kinds| Self { what, unit, kinds };
        vec![
            row("ban checks", "calls", vec![(CHECK, checks)]),
            row(
                "polls",
                "calls",
                vec![(POLL_BANS, polls), (POLL_UNBANS, polls)],
            ),
        ]
    }

    /// What follows from decisions, and what moderators do.
    fn of_decisions(games: &Assumptions) -> Vec<Self> {
        let month = |a_day: u32| f64::from(a_day) * DAYS;
        let (bans, unbans) = (month(games.bans_per_day), month(games.unbans_per_day));
        let global = f64::from(games.global_percent.min(100)) / 100.0;
        let others = f64::from(games.experiences.saturating_sub(1)) * global;
        let pages = month(games.moderators) * f64::from(games.pages_per_moderator);
        let files = month(games.evidence_per_day);
        let events = bans + unbans;
        let row = |what, unit, kinds| Self { what, unit, kinds };
        vec![
            row(
                "bans and unbans",
                "calls",
                vec![(BAN, bans), (UNBAN, unbans)],
            ),
            row(
                "reports",
                "calls",
                vec![
                    (REPORT, bans * (1.0 + others)),
                    (UNBAN_REPORT, unbans * (1.0 + others)),
                ],
            ),
            row(
                "Global bans",
                "experiences",
                vec![(PROPAGATION, events * others)],
            ),
            row("event log", "events", vec![(EVENT, events)]),
            row(
                "webhooks",
                "deliveries",
                vec![(delivery(), events * f64::from(games.webhooks))],
            ),
            row(
                "evidence",
                "calls",
                vec![
                    (EVIDENCE_FILE, files),
                    (EVIDENCE_COMPLETE, files),
                    (EVIDENCE_GET, files * VIEWS),
                    (EVIDENCE_LIST, files * VIEWS),
                ],
            ),
            row("moderators", "calls", vec![(PAGE, pages), (HISTORY, pages)]),
            row(
                "exports",
                "calls",
                vec![(
                    export(games.stored_bans),
                    f64::from(games.exports_per_month),
                )],
            ),
        ]
    }
}

/// A delivery with what it costs when its event is logged.
fn delivery() -> CallUsage {
    let mut delivery = DELIVERY;
    delivery.usage.write_units += DELIVERY_WRITE_UNITS;
    delivery
}

/// An export of this many bans.
fn export(bans: u32) -> CallUsage {
    let thousands = f64::from(bans) / 1000.0;
    let mut export = EXPORT;
    let usage = &mut export.usage;
    usage.database_calls *= thousands;
    usage.read_units *= thousands;
    usage.answer_bytes *= thousands;
    export
}
