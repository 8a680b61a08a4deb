//! One user: what Roblox is to hold for them is asked for, and the places report it.

use std::sync::Arc;

use shared::api::invocation::STEP;
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::error::ApiError;
use shared::domain::ids::UserId;
use shared::domain::rules::enforcing::{self, Held, Level, Plan, Step};
use shared::integrations::roblox::{Ask, RestrictionChange, RobloxError, TIME_LIMIT, drop_player};
use shared::store::{Application, Intent};
use tokio::time::Instant;

use crate::keys::Trial;
use crate::pace::{abandoned, later, lock};
use crate::universe::Universe;

/// How long the same name is given to a repetition, in milliseconds: until one who was killed has been
/// followed, at the latest with the sweep after the lease. The words are the same as long, so a
/// restriction may end that much after its ban; then it is lifted as every ban that has run out.
const SAME_KEY: u64 = 150_000;

/// How long a user is put off after the first failure, in milliseconds; twice as long after each
/// other, up to the longest.
const FIRST_PAUSE: u64 = 2_000;
const LONGEST_PAUSE: u64 = 15 * 60_000;

/// Under this name the mirror reports; a report leaves no decision behind.
const BY: &str = "enforcement";

/// What there is to do for a user.
#[derive(Debug)]
pub enum Work {
    /// Nothing, whatever the index says: it may trail.
    None,
    /// Not now.
    PutOff(UnixMillis),
    /// This.
    Ready(Box<Ready>),
}

/// Work that may begin.
#[derive(Debug)]
pub struct Ready {
    user: UserId,
    pub plan: Plan,
    application: Application,
    /// Whether there is an item of it.
    is_noted: bool,
    /// Since when something is owed, if that is known.
    since: Option<UnixSeconds>,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    pub user: UserId,
    /// Set if the user is not to be tried again before.
    pub put_off: Option<UnixMillis>,
}

/// Looks at what is owed for a user as it is now.
pub async fn prepare(
    universe: &Universe,
    user: UserId,
    since: Option<UnixSeconds>,
) -> Result<Work, ApiError> {
    let (store, prefix, now) = (&universe.store, universe.prefix, UnixMillis::now());
    let places = universe.experiences();
    let applying = store.applying(prefix, user, universe.id, &places).await?;
    let is_noted = applying.application.is_some();
    let application = applying.application.unwrap_or_default();
    if let Some(until) = application.retry_at.filter(|until| *until > now) {
        return Ok(Work::PutOff(until));
    }
    let of_places = store
        .places_of(prefix, user, applying.standings, |place| {
            universe.mirrors(place)
        })
        .await?;
    let mut doubts: Vec<_> = application.intents.iter().map(Intent::doubt).collect();
    let held = &application.holds;
    let outdated = enforcing::outdated(held, &doubts, &of_places, now.seconds());
    doubts.extend(outdated);
    let plan = enforcing::plan(&of_places, &doubts, now.seconds());
    if plan.is_empty() {
        // Without a time, the user comes from the list of those who are to be looked at again.
        let is_open = !application.intents.is_empty()
            || application.retry_at.is_some()
            || (is_noted && since.is_none());
        if is_open && universe.stopped() == 0 {
            close(universe, user, application, is_noted).await?;
        }
        return Ok(Work::None);
    }
    let next = universe.pacing.next(&application.updates, now);
    if next > now && !plan.steps.is_empty() {
        let mut application = application;
        application.retry_at = Some(next);
        note(universe, user, &application, Some(next), is_noted).await?;
        return Ok(Work::PutOff(next));
    }
    Ok(Work::Ready(Box::new(Ready {
        user,
        plan,
        application,
        is_noted,
        since,
    })))
}

/// Carries out what was prepared, as far as Roblox takes it now. The first step's turn has come.
pub async fn carry_out(universe: Arc<Universe>, ready: Box<Ready>, until: Instant) -> Outcome {
    let user = ready.user;
    let mut work = Working {
        universe: &universe,
        ready: *ready,
        made: Vec::new(),
    };
    let put_off = match work.run(until).await {
        Ok(put_off) => put_off,
        Err(error) => {
            universe.tally.blame(error.detail().unwrap_or_default());
            Some(later(UnixMillis::now(), FIRST_PAUSE))
        }
    };
    Outcome { user, put_off }
}

struct Working<'a> {
    universe: &'a Universe,
    ready: Ready,
    /// The levels that are as they should be now.
    made: Vec<Level>,
}

