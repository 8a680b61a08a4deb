//! Roblox's side: in the end it keeps out of the mirrored places just those whom the bans keep out,
//! nothing is owed there any more, and it was never asked more often than it allows.

use std::collections::BTreeMap;

use end_to_end::requests::is_set;
use serde_json::Value;
use shared::domain::ids::{ExperienceId, UserId};

use super::Finding;
use super::evidence::guid_of;
use crate::history::{Ending, History, KeptOut};

/// By how many seconds a restriction may end after its ban: what is asked for again is asked for in
/// the words of the first time, for 150 s, and counted from the last.
const LATER: u64 = 155;

/// By how many seconds it may end before.
const EARLIER: u64 = 2;

type Places = BTreeMap<(Option<ExperienceId>, UserId), KeptOut>;

/// Everything that is wrong with what Roblox holds.
pub fn check(history: &History) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (workspace, (place, ending)) in history.workspaces.iter().zip(&history.endings).enumerate()
    {
        let mut found = |user: Option<UserId>, sentence: String| {
            findings.push(Finding {
                sentence: format!("on Roblox's side of workspace {workspace} {sentence}"),
                proof: user
                    .map(|user| proof(history, workspace, ending, user))
                    .unwrap_or_default(),
            });
        };
        for experience in &place.mirrored {
            for (what, owed) in [
                ("bans", &ending.pending_bans),
                ("unbans", &ending.pending_unbans),
            ] {
                let owed = owed.get(experience);
                if owed.is_none_or(|owed| !owed.is_empty()) {
                    found(None, format!("{experience} still owes {what}: {owed:?}"));
                }
            }
        }
        let expected = expected(place.mirrored.iter().copied(), ending);
        for (at, wanted) in &expected {
            match ending.kept_out.get(at) {
                None => found(
                    Some(at.1),
                    format!("{} is let in, against {wanted:?}", shown(at)),
                ),
                Some(held) if !is_same(wanted, held) => found(
                    Some(at.1),
                    format!(
                        "{} is kept out by {held:?} instead of {wanted:?}",
                        shown(at)
                    ),
                ),
                Some(_) => {}
            }
        }
        for (at, held) in &ending.kept_out {
            if !expected.contains_key(at) {
                found(
                    Some(at.1),
                    format!("{} is kept out by {held:?}, and by no ban", shown(at)),
                );
            }
        }
        for violation in &ending.over_limits {
            found(None, format!("a limit was not kept: {violation}"));
        }
    }
    findings
}

/// The calls on a user, and what Roblox was asked for because of them.
fn proof(history: &History, workspace: usize, ending: &Ending, user: UserId) -> Vec<String> {
    let calls = history.calls.iter();
    let calls = calls.filter(|call| call.workspace == workspace && call.what.user() == Some(user));
    let mut proof = history.proof(calls);
    proof.push(format!("times below count from {}", history.beginning()));
    proof.extend(ending.changes.get(&user).into_iter().flatten().cloned());
    proof
}

fn shown((place, user): &(Option<ExperienceId>, UserId)) -> String {
    match place {
        Some(place) => format!("user {user} at {place}"),
        None => format!("user {user} everywhere"),
    }
}

fn is_same(wanted: &KeptOut, held: &KeptOut) -> bool {
    let ends = match (wanted.until, held.until) {
        (None, None) => true,
        (Some(wanted), Some(held)) => held + EARLIER >= wanted && held <= wanted + LATER,
        _ => false,
    };
    ends && wanted.reason == held.reason
}

/// What Roblox should hold by what is said to the mirrored places: the ban that keeps a user out of
/// a place, there or for the whole universe, and of several for the universe the one that ends last.
fn expected(mirrored: impl Iterator<Item = ExperienceId>, ending: &Ending) -> Places {
    let mut expected = Places::new();
    let mut universal: BTreeMap<UserId, Vec<&Value>> = BTreeMap::new();
    for experience in mirrored {
        let checks = ending.checks.iter();
        for ((user, _), ban) in checks.filter(|((_, at), _)| *at == experience) {
            let flag = |name: &str| ban.get(name).is_some_and(is_set);
            if !flag("isBanned") {
                continue;
            }
            if flag("experienceUniversal") {
                universal.entry(*user).or_default().push(ban);
            } else {
                expected.insert((Some(experience), *user), kept_out(ban));
            }
        }
    }
    for (user, bans) in universal {
        let last = bans.into_iter().max_by_key(|ban| {
            let until = kept_out(ban).until.unwrap_or(u64::MAX);
            (until, ban.get("isGlobal").is_some_and(is_set), guid_of(ban))
        });
        expected.extend(last.map(|ban| ((None, user), kept_out(ban))));
    }
    expected
}

fn kept_out(ban: &Value) -> KeptOut {
    let until = ban.get("expires").and_then(Value::as_u64);
    let reason = ban.get("privateReason").and_then(Value::as_str);
    KeptOut {
        until: until.filter(|until| *until > 0),
        reason: reason.unwrap_or_default().to_owned(),
    }
}
