//! Derives a run's plan from its seed: who does what, and which fault occurs when.
//!
//! Each client and each kind of fault has its own random generator, made from the seed and its
//! name, so that they do not affect each other. The seed does not determine the machine's timing.

use std::time::Duration;

use fastrand::Rng;
use local_stack::fault_proxy::{Fault, Rule};
use shared::domain::ids::ExperienceId;
use shared::domain::places;

/// The workspaces whose calls are put in order.
pub const WORKSPACES: usize = 2;

/// The workspace whose users are erased during the run: an erasure removes what the others check.
pub const ERASING: usize = WORKSPACES;

/// The experiences of each workspace.
pub const EXPERIENCES: [u64; 3] = [7_001, 7_002, 7_003];

/// The mirrored experiences of each workspace. A place is part of one universe.
pub const MIRRORED: [&[u64]; WORKSPACES] = [&[7_001], &[7_002, 7_003]];

/// The workspace in which a place joins another during the run, and the two. Neither is mirrored.
pub const JOINING: usize = 0;
pub const PART: u64 = 7_002;
pub const ROOT: u64 = 7_003;

/// For how many milliseconds a function uses the link of a place without reading it again.
pub const LINK_TTL: u64 = 2_000;

/// How long a join is announced, and how long it settles. The time for clocks that differ and calls in
/// progress is that of the product.
pub const ANNOUNCED: u64 = LINK_TTL + places::ANNOUNCED_MS - 1_000 * places::LINK_TTL.as_secs();

/// The Roblox group of each workspace.
pub const GROUPS: [u64; WORKSPACES] = [8_001, 8_002];

/// The rank that every member of a group holds.
pub const MEMBER_RANK: u64 = 1;

/// The ranks that officers assign: more than a page of roles, and more than one user gets.
pub const RANKS: std::ops::Range<u64> = 10..50;

/// The window in which Roblox accepts two changes of a user.
pub const ROBLOX_MINUTE: Duration = Duration::from_millis(1_200);

/// How long an endpoint may take to answer, in milliseconds.
pub const ANSWER_LIMIT: u64 = 1_000;

/// Game servers per experience.
pub const SERVERS: usize = 2;

/// Moderators per workspace.
pub const MODERATORS: usize = 3;

/// How many users are banned at once; the same ones in each workspace.
pub const USERS: u64 = 6;

/// How long before other users replace them. Short, so that few calls concern one user and the
/// checker can try all orders.
pub const USERS_CHANGE_EVERY: Duration = Duration::from_secs(20);

/// Processes per function.
pub const INSTANCES: usize = 8;

/// By how much a clock may be off, in milliseconds, either way.
pub const SKEW: i64 = 3_000;

/// The functions to kill; those that write appear more often.
const KILLED_FUNCTIONS: &[&str] = &[
    "ban-async",
    "ban-async",
    "ban-async",
    "unban-async",
    "unban-async",
    "reports",
    "reports",
    "bans-bulk",
    "bans-bulk",
    "unbans-bulk",
    "spread-decisions",
    "spread-decisions",
    "publish-events",
    "publish-events",
    "expire-bans",
    "expire-bans",
    "events",
    "sync",
    "snapshot",
    "build-snapshots",
    "build-snapshots",
    "deliver-webhooks",
    "deliver-webhooks",
    "mirror-bans",
    "mirror-bans",
    "is-banned",
    "pending-bans",
    "pending-unbans",
    "bans",
    "group-role",
    "group-role",
    "evidence-create",
    "evidence-create",
    "evidence-complete",
    "evidence-complete",
    "evidence-delete",
    "evidence-update",
    "expire-evidence",
    "roblox-webhook",
];

/// The database operations to fail.
const OPERATIONS: [Option<&str>; 8] = [
    None,
    Some("TransactWriteItems"),
    Some("TransactWriteItems"),
    Some("BatchGetItem"),
    Some("Query"),
    Some("GetItem"),
    Some("PutItem"),
    Some("UpdateItem"),
];

/// Percentage of fault bursts in which no write is answered.
const UNANSWERED: u8 = 25;

#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub seed: u64,
    /// How long the clients run.
    pub time: Duration,
}

/// A burst of database faults.
#[derive(Clone, Debug)]
pub struct FaultBurst {
    /// The pause before it.
    pub pause: Duration,
    pub rules: Vec<Rule>,
    pub lasts: Duration,
}

/// A planned kill of a process.
#[derive(Clone, Copy, Debug)]
pub struct PlannedKill {
    /// The pause before it.
    pub pause: Duration,
    pub function: &'static str,
    /// How long after the process became busy.
    pub after: Duration,
    /// Which of the busy processes, modulo their number.
    pub which: usize,
}

impl Plan {
    /// The random generator of that name.
    pub fn rng(&self, name: &str) -> Rng {
        // FNV-1a, which does not change with the compiler.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Rng::with_seed(self.seed ^ hash)
    }

