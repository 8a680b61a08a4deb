//! Bulk calls, whose users the model decides one after the other.

use std::collections::BTreeMap;

use end_to_end::requests::{bulk_ban_call, bulk_unban_call};
use end_to_end::{ApiResponse, Workspace, bulk_results, eventually};
use shared::domain::clock::UnixSeconds;
use shared::domain::ids::{Guid, Uid};
use shared::domain::rules::model::{Action, Answer, BanState, Model};
use shared::domain::rules::{BanRequest, Identity};

use super::comparison::{BY, Comparison, avoid_end_of_second};
use super::expected::second;

/// The result and the code of a user, and the identity of a new ban.
struct Told {
    result: String,
    code: Option<String>,
    guid: Option<String>,
    identity: Identity,
}

impl Comparison<'_> {
    /// Sends a bulk call with up to three users and replays it like [`Comparison::call`].
    pub(super) async fn bulk(&mut self) {
        let experiences = self.experiences();
        let is_unban = self.random.below(3) == 0;
        let actions = self.random.bulk(&experiences, is_unban);
        for action in &actions {
            self.carry_over_before(action).await;
        }
        let call = match &actions[0] {
            Action::Unban(_) => bulk_unban_call(&all(&actions, |action| match action {
                Action::Unban(request) => Some(request),
                _ => None,
            })),
            first => {
                let bans = all(&actions, |action| match action {
                    Action::Ban(request) | Action::Appeal(request) => Some(request),
                    _ => None,
                });
                bulk_ban_call(&bans, matches!(first, Action::Appeal(_)))
            }
        };
        avoid_end_of_second().await;
        let before = second();
        let answer = self.workspace.send(call).await;
        let after = second();
        let what = format!("{actions:?}");
        self.log
            .push(format!("{before}..{after} in bulk {what}: {answer}"));
        let told = told(&self.workspace, &answer).await;
        let mut worlds = Vec::new();
        for at in before.0..=after.0 {
            for model in &self.worlds {
                worlds.extend(played(model, &actions, &told, UnixSeconds(at)));
            }
        }
        self.keep(worlds, &what);
        let is = |result: &'static str| told.iter().filter(move |told| told.result == result);
        self.seen.in_bulk += is("banned")
            .chain(is("changed"))
            .chain(is("unbanned"))
            .count();
    }
}

/// The model after all users, if it explains every result.
fn played(model: &Model, actions: &[Action], told: &[Told], at: UnixSeconds) -> Option<Model> {
    let mut model = model.clone();
    let explained = actions.iter().zip(told).all(|(action, told)| {
        let said = model.play(action, BY, told.identity, at);
        explains(action, &said, told)
    });
    explained.then_some(model)
}

fn all<T: Clone>(actions: &[Action], request: impl Fn(&Action) -> Option<&T>) -> Vec<T> {
    actions.iter().filter_map(request).cloned().collect()
}

/// The results, with the numbers of new bans, which only the list shows.
async fn told(workspace: &Workspace<'_>, answer: &ApiResponse) -> Vec<Told> {
    let results = bulk_results(answer);
    let body = answer.json();
    let guid = |index: usize| body["results"][index]["guid"].as_str().map(str::to_owned);
    let is_new = |(_, result, _): &(u64, String, Option<String>)| result == "banned";
    let new: Vec<_> = (0..)
        .zip(&results)
        .filter(|(_, told)| is_new(told))
        .collect();
    let new: Vec<_> = new
        .into_iter()
        .filter_map(|(index, _)| guid(index))
        .collect();
    let numbers: BTreeMap<String, u64> = if new.is_empty() {
        BTreeMap::new()
    } else {
        eventually("the new bans are listed", async || {
            let listed = workspace.bans().await;
            let numbers = listed.iter().map(|ban| {
                let guid = ban["guid"].as_str().unwrap().to_owned();
                (guid, ban["uid"].as_u64().unwrap())
            });
            let numbers: BTreeMap<_, _> = numbers.collect();
            new.iter()
                .all(|guid| numbers.contains_key(guid))
                .then_some(numbers)
        })
        .await
    };
    let told = |(index, (_, result, code)): (usize, (u64, String, Option<String>))| {
        let guid = guid(index);
        let number = guid.as_ref().and_then(|guid| numbers.get(guid));
        let identity = Identity {
            guid: Guid::from(guid.as_ref().map_or(0, |guid| guid.parse().unwrap())),
            uid: Uid(number.copied().unwrap_or_default()),
        };
        Told {
            result,
            code,
            guid,
            identity,
        }
    };
    results.into_iter().enumerate().map(told).collect()
}

/// Whether the model's answer to the single call explains a result.
fn explains(action: &Action, said: &Answer, told: &Told) -> bool {
    let refused = |code: &str| told.result == "refused" && told.code.as_deref() == Some(code);
    match said {
        Answer::Ok => told.result != "refused",
        Answer::NotFound => refused("not_found"),
        Answer::ExpiryPassed => refused("invalid_request"),
        Answer::AlreadyBanned(ban) => {
            let is_it = told.guid == Some(ban.guid.to_string());
            let as_asked = matches!(action, Action::Ban(request) if is_as_asked(request, ban));
            is_it && (refused("already_banned") || (as_asked && told.result == "unchanged"))
        }
        Answer::Reported(_) => false,
    }
}

/// Whether the user is banned as asked, apart from the time of expiry.
fn is_as_asked(request: &BanRequest, ban: &BanState) -> bool {
    request.scope == ban.scope
        && request.moderator == ban.terms.moderator
        && request.private_reason == ban.terms.private_reason
        && request.public_reason == ban.terms.public_reason
}
