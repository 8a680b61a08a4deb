//! What a run would do about each of the pasted players: the real rules, without writing anything.

use std::collections::HashMap;

use askama::Template;
use futures::{StreamExt, stream};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};
use shared::domain::error::ApiError;
use shared::domain::ids::UserId;
use shared::domain::members::MemberPermission;
use shared::domain::rules::{DecisionKind, Scope};
use shared::moderation::bulk::UserResult;

use super::ask;
use super::deciding::{code, rehearse};
use super::entries::{self, PastedEntry, PastedPlayer};
use super::order::{self, ManyAction, Order, RunTarget, TypedMany, may_globally};
use crate::ban_view::{PlayerView, shortened};
use crate::form::Submitted;
use crate::frame::Frame;
use crate::look::Look;
use crate::names;
use crate::pages::ban_form::WorkspaceOffer;
use crate::pages::player;
use crate::pages::run::{LARGEST_FORM, RunForm, RunResult, TypedNumber, players};
use crate::people::People;
use crate::times;
use crate::visit::{self, Visit};

/// For how many players the last decision is looked up, and how many are at once.
const EXPLAINED: usize = 100;
const AT_ONCE: usize = 16;

/// Among how many of a player's newest decisions.
const NEWEST: usize = 5;

#[derive(Template)]
#[template(path = "many_preview.html")]
struct ManyPreviewPage {
    look: Look,
    frame: Frame,
    title: String,
    consequence: String,
    /// Of all pasted texts, by what would become of them.
    counts: Vec<(usize, &'static str)>,
    reason: String,
    form: Option<RunForm>,
    /// Sends the same texts to the form again.
    change: RunForm,
    left_out: Vec<PreviewEntry>,
    players: Vec<PlayerView>,
    would: &'static str,
    class: &'static str,
}

/// A pasted text that is left out.
#[derive(Clone, Debug)]
struct PreviewEntry {
    text: String,
    player: Option<PlayerView>,
    word: &'static str,
    detail: Option<String>,
}

pub async fn preview(visit: &Visit) -> Result<Response<Body>, ApiError> {
    visit.moderator()?;
    let form = visit.form_up_to(LARGEST_FORM)?;
    let offer = WorkspaceOffer::read(visit).await?;
    let mut typed = TypedMany::of_form(&form, &offer, may_globally(visit));
    if !form.text("change").is_empty() {
        return ask(visit, &offer, typed, StatusCode::OK);
    }
    let pasted = typed.users.text.clone();
    let texts = entries::split(&pasted);
    if let Err(error) = &texts {
        typed.users.error = Some(error.clone());
    }
    let (Some(order), Ok(texts)) = (typed.order(visit), texts) else {
        return ask(visit, &offer, typed, StatusCode::UNPROCESSABLE_ENTITY);
    };
    let found = entries::read(visit, &texts).await;
    typed.ban = typed.ban.with_new_key();
    shown(visit, &offer, &typed, &order, &found, None).await
}

/// The preview again, after a wrong number: as it would be by now.
pub async fn again(
    visit: &Visit,
    offer: &WorkspaceOffer,
    typed: &TypedMany,
    order: &Order,
    targets: &[RunTarget],
    number: TypedNumber,
) -> Result<Response<Body>, ApiError> {
    let found: Vec<_> = targets
        .iter()
        .map(|target| PastedEntry {
            text: target.user.to_string(),
            entry: PastedPlayer::Player(target.user),
        })
        .collect();
    shown(visit, offer, typed, order, &found, Some(number)).await
}

async fn shown(
    visit: &Visit,
    offer: &WorkspaceOffer,
    typed: &TypedMany,
    order: &Order,
    found: &[PastedEntry],
    number: Option<TypedNumber>,
) -> Result<Response<Body>, ApiError> {
    let users = found.iter().filter_map(|pasted| match pasted.entry {
        PastedPlayer::Player(user) => Some(RunTarget { user, ban: None }),
        _ => None,
    });
    let users: Vec<_> = users.collect();
    let would = rehearse(visit, order, &users).await?;
    let refused = would.iter().filter(|result| target(result).is_none());
    let details = last_decisions(visit, order.scope(), refused.map(|it| it.user_id)).await?;
    let names = names::shown(visit, users.iter().map(|target| target.user)).await;
    let ground = Ground {
        found,
        would: &would,
        details,
        names,
    };
    let status = if number.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let words = order.words(&offer.reach(), visit.now());
    let (look, frame) = (visit.look, visit.frame());
    let page = ManyPreviewPage::new(look, frame, typed, &words, &ground, number);
    visit::show(status, &page)
}

/// The player with the ban to lift, if something would be decided.
fn target(result: &UserResult) -> Option<RunTarget> {
    let ban = result.outcome.guid.as_deref();
    match code(result) {
        "banned" => Some(RunTarget {
            user: result.user_id,
            ban: None,
        }),
        "unbanned" => Some(RunTarget {
            user: result.user_id,
            ban: Some(ban?.parse().ok()?),
        }),
        _ => None,
    }
}

/// The last decision about each of these players in a scope, as a sentence: who decided first.
pub async fn last_decisions(
    visit: &Visit,
    scope: Scope,
    users: impl Iterator<Item = UserId>,
) -> Result<HashMap<UserId, String>, ApiError> {
    let (store, prefix) = (&visit.store, visit.prefix());
    let users: Vec<_> = users.take(EXPLAINED).collect();
    if users.is_empty() || !visit.may(MemberPermission::ManageBans) {
        return Ok(HashMap::new());
    }
    let people = People::new(&store.members(prefix).await?);
    let people = &people;
    let found = users.into_iter().map(|user| async move {
        let newest = store.newest_decisions(prefix, user, None, NEWEST).await?;
        let mut decisions = newest.decisions.iter();
        let last = decisions
            .find(|decision| decision.ban.scope == scope && decision.kind != DecisionKind::Expired);
        let last = last.or(newest.decisions.first());
        let sentence = last.map(|decision| {
            let (what, by) = (
                player::decision_words(decision),
                people.of_decision(decision),
            );
            format!("{what} by {by}, {}", times::exact(decision.at))
        });
        Ok::<_, ApiError>(sentence.map(|sentence| (user, sentence)))
    });
    let found: Vec<_> = stream::iter(found).buffered(AT_ONCE).collect().await;
    found.into_iter().filter_map(Result::transpose).collect()
}

/// What a preview is made of.
struct Ground<'a> {
    found: &'a [PastedEntry],
    would: &'a [UserResult],
    details: HashMap<UserId, String>,
    names: HashMap<UserId, shared::domain::user_name::RobloxName>,
}

