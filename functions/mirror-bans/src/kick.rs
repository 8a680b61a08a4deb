//! Drops banned players from running servers.

use shared::api::invocation::STEP;
use shared::domain::clock::UnixMillis;
use shared::domain::lock::lock;
use shared::domain::rules::mirror::MirrorStep;
use shared::integrations::roblox::{TIME_LIMIT, drop_player};

use crate::universe::Universe;
use crate::user::ReadyUser;

/// Tells the running servers to drop a banned player. The restriction does so too, so a message that
/// cannot be sent is not retried.
pub async fn kick(universe: &Universe, user: &ReadyUser, step: &MirrorStep) {
    let Some(ban) = step.ban.as_ref().filter(|_| universe.kicks(step.level)) else {
        return;
    };
    let is_late = !universe.ends.allows(STEP.saturating_add(TIME_LIMIT));
    if is_late || !lock(&universe.messages).try_acquire(universe.limits, UnixMillis::now()) {
        universe.stats.count(|counts| counts.kicks_skipped += 1);
        return;
    }
    let Some(secret) = universe.secret_for(step.level, &user.plan) else {
        return;
    };
    let Ok(Some(key)) = universe.key(&secret).await else {
        return;
    };
    let message = drop_player(user.user, &ban.terms.public_reason);
    let published = universe.roblox.publish(&key, universe.id, &message);
    match published.await {
        Ok(()) => universe.stats.count(|counts| counts.kicked += 1),
        Err(_) => universe.stats.count(|counts| counts.kicks_skipped += 1),
    }
}
