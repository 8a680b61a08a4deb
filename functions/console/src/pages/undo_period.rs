//! Undoes what a key or a member decided in a period: a dry run first, then the number of players typed,
//! then the run. A period with many players is undone one part after the other.

mod question;
mod run;

use askama::Template;
use futures::{StreamExt, stream};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};
use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::domain::ids::UserId;
use shared::domain::rules::{Decision, DecisionKind, Scope};
use shared::store::admin::{Undo, UndoWindow, UndoneUsers};

use self::question::{Actors, UndoQuestion, run_name, undo_of};
pub use self::run::submit;
use super::run::{AT_ONCE, RunForm, TypedNumber, listed, players};
use crate::ban_view::PlayerView;
use crate::form::Submitted;
use crate::frame::Frame;
use crate::look::{Choice, Look};
use crate::names;
use crate::times;
use crate::visit::{self, Visit};

/// By how many decisions of one actor the players of a part are found.
const PART: u16 = 500;

#[derive(Template)]
#[template(path = "undo_form.html")]
struct UndoFormPage {
    look: Look,
    frame: Frame,
    actors: Vec<Choice>,
    question: UndoQuestion,
}

#[derive(Template)]
#[template(path = "undo_preview.html")]
struct UndoPreviewPage {
    look: Look,
    frame: Frame,
    actor: String,
    period: String,
    warning: Option<String>,
    rows: Vec<PreviewRow>,
    /// How many players keep what others decided later.
    staying: usize,
    /// The way to the players after these.
    rest: Option<RunForm>,
    form: Option<RunForm>,
}

/// What would happen to a player.
#[derive(Clone, Debug)]
struct PreviewRow {
    player: PlayerView,
    class: &'static str,
    what: String,
}

/// The form, filled from a link if there is one.
pub async fn show(visit: &Visit) -> Result<Response<Body>, ApiError> {
    visit.administrator()?;
    let actors = Actors::read(visit).await?;
    let mut question = UndoQuestion::typed(&visit.query());
    if question.from.is_empty() {
        question.from = times::typed(visit.now().minus(3_600));
    }
    ask(visit, &actors, question, StatusCode::OK)
}

fn ask(
    visit: &Visit,
    actors: &Actors,
    question: UndoQuestion,
    status: StatusCode,
) -> Result<Response<Body>, ApiError> {
    let page = UndoFormPage {
        look: visit.look,
        frame: visit.frame(),
        actors: choices(actors, &question.by),
        question,
    };
    visit::show(status, &page)
}

fn choices(actors: &Actors, by: &str) -> Vec<Choice> {
    let mut all = vec![(String::new(), "Choose…".to_owned())];
    all.extend(super::activity::all_actors(&actors.members, &actors.keys));
    if !all.iter().any(|(id, _)| id == by) && question::is_run(by) {
        all.push((by.to_owned(), actors.title(by)));
    }
    let choice = |(id, title): (String, String)| {
        let is_chosen = id == by;
        Choice::new(id, title, is_chosen)
    };
    all.into_iter().map(choice).collect()
}

/// The dry run.
pub async fn preview(visit: &Visit) -> Result<Response<Body>, ApiError> {
    visit.administrator()?;
    let form = visit.form()?;
    let actors = Actors::read(visit).await?;
    let mut question = UndoQuestion::typed(&form);
    let window = match sent_window(&form, &actors) {
        Some(window) => Some(window),
        None => question.window(&actors, visit.moment),
    };
    let Some(window) = window else {
        return ask(visit, &actors, question, StatusCode::UNPROCESSABLE_ENTITY);
    };
    rehearse(visit, &actors, &question.by, window, &form, None).await
}

/// The window in the form of a further part: it ends when the first part did.
fn sent_window(form: &Submitted, actors: &Actors) -> Option<UndoWindow> {
    let moment = |name| form.parsed(name).map(UnixMillis::from_millis);
    Some(UndoWindow {
        by: actors.named(form.text("by"))?,
        since: moment("since")?,
        until: moment("until")?,
    })
}

