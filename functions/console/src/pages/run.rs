//! A run over many players, one batch for each request: its progress, and what became of each player.
//! The form that continues a run has all that it needs, so any page of it can be sent again.

mod results;

use std::collections::HashMap;
use std::time::Duration;

use askama::Template;
use futures::{StreamExt, stream};
use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};
use shared::domain::error::ApiError;
use shared::domain::ids::UserId;
use shared::store::Store;

pub use self::results::{RunResult, decode, encode};
use super::message::PageLink;
use crate::ban_view::PlayerView;
use crate::form::Submitted;
use crate::frame::Frame;
use crate::look::Look;
use crate::visit::{self, Visit};
use shared::domain::user_name::RobloxName;

/// How many players one request decides about.
pub const BATCH: usize = 100;

/// How many of them side by side.
pub const AT_ONCE: usize = 16;

/// The time that one of them may take.
const PLAYER: Duration = Duration::from_secs(5);

/// The largest form: a thousand players with their results.
pub const LARGEST_FORM: usize = 256 * 1024;

#[derive(Template)]
#[template(path = "run.html")]
pub struct RunPage {
    look: Look,
    frame: Frame,
    pub title: String,
    /// Of how many players the results are known.
    done: usize,
    total: usize,
    /// How many have each result.
    counts: Vec<(usize, String)>,
    pub note: Option<String>,
    rows: Vec<RunRow>,
    pub next: Option<RunForm>,
    /// Sends it by itself, if there is a script.
    pub continues: bool,
    /// Offers those who were not done once more.
    pub again: Option<RunForm>,
    pub undo: Option<RunForm>,
    pub link: Option<PageLink>,
}

/// What became of a player.
#[derive(Clone, Debug)]
struct RunRow {
    class: &'static str,
    word: String,
    detail: Option<String>,
    player: PlayerView,
}

/// A form with nothing but hidden fields and a button; it may demand the number of players.
#[derive(Clone, Debug)]
pub struct RunForm {
    pub action: &'static str,
    pub fields: Vec<(&'static str, String)>,
    pub button: String,
    pub number: Option<TypedNumber>,
}

/// A number to be typed exactly.
#[derive(Clone, Debug)]
pub struct TypedNumber {
    pub number: usize,
    pub text: String,
    pub error: Option<String>,
}

impl TypedNumber {
    pub fn of(number: usize) -> Self {
        Self {
            number,
            text: String::new(),
            error: None,
        }
    }

    /// What a person typed, with an error unless it is the number.
    pub fn judged(number: usize, form: &Submitted) -> Self {
        let text = form.text("confirm");
        let is_it = text == number.to_string();
        Self {
            number,
            text: text.chars().take(20).collect(),
            error: (!is_it).then(|| format!("Type {number} exactly.")),
        }
    }
}

/// The users in a field, in order and each once.
pub fn users(form: &Submitted, field: &str) -> Vec<UserId> {
    let mut seen = std::collections::HashSet::new();
    let ids = form.text(field).split(' ');
    ids.filter_map(|id| id.parse().ok())
        .filter(|user| seen.insert(*user))
        .collect()
}

/// The same field.
pub fn listed(users: &[UserId]) -> String {
    let ids = users.iter().map(UserId::to_string);
    ids.collect::<Vec<_>>().join(" ")
}

/// Decides about each player, at most [`AT_ONCE`] side by side. Those for whom the database fails or too
/// little time is left are unprocessed.
pub async fn side_by_side<T, F, Fut>(
    store: &Store,
    players: Vec<(UserId, T)>,
    decide: F,
) -> Result<Vec<RunResult>, ApiError>
where
    F: Fn(T) -> Fut,
    Fut: Future<Output = Result<&'static str, ApiError>>,
{
    let decide = &decide;
    let running = players.into_iter().map(|(user, player)| async move {
        if !store.has_time(PLAYER) {
            return Ok(RunResult::new(user, RunResult::UNPROCESSED, None));
        }
        match decide(player).await {
            Ok(code) => Ok(RunResult::new(user, code, None)),
            Err(ApiError::Unavailable(_)) => Ok(RunResult::new(user, RunResult::UNPROCESSED, None)),
            Err(error) => Err(error),
        }
    });
    let results: Vec<_> = stream::iter(running).buffered(AT_ONCE).collect().await;
    results.into_iter().collect()
}

/// What the page of a run shows besides its results.
pub struct Shown<'a> {
    pub names: &'a HashMap<UserId, RobloxName>,
    /// What is known about some players, such as who decided first.
    pub details: HashMap<UserId, String>,
}