impl Working<'_> {
    async fn run(&mut self, until: Instant) -> Result<Option<UnixMillis>, ApiError> {
        let steps = self.ready.plan.steps.clone();
        let mut put_off = None;
        for (number, step) in steps.iter().enumerate() {
            if number > 0 {
                let next = self
                    .universe
                    .pacing
                    .next(&self.ready.application.updates, UnixMillis::now());
                if next > UnixMillis::now() || Instant::now() > until {
                    put_off = Some(next);
                    break;
                }
                self.universe.pace.turn().await;
            }
            put_off = self.ask(step).await?;
            if put_off.is_some() {
                break;
            }
            self.made.push(step.level);
        }
        let reported = self.report().await?;
        if put_off.is_none() && reported == self.ready.plan.reports.len() {
            if self.ready.is_noted || !steps.is_empty() {
                let application = std::mem::take(&mut self.ready.application);
                let Ready { user, is_noted, .. } = self.ready;
                close(self.universe, user, application, is_noted).await?;
            }
        } else {
            self.ready.application.retry_at = put_off;
            self.note(put_off).await?;
        }
        for step in &steps {
            if self.made.contains(&step.level) {
                self.kick(step).await;
            }
        }
        Ok(put_off)
    }

    /// Asks Roblox for one change, and says until when the user is put off if that came to nothing.
    async fn ask(&mut self, step: &Step) -> Result<Option<UnixMillis>, ApiError> {
        let universe = self.universe;
        let Some(secret) = universe.secret_for(step.level, &self.ready.plan) else {
            return Ok(Some(UnixMillis::now()));
        };
        let Some(key) = universe.key(&secret).await? else {
            return Ok(Some(UnixMillis::now()));
        };
        // A change begins only if it can end, and be noted, before the function is stopped.
        if !universe.ends.allows(STEP.saturating_add(TIME_LIMIT)) {
            return Ok(Some(UnixMillis::now()));
        }
        let intent = self.intend(step, UnixMillis::now());
        let before = self.ready.application.updates.clone();
        self.ready.application.updates = universe.pacing.noted(&before, UnixMillis::now());
        self.ready.application.retry_at = None;
        // First written down, then asked.
        self.note(Some(abandoned(UnixMillis::now()))).await?;
        let ask = Ask {
            level: step.level,
            change: match &step.ban {
                Some(ban) => RestrictionChange::Set(ban.terms.clone()),
                None => RestrictionChange::Lift,
            },
            idempotency_key: intent.idempotency_key,
            first_sent: intent.first_sent,
        };
        let asking = universe
            .roblox
            .change(&key, universe.id, self.ready.user, &ask);
        let answer = asking.await;
        let now = UnixMillis::now();
        // Roblox counted it at some time before its answer.
        self.ready.application.updates = universe.pacing.noted(&before, now);
        match answer {
            Ok(()) => {
                self.is_done(step);
                Ok(None)
            }
            Err(error) => {
                let counted = matches!(error, RobloxError::Unavailable(_));
                if !counted {
                    self.ready.application.updates = before;
                }
                self.failed(&secret, error, now).await.map(Some)
            }
        }
    }

    /// What is asked for, in the words of the last time if it is the same.
    fn intend(&mut self, step: &Step, now: UnixMillis) -> Intent {
        let intents = &mut self.ready.application.intents;
        let at = intents.iter().position(|intent| intent.level == step.level);
        let before = at.map(|at| intents.swap_remove(at));
        let same = before.filter(|before| {
            let is_young = later(before.first_sent, SAME_KEY) > now;
            before.content == step.content() && !before.done && is_young
        });
        let intent = same.unwrap_or_else(|| Intent {
            level: step.level,
            content: step.content(),
            idempotency_key: uuid::Uuid::new_v4().to_string(),
            first_sent: now,
            done: false,
        });
        intents.push(intent.clone());
        intent
    }

    fn is_done(&mut self, step: &Step) {
        self.universe.trouble.is_over();
        self.universe.tally.count(|counts| match step.ban {
            Some(_) => counts.set += 1,
            None => counts.lifted += 1,
        });
        let application = &mut self.ready.application;
        for intent in &mut application.intents {
            intent.done |= intent.level == step.level;
        }
        let level = step.level;
        application.holds.retain(|held| held.level != level);
        let held = step.content().map(|content| Held { level, content });
        application.holds.extend(held);
    }

    /// Draws the consequences of a failure; says until when the user is put off.
    async fn failed(
        &mut self,
        secret: &str,
        error: RobloxError,
        now: UnixMillis,
    ) -> Result<UnixMillis, ApiError> {
        let universe = self.universe;
        let application = &mut self.ready.application;
        application.error = Some(error.to_string());
        let pause = FIRST_PAUSE.saturating_mul(1 << application.failures.min(16));
        application.failures = application.failures.saturating_add(1);
        let until = later(now, pause.min(LONGEST_PAUSE));
        let kind = error.kind();
        match error {
            RobloxError::Unauthorized { status, message } => {
                application.failures = 0;
                // Another key may be accepted, so the user is tried again at once.
                universe
                    .note(secret, &Trial::Refused(status, message))
                    .await?;
                return Ok(now);
            }
            RobloxError::RateLimited { retry_after } => {
                universe.tally.count(|counts| counts.failed += 1);
                universe
                    .rest(universe.trouble.limited(now, retry_after))
                    .await?;
            }
            RobloxError::Unavailable(_) => {
                universe.tally.count(|counts| counts.failed += 1);
                universe.tally.blame(format!("Roblox: {kind}"));
                universe.rest(universe.trouble.failed(now)).await?;
            }
            RobloxError::Refused { status, .. } => {
                universe.tally.count(|counts| counts.failed += 1);
                universe.tally.blame(format!("Roblox: {kind}"));
                universe.trouble.is_over();
                // The same call is refused again; a conflict of writers is not.
                if status != 409 {
                    return Ok(later(now, LONGEST_PAUSE));
                }
            }
        }
        Ok(until)
    }

    /// Has the places report of which the levels are as they should be, and says how many.
    async fn report(&self) -> Result<usize, ApiError> {
        let steps = &self.ready.plan.steps;
        let is_open = |level: &Level| {
            steps.iter().any(|step| step.level == *level) && !self.made.contains(level)
        };
        let mut reported = 0;
        for report in &self.ready.plan.reports {
            if !report.after.iter().any(is_open) {
                let (store, prefix, user) =
                    (&self.universe.store, self.universe.prefix, self.ready.user);
                let reporting =
                    store.report_applied(prefix, user, report.experience, report.state, BY);
                reporting.await?;
                reported += 1;
            }
        }
        if let Some(since) = self.ready.since.filter(|_| reported > 0) {
            let now = UnixMillis::now().seconds();
            self.universe.tally.waited(now.0.saturating_sub(since.0));
        }
        Ok(reported)
    }

    /// Tells the running servers to drop a banned player. The restriction does so already, so a
    /// message that cannot be sent is not sent again.
    async fn kick(&self, step: &Step) {
        let universe = self.universe;
        let Some(ban) = step.ban.as_ref().filter(|_| universe.kicks(step.level)) else {
            return;
        };
        let is_late = !universe.ends.allows(STEP.saturating_add(TIME_LIMIT));
        if is_late || !lock(&universe.messages).admit(universe.pacing, UnixMillis::now()) {
            universe.tally.count(|counts| counts.kicks_skipped += 1);
            return;
        }
        let secret = universe.secret_for(step.level, &self.ready.plan);
        let Some(secret) = secret else { return };
        let Ok(Some(key)) = universe.key(&secret).await else {
            return;
        };
        let message = drop_player(self.ready.user, &ban.terms.public_reason);
        let published = universe.roblox.publish(&key, universe.id, &message);
        match published.await {
            Ok(()) => universe.tally.count(|counts| counts.kicked += 1),
            Err(_) => universe.tally.count(|counts| counts.kicks_skipped += 1),
        }
    }

    async fn note(&mut self, due: Option<UnixMillis>) -> Result<(), ApiError> {
        let Ready {
            user,
            application,
            is_noted,
            ..
        } = &mut self.ready;
        note(self.universe, *user, application, due, *is_noted).await?;
        *is_noted = true;
        Ok(())
    }
}

/// Writes down that nothing is under way any more; the times of the last changes are kept.
async fn close(
    universe: &Universe,
    user: UserId,
    application: Application,
    is_noted: bool,
) -> Result<(), ApiError> {
    let closed = Application {
        holds: application.holds,
        updates: application.updates,
        ..Application::default()
    };
    note(universe, user, &closed, None, is_noted).await
}

async fn note(
    universe: &Universe,
    user: UserId,
    application: &Application,
    due: Option<UnixMillis>,
    is_noted: bool,
) -> Result<(), ApiError> {
    let (prefix, id) = (universe.prefix, universe.id);
    let noting = universe
        .store
        .note_application(prefix, user, id, application, due, is_noted);
    noting.await
}
