//! Carries an undo out, one batch of players after the other.

use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};
use shared::domain::error::ApiError;
use shared::domain::rules::{Decision, DecisionKind};
use shared::store::admin::Undo;
use url::form_urlencoded::byte_serialize;

use super::question::{Actors, run_name, undo_of};
use super::{fields, rehearse, rest, sent_window};
use crate::names;
use crate::pages::message::PageLink;
use crate::pages::run::{
    BATCH, LARGEST_FORM, RunForm, RunPage, RunResult, Shown, TypedNumber, decode, encode, listed,
    players, side_by_side, users,
};
use crate::times;
use crate::visit::Visit;

const WRONG_FORM: ApiError = ApiError::NotFound("the form is not complete: start again at Undo");

pub async fn submit(visit: &Visit) -> Result<Response<Body>, ApiError> {
    visit.administrator()?;
    let form = visit.form_up_to(LARGEST_FORM)?;
    let actors = Actors::read(visit).await?;
    let by = form.text("by");
    let window = sent_window(&form, &actors).ok_or(WRONG_FORM)?;
    let left = users(&form, "users");
    let mut results = decode(form.raw("results"));
    let total: usize = form.parsed("total").ok_or(WRONG_FORM)?;
    let typed = TypedNumber::judged(total, &form);
    let is_all = left.len().saturating_add(results.len()) == total;
    if typed.error.is_some() || !is_all {
        return rehearse(visit, &actors, by, window, &form, Some(typed)).await;
    }
    let undo = undo_of(visit, window, run_name(form.text("run")));
    let (batch, later) = if form.text("stop").is_empty() {
        left.split_at(left.len().min(BATCH))
    } else {
        left.split_at(0)
    };
    let players_of_batch = batch.iter().map(|user| (*user, *user)).collect();
    let new = side_by_side(&visit.store, players_of_batch, |user| {
        let undone = undo.of_user(&visit.store, user, false);
        async move { Ok(code(&undone.await?)) }
    });
    let new = new.await?;
    let (unprocessed, new): (Vec<_>, Vec<_>) = new.into_iter().partition(RunResult::is_unprocessed);
    let left: Vec<_> = unprocessed
        .iter()
        .map(|it| it.user)
        .chain(later.iter().copied())
        .collect();
    let shown = new.len();
    results.extend(new);
    let names = names::shown(visit, results.iter().map(|it| it.user)).await;
    let details = std::collections::HashMap::new();
    let of = Shown {
        names: &names,
        details,
    };
    let mut page = RunPage::new(visit, &results, shown, left.len(), of);
    page.title = format!("Undo what {} decided", actors.title(by));
    if !unprocessed.is_empty() {
        page.note = Some(format!(
            "The database was busy: {} not undone yet. Continue in a moment.",
            players(unprocessed.len())
        ));
    }
    if left.is_empty() {
        let rest_from = form
            .parsed("rest")
            .map(shared::domain::clock::UnixMillis::from_millis);
        page.again = rest(&undo, by, rest_from);
        page.link = Some(reversal(&undo));
    } else {
        let mut fields = fields(&undo, by);
        fields.extend([
            ("users", listed(&left)),
            ("results", encode(&results)),
            ("total", total.to_string()),
            ("confirm", total.to_string()),
            ("rest", form.text("rest").to_owned()),
        ]);
        page.continues = unprocessed.is_empty() && form.text("stop").is_empty();
        page.next = Some(RunForm {
            action: "/console/undo/run",
            fields,
            button: format!("Continue with {}", players(left.len())),
            number: None,
        });
    }
    page.show(StatusCode::OK)
}

/// The way to undo the undo.
fn reversal(undo: &Undo) -> PageLink {
    let by: String = byte_serialize(undo.name.as_bytes()).collect();
    // The run may have begun some pages ago, and nobody else has its name.
    let from = times::typed(undo.window.until.seconds().minus(60));
    PageLink {
        href: format!("/console/undo?by={by}&from={from}"),
        title: "Reverse this undo…",
    }
}

fn code(decisions: &[Decision]) -> &'static str {
    match decisions.last().map(|decision| decision.kind) {
        Some(DecisionKind::Lifted) => "lifted",
        Some(DecisionKind::Appealed) => "appealed",
        Some(DecisionKind::Changed) => "edited",
        Some(_) => "restored",
        None => "nothing",
    }
}