impl RunPage {
    /// The page after a batch: `results` are all so far, of which the last `new` belong to the batch.
    pub fn new(
        visit: &Visit,
        results: &[RunResult],
        new: usize,
        left: usize,
        of: Shown<'_>,
    ) -> Self {
        Self::in_frame(visit.look, visit.frame(), results, new, left, of)
    }

    fn in_frame(
        look: Look,
        frame: Frame,
        results: &[RunResult],
        new: usize,
        left: usize,
        mut of: Shown<'_>,
    ) -> Self {
        let skipped = if left == 0 {
            0
        } else {
            results.len().saturating_sub(new)
        };
        let rows = results.iter().skip(skipped).map(|result| RunRow {
            class: result.class(),
            word: result.word(),
            detail: of.details.remove(&result.user),
            player: PlayerView::new(result.user, of.names),
        });
        Self {
            look,
            frame,
            title: String::new(),
            done: results.len(),
            total: results.len().saturating_add(left),
            counts: counts(results),
            note: None,
            rows: rows.collect(),
            next: None,
            continues: false,
            again: None,
            undo: None,
            link: None,
        }
    }

    pub fn show(&self, status: StatusCode) -> Result<Response<Body>, ApiError> {
        visit::show(status, self)
    }
}

/// How many have each result, the most frequent first.
fn counts(results: &[RunResult]) -> Vec<(usize, String)> {
    let mut counts: Vec<(usize, String)> = Vec::new();
    for result in results {
        let word = result.word();
        match counts.iter_mut().find(|(_, known)| *known == word) {
            Some((count, _)) => *count = count.saturating_add(1),
            None => counts.push((1, word)),
        }
    }
    counts.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    counts
}

/// `312 players`.
pub fn players(count: usize) -> String {
    match count {
        1 => "1 player".to_owned(),
        several => format!("{several} players"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ban_view::tests::HOSTILE;

    fn result(user: u64, code: &str) -> RunResult {
        RunResult::new(UserId::new(user).unwrap(), code, None)
    }

    fn page(results: &[RunResult], new: usize, left: usize) -> RunPage {
        let details = results.iter().map(|it| (it.user, HOSTILE.to_owned()));
        let of = Shown {
            names: &HashMap::new(),
            details: details.collect(),
        };
        let frame = Frame::example(true);
        let form = RunForm {
            action: "/console/many/run",
            fields: vec![("users", HOSTILE.to_owned())],
            button: HOSTILE.to_owned(),
            number: Some(TypedNumber {
                number: 2,
                text: HOSTILE.to_owned(),
                error: Some("Type 2 exactly.".to_owned()),
            }),
        };
        RunPage {
            note: Some(HOSTILE.to_owned()),
            next: (left > 0).then(|| form.clone()),
            undo: Some(form),
            ..RunPage::in_frame(Look::default(), frame, results, new, left, of)
        }
    }

    #[test]
    fn hostile_text_is_escaped_everywhere() {
        for left in [0, 3] {
            let html = page(&[result(1, HOSTILE)], 1, left).render().unwrap();
            for hostile in ["<img", "<script>alert", "\"'"] {
                assert!(!html.contains(hostile), "{hostile:?}");
            }
        }
    }

    #[test]
    fn batch_shows_its_own_players_and_the_end_shows_all() {
        let results = [
            result(1, "banned"),
            result(2, "banned"),
            result(3, "protected_user"),
        ];
        let during = page(&results, 1, 5);
        assert_eq!((during.rows.len(), during.done, during.total), (1, 3, 8));
        let after = page(&results, 1, 0);
        assert_eq!(after.rows.len(), 3);
        let counts: Vec<_> = after.counts.iter().map(|(count, _)| *count).collect();
        assert_eq!(counts, [2, 1]);
    }

    #[test]
    fn users_are_read_once_each_and_nothing_else_is() {
        let field = ("users".to_owned(), "5 7 5 x 0 9".to_owned());
        let form = Submitted::new(vec![field]);
        assert_eq!(listed(&users(&form, "users")), "5 7 9");
    }

    #[test]
    fn number_is_typed_exactly() {
        for (typed, is_fine) in [
            ("12", true),
            (" 12 ", true),
            ("012", false),
            ("", false),
            ("13", false),
        ] {
            let form = Submitted::new(vec![("confirm".to_owned(), typed.to_owned())]);
            let judged = TypedNumber::judged(12, &form);
            assert_eq!(judged.error.is_none(), is_fine, "{typed:?}");
        }
    }
}