/// Shows what an undo would do; `error` if the number was typed wrong.
async fn rehearse(
    visit: &Visit,
    actors: &Actors,
    by: &str,
    window: UndoWindow,
    form: &Submitted,
    typed: Option<TypedNumber>,
) -> Result<Response<Body>, ApiError> {
    let (store, prefix) = (&visit.store, visit.prefix());
    let part = form
        .parsed("part")
        .map_or(window.since, UnixMillis::from_millis);
    let found = store
        .some_users_decided_on(prefix, &window, part, PART)
        .await?;
    let undo = undo_of(visit, window, run_name(form.text("run")));
    let would = rehearsed(visit, &undo, &found).await?;
    let status = match &typed {
        Some(typed) if typed.error.is_some() => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::OK,
    };
    let page = UndoPreviewPage::new(visit, actors, by, &undo, part, &found, &would, typed).await;
    visit::show(status, &page)
}

/// What would be decided about each player, without those about whom nothing would.
async fn rehearsed(
    visit: &Visit,
    undo: &Undo,
    found: &UndoneUsers,
) -> Result<Vec<(UserId, Vec<Decision>)>, ApiError> {
    let of_users = found.users.iter().copied().map(|user| async move {
        let decisions = undo.of_user(&visit.store, user, true).await?;
        Ok::<_, ApiError>((user, decisions))
    });
    let mut running = stream::iter(of_users).buffered(AT_ONCE);
    let mut would = Vec::new();
    while let Some(one) = running.next().await {
        let (user, decisions) = one?;
        if !decisions.is_empty() {
            would.push((user, decisions));
        }
    }
    Ok(would)
}

/// The fields that name a window and a run.
fn fields(undo: &Undo, by: &str) -> Vec<(&'static str, String)> {
    let UndoWindow { since, until, .. } = undo.window;
    vec![
        ("by", by.to_owned()),
        ("since", since.millis().to_string()),
        ("until", until.millis().to_string()),
        ("run", undo.name.clone()),
    ]
}

/// The form that looks at the players after a part, if there are more.
fn rest(undo: &Undo, by: &str, rest: Option<UnixMillis>) -> Option<RunForm> {
    let mut fields = fields(undo, by);
    fields.push(("part", rest?.millis().to_string()));
    Some(RunForm {
        action: "/console/undo",
        fields,
        button: "Look at the next players".to_owned(),
        number: None,
    })
}

impl UndoPreviewPage {
    #[expect(clippy::too_many_arguments, reason = "each is one part of the page")]
    async fn new(
        visit: &Visit,
        actors: &Actors,
        by: &str,
        undo: &Undo,
        part: UnixMillis,
        found: &UndoneUsers,
        would: &[(UserId, Vec<Decision>)],
        typed: Option<TypedNumber>,
    ) -> Self {
        let users: Vec<_> = would.iter().map(|(user, _)| *user).collect();
        let names = names::shown(visit, users.iter().copied()).await;
        let rows = would.iter().map(|(user, decisions)| PreviewRow {
            player: PlayerView::new(*user, &names),
            class: class(decisions),
            what: what(decisions),
        });
        let number = users.len();
        let form = (number > 0).then(|| {
            let mut fields = fields(undo, by);
            fields.push(("users", listed(&users)));
            fields.push(("total", number.to_string()));
            fields.push(("part", part.millis().to_string()));
            let rest = found.rest.map(|rest| rest.millis().to_string());
            fields.push(("rest", rest.unwrap_or_default()));
            RunForm {
                action: "/console/undo/run",
                fields,
                button: format!("Undo for {}", players(number)),
                number: Some(typed.unwrap_or_else(|| TypedNumber::of(number))),
            }
        });
        let UndoWindow { since, until, .. } = undo.window;
        let (since, until) = (times::exact(since.seconds()), times::exact(until.seconds()));
        Self {
            look: visit.look,
            frame: visit.frame(),
            actor: actors.title(by),
            period: format!("{since} to {until}"),
            warning: actors.warning(by, visit.now()),
            rows: rows.collect(),
            staying: found.users.len().saturating_sub(number),
            rest: rest(undo, by, found.rest),
            form,
        }
    }
}

