//! What calls use, as `make bench SECTIONS=cost` measures it on the local stack, at `MetricsLevel` `basic`.
//!
//! A test of the benchmark fails when a measured unit differs from these. Caches are warm: see
//! `docs/performance.md`.

use super::prices::Usage;

/// The measured use of a case of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CallUsage {
    /// The name of the case.
    pub case: &'static str,
    pub usage: Usage,
}

/// A call of a route, in this order: database calls, read units, write units, bytes of the log line and of
/// the answer.
const fn call(case: &'static str, figures: [f64; 5]) -> CallUsage {
    let mut measured = background(case, [figures[0], figures[1], figures[2], figures[3]]);
    measured.usage.gateway_calls = 1.0;
    measured.usage.answer_bytes = figures[4];
    measured
}

/// The same without the gateway and an answer.
const fn background(case: &'static str, figures: [f64; 4]) -> CallUsage {
    let [database_calls, read_units, write_units, log_bytes] = figures;
    CallUsage {
        case,
        usage: Usage {
            gateway_calls: 0.0,
            function_calls: 1.0,
            memory: 256.0,
            database_calls,
            read_units,
            write_units,
            log_bytes,
            answer_bytes: 0.0,
        },
    }
}

/// The same with this much memory, in MB.
const fn with_memory(memory: f64, mut measured: CallUsage) -> CallUsage {
    measured.usage.memory = memory;
    measured
}

/// A share of a run.
const fn shared_by(shares: f64, mut measured: CallUsage) -> CallUsage {
    let usage = &mut measured.usage;
    usage.function_calls /= shares;
    usage.database_calls /= shares;
    usage.read_units /= shares;
    usage.write_units /= shares;
    usage.log_bytes /= shares;
    measured
}

pub const CHECK: CallUsage = call("check", [1.0, 2.0, 0.0, 382.0, 66.0]);
pub const POLL_BANS: CallUsage = call("poll-bans-empty", [1.0, 0.5, 0.0, 385.0, 11.0]);
pub const POLL_UNBANS: CallUsage = call("poll-unbans-empty", [1.0, 0.5, 0.0, 387.0, 11.0]);
/// Nothing new.
pub const SYNC: CallUsage = call("sync-idle", [1.0, 0.5, 0.0, 385.0, 147.0]);
/// The list of no users, from memory.
pub const SNAPSHOT: CallUsage = with_memory(512.0, call("snapshot", [0.0, 0.0, 0.0, 385.0, 231.0]));
pub const BAN: CallUsage = call("ban", [4.0, 3.0, 13.0, 399.0, 15.0]);
pub const REPORT: CallUsage = call("ban-report", [2.0, 2.0, 9.0, 385.0, 15.0]);
pub const UNBAN: CallUsage = call("unban", [2.0, 2.0, 12.0, 402.0, 15.0]);
pub const UNBAN_REPORT: CallUsage = call("unban-report", [2.0, 2.0, 9.0, 387.0, 15.0]);
/// A page of 100 bans.
pub const PAGE: CallUsage = call("bans-page", [4.0, 8.0, 0.0, 382.0, 53_463.0]);
pub const HISTORY: CallUsage = call("ban-history", [2.0, 1.5, 0.0, 386.0, 942.0]);
/// An export of 1,000 bans.
pub const EXPORT: CallUsage = with_memory(
    1769.0,
    call("export-json-1000", [4.0, 56.0, 0.0, 395.0, 536_330.0]),
);
pub const EVIDENCE_FILE: CallUsage = call("evidence-file", [2.0, 0.5, 9.0, 390.0, 1120.0]);
pub const EVIDENCE_COMPLETE: CallUsage = call("evidence-complete", [3.0, 1.0, 5.0, 390.0, 501.0]);
pub const EVIDENCE_GET: CallUsage = call("evidence-get", [1.0, 1.0, 0.0, 390.0, 953.0]);
/// A list of 10 pieces.
pub const EVIDENCE_LIST: CallUsage = call("evidence-list-10", [3.0, 12.0, 0.0, 390.0, 3880.0]);
/// One decision into the event log, in a batch of its own.
pub const EVENT: CallUsage = background("event", [3.0, 3.0, 5.0, 320.0]);
/// One event to one endpoint, alone.
pub const DELIVERY: CallUsage = background("delivery", [13.0, 7.5, 4.0, 340.0]);
/// A Global ban, for each linked experience, in batches.
pub const PROPAGATION: CallUsage =
    shared_by(100.0, background("spread", [5.0, 104.0, 301.0, 339.0]));
pub const IDLE_EXPIRE_BANS: CallUsage = background("idle-expire-bans", [17.0, 8.0, 1.0, 285.0]);
/// The way of a tick through the stream, each minute.
pub const IDLE_PUBLISH_EVENTS: CallUsage =
    background("idle-publish-events", [1.0, 0.0, 1.0, 287.0]);
pub const IDLE_EXPIRE_EVIDENCE: CallUsage =
    background("idle-expire-evidence", [4.0, 2.0, 0.0, 288.0]);
pub const IDLE_DELIVER_WEBHOOKS: CallUsage =
    background("idle-deliver-webhooks", [1.0, 0.5, 0.0, 287.0]);
pub const IDLE_MIRROR_BANS: CallUsage = background("idle-mirror-bans", [1.0, 1.0, 0.0, 282.0]);
pub const IDLE_BUILD_SNAPSHOTS: CallUsage = with_memory(
    1769.0,
    background("idle-build-snapshots", [1.0, 0.5, 0.0, 286.0]),
);

/// The average of a day's builds of a list of 100,000 users, of which the first reads all bans: the row
/// `build-snapshots` of the section `studio`.
pub const SNAPSHOT_BUILD: CallUsage = with_memory(
    1769.0,
    background("snapshot-build", [50.0, 240.0, 5.0, 300.0]),
);

/// All that the section `cost` measures, for the test that compares them.
pub const ALL: [CallUsage; 25] = [
    CHECK,
    POLL_BANS,
    POLL_UNBANS,
    SYNC,
    SNAPSHOT,
    BAN,
    REPORT,
    UNBAN,
    UNBAN_REPORT,
    PAGE,
    HISTORY,
    EXPORT,
    EVIDENCE_FILE,
    EVIDENCE_COMPLETE,
    EVIDENCE_GET,
    EVIDENCE_LIST,
    EVENT,
    DELIVERY,
    PROPAGATION,
    IDLE_EXPIRE_BANS,
    IDLE_PUBLISH_EVENTS,
    IDLE_EXPIRE_EVIDENCE,
    IDLE_DELIVER_WEBHOOKS,
    IDLE_MIRROR_BANS,
    IDLE_BUILD_SNAPSHOTS,
];

/// Bytes that a ban occupies in the table and its indexes, with its history and one report.
pub const STORED_BYTES_OF_A_BAN: f64 = 2_233.0;
