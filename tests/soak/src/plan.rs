//! What a seed decides: who acts how, and which fault strikes when.
//!
//! Each actor and each kind of fault has a source of chance of its own, made of the seed and its
//! name, so that none disturbs another. What they do is repeated by the seed; in which moment the
//! machine lets them do it is not.

use std::time::Duration;

use fastrand::Rng;
use local_stack::fault_proxy::{Fault, Rule};
use shared::domain::ids::ExperienceId;

/// How many workspaces there are.
pub const WORKSPACES: usize = 2;

/// The experiences of each workspace.
pub const EXPERIENCES: [u64; 3] = [7_001, 7_002, 7_003];

/// Those of them whose bans are mirrored on Roblox's side, workspace by workspace. A place is part of
/// one universe.
pub const MIRRORED: [&[u64]; WORKSPACES] = [&[7_001], &[7_002, 7_003]];

/// The minute in which Roblox takes two changes of a user.
pub const ROBLOX_MINUTE: Duration = Duration::from_millis(1_200);

/// How long an endpoint has for its answer, in milliseconds.
pub const ANSWER_LIMIT: u64 = 1_000;

/// How many game servers each experience has.
pub const SERVERS: usize = 2;

/// How many moderators each workspace has.
pub const MODERATORS: usize = 3;

/// How many users are banned at a time; the same ones in each workspace.
pub const USERS: u64 = 6;

/// For how long, before others take their place. So few calls concern one user that all orders of
/// them can be tried.
pub const ERA: Duration = Duration::from_secs(20);

/// How many processes of each function there are.
pub const INSTANCES: usize = 8;

/// By how much a clock may be wrong, in milliseconds, either way.
pub const SKEW: i64 = 3_000;

/// The functions that are killed, those that write more often.
const VICTIMS: [&str; 20] = [
    "ban-async",
    "ban-async",
    "ban-async",
    "unban-async",
    "unban-async",
    "spread-decisions",
    "spread-decisions",
    "publish-events",
    "publish-events",
    "expire-bans",
    "expire-bans",
    "events",
    "deliver-webhooks",
    "deliver-webhooks",
    "mirror-bans",
    "mirror-bans",
    "is-banned",
    "pending-bans",
    "pending-unbans",
    "bans",
];

/// The operations of the database that are struck.
const OPERATIONS: [Option<&str>; 6] = [
    None,
    Some("TransactWriteItems"),
    Some("TransactWriteItems"),
    Some("BatchGetItem"),
    Some("Query"),
    Some("UpdateItem"),
];

/// Of how many of a hundred spells writes go unanswered altogether.
const UNANSWERED: u8 = 25;

/// A run.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// What it is made of.
    pub seed: u64,
    /// For how long they act.
    pub time: Duration,
}

/// A spell of bad weather at the database.
#[derive(Clone, Debug)]
pub struct Spell {
    /// How long it stays away before.
    pub pause: Duration,
    /// What it does.
    pub rules: Vec<Rule>,
    /// How long it lasts.
    pub lasts: Duration,
}

/// A process to be killed.
#[derive(Clone, Copy, Debug)]
pub struct Blow {
    /// How long to wait before.
    pub pause: Duration,
    /// Of which function.
    pub function: &'static str,
    /// How long after it was seen to have something in hand.
    pub after: Duration,
    /// Which of those that have something in hand.
    pub which: usize,
}

impl Plan {
    /// The source of chance of that name.
    pub fn dice(&self, name: &str) -> Rng {
        // FNV-1a, which does not change with the compiler.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Rng::with_seed(self.seed ^ hash)
    }

    /// By how much the clocks are wrong.
    pub fn clocks(&self) -> Vec<i64> {
        let mut dice = self.dice("clocks");
        // As many that no two functions begin alike.
        (0..=INSTANCES * 2)
            .map(|_| dice.i64(-SKEW..=SKEW))
            .collect()
    }

    /// What happens to the database, one after the other.
    pub fn spells(&self) -> impl Iterator<Item = Spell> + use<> {
        let mut dice = self.dice("database");
        std::iter::repeat_with(move || spell(&mut dice))
    }

    /// Which processes are killed, one after the other.
    pub fn blows(&self) -> impl Iterator<Item = Blow> + use<> {
        let mut dice = self.dice("kills");
        std::iter::repeat_with(move || Blow {
            pause: millis(&mut dice, 150, 900),
            function: dice.choice(VICTIMS).unwrap_or("ban-async"),
            after: millis(&mut dice, 0, 10),
            which: dice.usize(..),
        })
    }
}

/// Whether a workspace mirrors the bans of an experience.
pub fn is_mirrored(workspace: usize, experience: ExperienceId) -> bool {
    let mirrored = MIRRORED.get(workspace);
    mirrored.is_some_and(|mirrored| mirrored.contains(&experience.get()))
}

/// A time between two, in milliseconds.
pub fn millis(dice: &mut Rng, from: u64, to: u64) -> Duration {
    Duration::from_millis(dice.u64(from..to))
}

fn spell(dice: &mut Rng) -> Spell {
    let pause = millis(dice, 200, 1_200);
    if dice.u8(..100) < UNANSWERED {
        return unanswered(dice, pause);
    }
    let operation = dice.choice(OPERATIONS).flatten();
    let fault = fault(dice, operation);
    let lasts = match fault {
        Fault::Stall => millis(dice, 300, 1_500),
        _ => millis(dice, 200, 2_000),
    };
    let rule = |fault| {
        let rule = Rule::from(fault);
        match operation {
            Some(operation) => rule.on(operation),
            None => rule,
        }
    };
    // Now and then nothing comes through; else it comes in bursts.
    let rules = if dice.u8(..) < 40 {
        vec![rule(fault)]
    } else {
        let burst = |_| rule(fault).after(dice.usize(..6)).times(dice.usize(1..4));
        (0..12).map(burst).collect()
    };
    Spell {
        pause,
        rules,
        lasts,
    }
}

/// Writes are made and none is answered, however often the SDK repeats it: what is hardest to get right.
fn unanswered(dice: &mut Rng, pause: Duration) -> Spell {
    let fault = if dice.bool() {
        Fault::CutAfter
    } else {
        Fault::Delay(millis(dice, 1_050, 1_500))
    };
    Spell {
        pause,
        rules: vec![Rule::from(fault).on("TransactWriteItems")],
        lasts: millis(dice, 800, 3_000),
    }
}

fn fault(dice: &mut Rng, operation: Option<&str>) -> Fault {
    let transactions = operation == Some("TransactWriteItems");
    match dice.usize(..if transactions { 9 } else { 7 }) {
        0 => Fault::Throttle,
        1 => Fault::ThroughputExceeded,
        2 => Fault::ServerError,
        3 => Fault::CutBefore,
        4 => Fault::CutAfter,
        5 => Fault::Delay(millis(dice, 50, 1_400)),
        6 => Fault::Stall,
        7 => Fault::Cancelled("TransactionConflict"),
        _ => Fault::Cancelled("ThrottlingError"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_plan_and_another_makes_another() {
        let shown = |seed| {
            let plan = Plan {
                seed,
                time: Duration::ZERO,
            };
            let spells: Vec<_> = plan.spells().take(50).collect();
            let blows: Vec<_> = plan.blows().take(50).collect();
            format!("{spells:?} {blows:?} {:?}", plan.clocks())
        };
        assert_eq!(shown(1), shown(1));
        assert_ne!(shown(1), shown(2));
    }
}
