//! Decides about the next batch of a run's players, and shows what became of them.

use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};
use shared::domain::error::ApiError;

use super::deciding::decide;
use super::order::{self, ManyAction, RunTarget, TypedMany, may_globally};
use super::preview::{again, last_decisions, targets};
use super::{ask, undo};
use crate::names;
use crate::pages::ban_form::WorkspaceOffer;
use crate::pages::run::{
    BATCH, LARGEST_FORM, RunForm, RunPage, RunResult, Shown, TypedNumber, decode, encode, players,
};
use crate::visit::Visit;

const WRONG_FORM: ApiError =
    ApiError::NotFound("the form is not complete: start again at Many at once");

pub async fn submit(visit: &Visit) -> Result<Response<Body>, ApiError> {
    visit.moderator()?;
    let form = visit.form_up_to(LARGEST_FORM)?;
    let offer = WorkspaceOffer::read(visit).await?;
    let mut typed = TypedMany::of_form(&form, &offer, may_globally(visit));
    let left = targets(&form);
    let mut results = decode(form.raw("results"));
    let total: usize = form.parsed("total").ok_or(WRONG_FORM)?;
    let ids: Vec<_> = left.iter().map(|it| it.user.to_string()).collect();
    typed.users.text = ids.join("\n");
    let Some(order) = typed.order(visit) else {
        return ask(visit, &offer, typed, StatusCode::UNPROCESSABLE_ENTITY);
    };
    let number = TypedNumber::judged(total, &form);
    let is_all = left.len().saturating_add(results.len()) == total;
    if number.error.is_some() || !is_all {
        return again(visit, &offer, &typed, &order, &left, number).await;
    }
    let is_stopped = !form.text("stop").is_empty();
    let size = if is_stopped { 0 } else { left.len().min(BATCH) };
    let (batch, later) = left.split_at(size);
    let new = decide(visit, &order, batch, &typed.ban.key).await?;
    let is_unprocessed = |target: &&RunTarget| {
        let mut new = new.iter();
        new.any(|it| it.user == target.user && it.is_unprocessed())
    };
    let unprocessed: Vec<_> = batch.iter().filter(is_unprocessed).copied().collect();
    let left: Vec<_> = unprocessed.iter().chain(later).copied().collect();
    let done: Vec<_> = new.into_iter().filter(|it| !it.is_unprocessed()).collect();
    let shown = done.len();
    results.extend(done);

    let names = names::shown(visit, results.iter().map(|it| it.user)).await;
    let unmade = results.iter().rev().filter(|it| it.decision.is_none());
    let details = last_decisions(visit, order.scope(), unmade.map(|it| it.user)).await?;
    let of = Shown {
        names: &names,
        details,
    };
    let mut page = RunPage::new(visit, &results, shown, left.len(), of);
    page.title = title(typed.action, &results, left.len(), is_stopped);
    if !unprocessed.is_empty() {
        page.note = Some(format!(
            "The database was busy: {} not decided about yet. Continue in a moment.",
            players(unprocessed.len())
        ));
    }
    if !left.is_empty() {
        page.continues = unprocessed.is_empty() && !is_stopped;
        page.next = Some(next(&typed, &left, &results, total));
    }
    if left.is_empty() || is_stopped {
        page.again = repeat(&typed, &results);
        page.undo = undo::offered(&results);
    }
    page.show(StatusCode::OK)
}

fn title(action: ManyAction, results: &[RunResult], left: usize, is_stopped: bool) -> String {
    let made = results.iter().filter(|it| it.decision.is_some()).count();
    let (doing, done) = match action {
        ManyAction::Ban => ("Banning", "banned"),
        ManyAction::Lift => ("Lifting", "free to join again"),
    };
    match (left, is_stopped) {
        (0, _) => format!("{} {done}", players(made)),
        (_, true) => format!("Stopped: {} {done}", players(made)),
        (_, false) => format!("{doing}: {} left", players(left)),
    }
}

/// The form that continues with those who are left.
fn next(typed: &TypedMany, left: &[RunTarget], results: &[RunResult], total: usize) -> RunForm {
    let mut fields = typed.fields();
    fields.extend([
        ("users", order::encode(left)),
        ("results", encode(results)),
        ("total", total.to_string()),
        ("confirm", total.to_string()),
    ]);
    RunForm {
        action: "/console/many/run",
        fields,
        button: format!("Continue with {}", players(left.len())),
        number: None,
    }
}

/// The form that previews those once more for whom another attempt can end differently.
fn repeat(typed: &TypedMany, results: &[RunResult]) -> Option<RunForm> {
    let users = results.iter().filter(|it| it.may_be_repeated());
    let users: Vec<_> = users.map(|it| it.user.to_string()).collect();
    let count = users.len();
    let mut fields = typed.fields();
    fields.push(("users", users.join(" ")));
    (count > 0).then(|| RunForm {
        action: "/console/many",
        fields,
        button: format!("Preview {} again", players(count)),
        number: None,
    })
}

#[cfg(test)]
mod tests {
    use shared::domain::ids::UserId;

    use super::order::tests::{BAN, typed};
    use super::*;

    fn result(user: u64, code: &str) -> RunResult {
        let decision = (code == "banned").then(|| format!("{user}-1"));
        RunResult::new(UserId::new(user).unwrap(), code, decision)
    }

    #[test]
    fn title_says_how_far_it_is() {
        let results = [result(1, "banned"), result(2, "protected_user")];
        let title = |left, stopped| title(ManyAction::Ban, &results, left, stopped);
        assert_eq!(title(0, false), "1 player banned");
        assert_eq!(title(3, false), "Banning: 3 players left");
        assert_eq!(title(3, true), "Stopped: 1 player banned");
    }

    #[test]
    fn only_those_whom_time_can_help_are_offered_again() {
        let results = [
            result(1, "banned"),
            result(2, "protected_user"),
            result(3, "rate_limited"),
        ];
        let form = repeat(&typed(&BAN), &results).unwrap();
        assert!(form.fields.contains(&("users", "3".to_owned())));
        assert!(repeat(&typed(&BAN), &results[..2]).is_none());
    }

    #[test]
    fn continuation_keeps_key_and_number() {
        let typed = typed(&BAN);
        let left = [RunTarget {
            user: UserId::new(9).unwrap(),
            ban: None,
        }];
        let form = next(&typed, &left, &[result(1, "banned")], 2);
        for field in [
            ("key", typed.ban.key.clone()),
            ("users", "9".to_owned()),
            ("results", "1.banned.1-1".to_owned()),
            ("confirm", "2".to_owned()),
        ] {
            assert!(form.fields.contains(&field), "{field:?}");
        }
    }
}