    /// All users in the order in which they are banned.
    pub fn users(&self) -> impl Iterator<Item = u64> {
        let eras = self.time.as_secs() / USERS_CHANGE_EVERY.as_secs() + 1;
        (0..=eras).flat_map(|era| (0..USERS).map(move |number| user_of(era, number)))
    }

    /// The clock offsets.
    pub fn clocks(&self) -> Vec<i64> {
        let mut rng = self.rng("clocks");
        // Enough that no two functions start alike.
        (0..=INSTANCES * 2).map(|_| rng.i64(-SKEW..=SKEW)).collect()
    }

    /// The database fault bursts, in order.
    pub fn fault_bursts(&self) -> impl Iterator<Item = FaultBurst> + use<> {
        let mut rng = self.rng("database");
        std::iter::repeat_with(move || fault_burst(&mut rng))
    }

    /// The planned kills, in order.
    pub fn planned_kills(&self) -> impl Iterator<Item = PlannedKill> + use<> {
        let mut rng = self.rng("kills");
        std::iter::repeat_with(move || PlannedKill {
            pause: millis(&mut rng, 150, 900),
            function: rng.choice(KILLED_FUNCTIONS).unwrap_or(&"ban-async"),
            after: millis(&mut rng, 0, 10),
            which: rng.usize(..),
        })
    }
}

/// One of the users of an era.
pub const fn user_of(era: u64, number: u64) -> u64 {
    100_000 + 100 * era + number
}

/// The role of a rank in a group.
pub const fn role_of(group: u64, rank: u64) -> u64 {
    1_000 * group + rank
}

/// The rank of a role, if it is one of the group's.
pub fn rank_of(group: u64, role: u64) -> Option<u64> {
    role.checked_sub(role_of(group, 0))
        .filter(|rank| *rank < 1_000)
}

/// Whether a workspace mirrors an experience.
pub fn is_mirrored(workspace: usize, experience: ExperienceId) -> bool {
    let mirrored = MIRRORED.get(workspace);
    mirrored.is_some_and(|mirrored| mirrored.contains(&experience.get()))
}

/// A random duration between two, in milliseconds.
pub fn millis(rng: &mut Rng, from: u64, to: u64) -> Duration {
    Duration::from_millis(rng.u64(from..to))
}

fn fault_burst(rng: &mut Rng) -> FaultBurst {
    let pause = millis(rng, 200, 1_200);
    if rng.u8(..100) < UNANSWERED {
        return unanswered(rng, pause);
    }
    let operation = rng.choice(OPERATIONS).flatten();
    let fault = fault(rng, operation);
    let lasts = match fault {
        Fault::Stall => millis(rng, 300, 1_500),
        _ => millis(rng, 200, 2_000),
    };
    let rule = |fault| {
        let rule = Rule::from(fault);
        match operation {
            Some(operation) => rule.on(operation),
            None => rule,
        }
    };
    // Sometimes nothing gets through; otherwise faults come in bursts.
    let rules = if rng.u8(..) < 40 {
        vec![rule(fault)]
    } else {
        let burst = |_| rule(fault).after(rng.usize(..6)).times(rng.usize(1..4));
        (0..12).map(burst).collect()
    };
    FaultBurst {
        pause,
        rules,
        lasts,
    }
}

/// Writes succeed but none is answered, however often the SDK retries: the hardest case.
fn unanswered(rng: &mut Rng, pause: Duration) -> FaultBurst {
    let fault = if rng.bool() {
        Fault::CutAfter
    } else {
        Fault::Delay(millis(rng, 1_050, 1_500))
    };
    FaultBurst {
        pause,
        rules: vec![Rule::from(fault).on("TransactWriteItems")],
        lasts: millis(rng, 800, 3_000),
    }
}

fn fault(rng: &mut Rng, operation: Option<&str>) -> Fault {
    let transactions = operation == Some("TransactWriteItems");
    match rng.usize(..if transactions { 9 } else { 7 }) {
        0 => Fault::Throttle,
        1 => Fault::ThroughputExceeded,
        2 => Fault::ServerError,
        3 => Fault::CutBefore,
        4 => Fault::CutAfter,
        5 => Fault::Delay(millis(rng, 50, 1_400)),
        6 => Fault::Stall,
        7 => Fault::Cancelled("TransactionConflict"),
        _ => Fault::Cancelled("ThrottlingError"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_determines_the_plan() {
        let shown = |seed| {
            let plan = Plan {
                seed,
                time: Duration::ZERO,
            };
            let fault_bursts: Vec<_> = plan.fault_bursts().take(50).collect();
            let planned_kills: Vec<_> = plan.planned_kills().take(50).collect();
            format!("{fault_bursts:?} {planned_kills:?} {:?}", plan.clocks())
        };
        assert_eq!(shown(1), shown(1));
        assert_ne!(shown(1), shown(2));
    }
}
