//! Checks a recorded run. Pure: the same history gives the same findings.
//!
//! | module | what it checks |
//! |---|---|
//! | [`answers`] | each response alone: documented, in time, of its own workspace, never a 500 |
//! | [`records`] | lists, exports and single bans agree and omit nothing |
//! | [`log`] | the event log holds each decision and each expiry once, in order, and every reader got exactly that |
//! | [`sync`] | a follower of `/sync` learns of every user with a decision or an expiry |
//! | [`snapshots`] | no user is banned whom neither a snapshot nor `/sync` since names |
//! | [`places`] | users were carried over in time, and no ban stayed behind |
//! | [`webhooks`] | the endpoint received each event, correctly signed, and nothing else |
//! | [`mirror`] | Roblox restricts exactly the banned users, and its rate limits were kept |
//! | [`ranks`] | members hold the ranks that were answered, and each change is an event |
//! | [`pieces`] | no piece of evidence is lost, duplicated or shown after its removal; its events are there once |
//! | [`linearizability`] | each user's calls have an order that explains every response and the final state |

mod answers;
mod carry_over;
mod display;
mod evidence;
mod linearizability;
mod log;
mod mirror;
mod pieces;
mod places;
mod ranks;
mod records;
mod replies;
mod search;
mod snapshots;
mod sync;
mod webhooks;
mod world;

#[cfg(test)]
mod tests;

use crate::history::History;
pub use evidence::is_expiry;
pub use places::is_carry_over;

/// A violated property, with the calls that prove it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub sentence: String,
    /// One call per line.
    pub proof: Vec<String>,
}

#[derive(Clone, Debug, Default)]
pub struct CheckReport {
    pub findings: Vec<Finding>,
    /// For how many users the checker looked for an order of the calls.
    pub users: usize,
    /// How many calls it put in order.
    pub ordered: usize,
    /// Users for whom the search was abandoned, because of too many open calls.
    pub undecided: Vec<String>,
}

pub fn check(history: &History) -> CheckReport {
    let mut checked = linearizability::check(history);
    let mut findings = answers::check(history);
    findings.extend(records::check(history));
    findings.extend(log::check(history));
    findings.extend(sync::check(history));
    findings.extend(snapshots::check(history));
    findings.extend(places::check(history));
    findings.extend(webhooks::check(history));
    findings.extend(mirror::check(history));
    findings.extend(ranks::check(history));
    findings.extend(pieces::check(history));
    findings.append(&mut checked.findings);
    CheckReport {
        findings,
        ..checked
    }
}