impl ManyPreviewPage {
    fn new(
        look: Look,
        frame: Frame,
        typed: &TypedMany,
        words: &str,
        of: &Ground<'_>,
        number: Option<TypedNumber>,
    ) -> Self {
        let targets: Vec<_> = of.would.iter().filter_map(target).collect();
        let count = targets.len();
        let is_lift = typed.action == ManyAction::Lift;
        let (verb, would, class) = if is_lift {
            ("Lift the bans of", "Would be lifted", "s-lifted")
        } else {
            ("Ban", "Would be banned", "s-permanent")
        };
        let left_out = of.left_out(is_lift);
        let mut counts = vec![(count, would)];
        for entry in &left_out {
            match counts.iter_mut().find(|(_, word)| *word == entry.word) {
                Some((number, _)) => *number = number.saturating_add(1),
                None => counts.push((1, entry.word)),
            }
        }
        let form = (count > 0).then(|| {
            let mut fields = typed.fields();
            fields.push(("users", order::encode(&targets)));
            fields.push(("total", count.to_string()));
            let number = number.map(|typed| TypedNumber::retyped(count, typed));
            RunForm {
                action: "/console/many/run",
                fields,
                button: format!("{verb} {}", players(count)),
                number: Some(number.unwrap_or_else(|| TypedNumber::of(count))),
            }
        });
        let mut change = typed.fields();
        change.push(("users", typed.users.text.clone()));
        change.push(("change", "1".to_owned()));
        let reason = if is_lift {
            &typed.reason
        } else {
            &typed.ban.public
        };
        let player = |target: &RunTarget| PlayerView::new(target.user, &of.names);
        Self {
            look,
            frame,
            title: format!("{verb} {}?", players(count)),
            consequence: match count {
                1 => format!("1 player {words}."),
                several => format!("{several} players {words}."),
            },
            counts,
            reason: shortened(&reason.text),
            form,
            change: RunForm {
                action: "/console/many",
                fields: change,
                button: "Change".to_owned(),
                number: None,
            },
            left_out,
            players: targets.iter().map(player).collect(),
            would,
            class,
        }
    }
}

impl Ground<'_> {
    /// The pasted texts about which nothing would be decided, in their order.
    fn left_out(&self, is_lift: bool) -> Vec<PreviewEntry> {
        let results: HashMap<_, _> = self.would.iter().map(|it| (it.user_id, it)).collect();
        let entries = self.found.iter().filter_map(|pasted| {
            let (user, word, detail) = match &pasted.entry {
                PastedPlayer::Unknown(why) => (None, "Unknown", Some(why.clone())),
                PastedPlayer::Duplicate(user) => (Some(*user), "Duplicate", None),
                PastedPlayer::Player(user) => {
                    let result = results.get(user)?;
                    if target(result).is_some() {
                        return None;
                    }
                    let word = word(code(result), is_lift);
                    (Some(*user), word, self.details.get(user).cloned())
                }
            };
            Some(PreviewEntry {
                text: pasted.text.clone(),
                player: user.map(|user| PlayerView::new(user, &self.names)),
                word,
                detail,
            })
        });
        entries.collect()
    }
}

/// Why a player is left out.
fn word(code: &str, is_lift: bool) -> &'static str {
    match code {
        "already_banned" | "unchanged" => "Already banned",
        "protected_user" => "Protected",
        "rate_limited" => "Over your limit of bans per hour",
        "not_found" if is_lift => "Not banned",
        "forbidden" => "Not permitted",
        RunResult::UNPROCESSED => "Could not be checked in time",
        _ => "Refused",
    }
}

impl TypedNumber {
    /// The number by now, with what was typed.
    fn retyped(number: usize, typed: Self) -> Self {
        Self {
            number,
            error: Some(format!("Type {number} exactly.")),
            ..typed
        }
    }
}

/// The users of a sent form.
pub fn targets(form: &Submitted) -> Vec<RunTarget> {
    order::decode(form.text("users"))
}

#[cfg(test)]
mod tests;