/// The decisions of an undo in words that fit what is planned.
fn what(decisions: &[Decision]) -> String {
    let words = decisions.iter().map(|decision| {
        let ban = &decision.ban;
        let place = match ban.scope {
            Scope::Global => "everywhere".to_owned(),
            Scope::Experience => format!("in experience {}", ban.made_in),
        };
        let until = times::until(ban.terms.expires);
        match decision.kind {
            DecisionKind::Lifted => format!("Lift the ban {place}"),
            DecisionKind::Appealed => format!("Accept the appeal {place} again"),
            DecisionKind::Changed => format!("Give back the old terms {place}, {until}"),
            _ => format!("Ban again {place} {until}"),
        }
    });
    words.collect::<Vec<_>>().join("; ")
}

fn class(decisions: &[Decision]) -> &'static str {
    match decisions.last().map(|decision| decision.kind) {
        Some(DecisionKind::Lifted | DecisionKind::Appealed) => "s-lifted",
        Some(DecisionKind::Changed) => "s-timed",
        _ => "s-permanent",
    }
}

#[cfg(test)]
mod tests {
    use super::question::tests::actors;
    use super::*;
    use crate::ban_view::tests::{HOSTILE, NOW, ban};
    use shared::domain::rules::{EndingKind, Expiry};

    fn decision(kind: DecisionKind) -> Decision {
        let mut ban = ban("x");
        if kind == DecisionKind::Lifted {
            ban = ban.ended(EndingKind::Lifted, NOW);
        }
        ban.terms.expires = Expiry::At(NOW);
        Decision {
            kind,
            previous: None,
            ban,
            reason: None,
        }
    }

    #[test]
    fn plan_is_in_words() {
        let lift = decision(DecisionKind::Lifted);
        let restore = decision(DecisionKind::Restored);
        assert_eq!(
            what(&[lift, restore]),
            "Lift the ban in experience 75521396999004; Ban again in experience 75521396999004 until \
             15 Jan 2027, 08:00 UTC"
        );
        assert_eq!(class(&[decision(DecisionKind::Lifted)]), "s-lifted");
    }

    #[test]
    fn hostile_text_is_escaped_everywhere() {
        let hostile = "<img src=x onerror=alert(1)>";
        let actors = actors(hostile);
        let form = UndoFormPage {
            look: Look::default(),
            frame: Frame::example(true),
            actors: choices(&actors, "undo-1f2e3d4c"),
            question: UndoQuestion {
                by: HOSTILE.to_owned(),
                from: HOSTILE.to_owned(),
                to: HOSTILE.to_owned(),
                by_error: Some(HOSTILE.to_owned()),
                from_error: None,
                to_error: None,
            },
        };
        assert_eq!(form.actors.last().unwrap().title, "Run undo-1f2e3d4c");
        let preview = UndoPreviewPage {
            look: Look::default(),
            frame: Frame::example(true),
            actor: actors.title(&actors.members[0].id.to_string()),
            period: HOSTILE.to_owned(),
            warning: actors.warning(&actors.members[0].id.to_string(), NOW),
            rows: vec![PreviewRow {
                player: PlayerView::new(ban("x").user, &std::collections::HashMap::new()),
                class: "s-lifted",
                what: HOSTILE.to_owned(),
            }],
            staying: 1,
            rest: None,
            form: None,
        };
        assert!(preview.warning.is_some());
        for html in [form.render().unwrap(), preview.render().unwrap()] {
            for hostile in ["<img", "<script>alert", "\"'"] {
                assert!(!html.contains(hostile), "{hostile:?} in {html}");
            }
        }
    }
}
