//! Checks Roblox's side: in the final state it restricts exactly the users whom the bans keep out,
//! nothing is pending there, and no rate limit was exceeded.

use std::collections::BTreeMap;

use end_to_end::requests::is_set;
use serde_json::Value;
use shared::domain::ids::{ExperienceId, UserId};

use super::Finding;
use super::evidence::guid_of;
use crate::history::{ActiveRestriction, FinalState, History};

/// By how many seconds a restriction may end after its ban: a retry repeats the original request
/// for up to 150 s, and Roblox counts its duration from the last one.
const LATER: u64 = 155;

/// By how many seconds a restriction may end before its ban.
const EARLIER: u64 = 2;

type Places = BTreeMap<(Option<ExperienceId>, UserId), ActiveRestriction>;

pub fn check(history: &History) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (workspace, (place, final_state)) in history
        .workspaces
        .iter()
        .zip(&history.final_states)
        .enumerate()
    {
        let mut found = |user: Option<UserId>, sentence: String| {
            findings.push(Finding {
                sentence: format!("on Roblox's side of workspace {workspace} {sentence}"),
                proof: user
                    .map(|user| proof(history, workspace, final_state, user))
                    .unwrap_or_default(),
            });
        };
        for experience in &place.mirrored {
            for (what, pending) in [
                ("bans", &final_state.pending_bans),
                ("unbans", &final_state.pending_unbans),
            ] {
                let pending = pending.get(experience);
                if pending.is_none_or(|pending| !pending.is_empty()) {
                    found(
                        None,
                        format!("{experience} still has pending {what}: {pending:?}"),
                    );
                }
            }
        }
        let expected = expected(place.mirrored.iter().copied(), final_state);
        for (at, wanted) in &expected {
            match final_state.restrictions.get(at) {
                None => found(
                    Some(at.1),
                    format!("{} is not restricted, despite {wanted:?}", shown(at)),
                ),
                Some(held) if !is_same(wanted, held) => found(
                    Some(at.1),
                    format!(
                        "{} is restricted by {held:?} instead of {wanted:?}",
                        shown(at)
                    ),
                ),
                Some(_) => {}
            }
        }
        for (at, held) in &final_state.restrictions {
            if !expected.contains_key(at) {
                found(
                    Some(at.1),
                    format!("{} is restricted by {held:?} without a ban", shown(at)),
                );
            }
        }
        for violation in &final_state.over_limits {
            found(None, format!("a rate limit was exceeded: {violation}"));
        }
    }
    findings
}

/// The calls on a user, and the requests to Roblox that followed.
fn proof(
    history: &History,
    workspace: usize,
    final_state: &FinalState,
    user: UserId,
) -> Vec<String> {
    let calls = history.calls.iter();
    let calls =
        calls.filter(|call| call.workspace == workspace && call.operation.user() == Some(user));
    let mut proof = history.proof(calls);
    proof.push(format!("times below count from {}", history.beginning()));
    proof.extend(
        final_state
            .changes
            .get(&user)
            .into_iter()
            .flatten()
            .cloned(),
    );
    proof
}

fn shown((place, user): &(Option<ExperienceId>, UserId)) -> String {
    match place {
        Some(place) => format!("user {user} at {place}"),
        None => format!("user {user} everywhere"),
    }
}

fn is_same(wanted: &ActiveRestriction, held: &ActiveRestriction) -> bool {
    let ends = match (wanted.until, held.until) {
        (None, None) => true,
        (Some(wanted), Some(held)) => held + EARLIER >= wanted && held <= wanted + LATER,
        _ => false,
    };
    ends && wanted.reason == held.reason
}

/// What Roblox should hold according to the checks in the mirrored places: the ban that keeps a
/// user out of a place or of the universe. Of several bans for the universe, the one that ends last
/// counts.
fn expected(mirrored: impl Iterator<Item = ExperienceId>, final_state: &FinalState) -> Places {
    let mut expected = Places::new();
    let mut universal: BTreeMap<UserId, Vec<&Value>> = BTreeMap::new();
    for experience in mirrored {
        let checks = final_state.checks.iter();
        for ((user, _), ban) in checks.filter(|((_, at), _)| *at == experience) {
            let flag = |name: &str| ban.get(name).is_some_and(is_set);
            if !flag("isBanned") {
                continue;
            }
            if flag("experienceUniversal") {
                universal.entry(*user).or_default().push(ban);
            } else {
                expected.insert((Some(experience), *user), restrictions(ban));
            }
        }
    }
    for (user, bans) in universal {
        let last = bans.into_iter().max_by_key(|ban| {
            let until = restrictions(ban).until.unwrap_or(u64::MAX);
            (until, ban.get("isGlobal").is_some_and(is_set), guid_of(ban))
        });
        expected.extend(last.map(|ban| ((None, user), restrictions(ban))));
    }
    expected
}

fn restrictions(ban: &Value) -> ActiveRestriction {
    let until = ban.get("expires").and_then(Value::as_u64);
    let reason = ban.get("privateReason").and_then(Value::as_str);
    ActiveRestriction {
        until: until.filter(|until| *until > 0),
        reason: reason.unwrap_or_default().to_owned(),
    }
}
