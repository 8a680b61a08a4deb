//! Undoes exactly the decisions of one run.

use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};
use shared::domain::error::ApiError;
use shared::domain::rules::DecisionKind;
use shared::moderation::SeenOutcome;
use shared::store::{Shows, Store};

use crate::names;
use crate::pages::run::{
    BATCH, LARGEST_FORM, RunForm, RunPage, RunResult, Shown, TypedNumber, decode, encode, players,
    side_by_side,
};
use crate::pages::undo::{own_decision, reverse};
use crate::visit::Visit;

const WRONG_FORM: ApiError =
    ApiError::NotFound("the form is not complete: the Undo page reverses a whole period");

/// The form that undoes the decisions among these results, if there are any.
pub fn offered(results: &[RunResult]) -> Option<RunForm> {
    let made = results.iter().filter(|it| it.decision.is_some());
    let made: Vec<_> = made.cloned().collect();
    (!made.is_empty()).then(|| form(&made, &[], made.len(), TypedNumber::of(made.len())))
}

fn form(left: &[RunResult], results: &[RunResult], total: usize, number: TypedNumber) -> RunForm {
    RunForm {
        action: "/console/many/undo",
        fields: vec![
            ("made", encode(left)),
            ("results", encode(results)),
            ("total", total.to_string()),
        ],
        button: format!("Undo for {}", players(left.len())),
        number: Some(number),
    }
}

pub async fn undo(visit: &Visit) -> Result<Response<Body>, ApiError> {
    visit.moderator()?;
    let sent = visit.form_up_to(LARGEST_FORM)?;
    let left = decode(sent.raw("made"));
    let mut results = decode(sent.raw("results"));
    let total: usize = sent.parsed("total").ok_or(WRONG_FORM)?;
    if left.len().saturating_add(results.len()) != total {
        return Err(WRONG_FORM);
    }
    let number = TypedNumber::judged(total, &sent);
    let is_confirmed = number.error.is_none();
    let is_stopped = !sent.text("stop").is_empty();
    let size = if is_confirmed && !is_stopped {
        left.len().min(BATCH)
    } else {
        0
    };
    let (batch, later) = left.split_at(size);
    let batch = batch.iter().map(|made| (made.user, made));
    let new = side_by_side(&visit.store, batch.collect(), |made| undone(visit, made));
    let new = new.await?;
    let is_left = |made: &&RunResult| {
        let mut new = new.iter();
        !new.any(|it| it.user == made.user && !it.is_unprocessed())
    };
    let left: Vec<_> = left.iter().filter(is_left).cloned().collect();
    let failed = left.len().saturating_sub(later.len());
    let done: Vec<_> = new.into_iter().filter(|it| !it.is_unprocessed()).collect();
    let shown = done.len();
    results.extend(done);

    let names = names::shown(visit, results.iter().map(|it| it.user)).await;
    let of = Shown {
        names: &names,
        details: std::collections::HashMap::new(),
    };
    let mut page = RunPage::new(visit, &results, shown, left.len(), of);
    page.title = if left.is_empty() {
        "The run is undone".to_owned()
    } else {
        format!("Undoing: {} left", players(left.len()))
    };
    if failed > 0 {
        page.note = Some(format!(
            "The database was busy: {} not undone yet. Continue in a moment.",
            players(failed)
        ));
    }
    if !is_confirmed {
        page.title = format!("Undo for {}?", players(left.len()));
        page.undo = Some(form(&left, &results, total, number));
        return page.show(StatusCode::UNPROCESSABLE_ENTITY);
    }
    if !left.is_empty() {
        let mut next = form(&left, &results, total, number);
        next.number = None;
        next.fields.push(("confirm", total.to_string()));
        next.button = format!("Continue with {}", players(left.len()));
        page.continues = failed == 0 && !is_stopped;
        page.next = Some(next);
    }
    page.show(StatusCode::OK)
}

/// Undoes the decision about one player.
async fn undone(visit: &Visit, made: &RunResult) -> Result<&'static str, ApiError> {
    let id = made.decision.as_deref().unwrap_or_default();
    let store: &Store = &visit.store;
    let decision = match own_decision(visit, made.user, id).await {
        Ok(decision) => decision,
        Err(ApiError::NotFound(_) | ApiError::Forbidden(_)) => return Ok("superseded"),
        Err(error) => return Err(error),
    };
    let (_, outcome) = reverse(visit, store, &decision).await?;
    Ok(match outcome {
        SeenOutcome::Decided(committed) => {
            let effect = committed.effect(Shows::Latest(decision.ban.scope), visit.now());
            match effect.decided {
                Some(DecisionKind::Lifted | DecisionKind::Appealed) => "lifted",
                Some(DecisionKind::Changed) => "edited",
                _ => "restored",
            }
        }
        SeenOutcome::Unchanged => "nothing",
        SeenOutcome::Superseded(_) => "superseded",
    })
}

#[cfg(test)]
mod tests {
    use shared::domain::ids::UserId;

    use super::*;

    #[test]
    fn only_what_the_run_decided_is_offered() {
        let user = UserId::new(1).unwrap();
        let refused = RunResult::new(user, "protected_user", None);
        assert!(offered(std::slice::from_ref(&refused)).is_none());
        let made = RunResult::new(user, "banned", Some("7-1".to_owned()));
        let form = offered(&[refused, made]).unwrap();
        assert_eq!(form.fields[0], ("made", "1.banned.7-1".to_owned()));
        assert_eq!(form.number.unwrap().number, 1);
    }
}
