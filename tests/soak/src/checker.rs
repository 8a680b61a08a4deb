//! Judges a run by its history alone. Pure: the same history gives the same findings.
//!
//! | module | what must hold |
//! |---|---|
//! | [`answers`] | each answer by itself: documented, in time, of its own workspace, no 500 ever |
//! | [`records`] | lists, exports and single bans say the same, and miss nothing that was made |
//! | [`log`] | the log holds each decision and each ban that ran out once, in order, and whoever read it during the day read just that |
//! | [`webhooks`] | each event arrived at the endpoint, well signed, and nothing else did |
//! | [`mirror`] | Roblox keeps out whom the bans keep out, and was asked no more often than it allows |
//! | [`orders`] | for each user there is an order of the calls on him that explains every answer and everything said in the end |

mod answers;
mod evidence;
mod log;
mod mirror;
mod orders;
mod records;
mod search;
mod shown;
mod webhooks;
mod world;

#[cfg(test)]
mod tests;

use crate::history::History;
pub use evidence::is_expiry;

/// Something that is wrong, as a sentence, with the calls that prove it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub sentence: String,
    /// The calls, one a line.
    pub proof: Vec<String>,
}

/// What the checker came to.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// For how many users an order of the calls was looked for.
    pub users: usize,
    /// How many calls were put in order.
    pub ordered: usize,
    /// Users with so many open calls that the search was given up: nothing is known of them.
    pub undecided: Vec<String>,
}

/// Judges a run.
pub fn check(history: &History) -> Verdict {
    let mut verdict = orders::check(history);
    let mut findings = answers::check(history);
    findings.extend(records::check(history));
    findings.extend(log::check(history));
    findings.extend(webhooks::check(history));
    findings.extend(mirror::check(history));
    findings.append(&mut verdict.findings);
    Verdict {
        findings,
        ..verdict
    }
}
