//! Bans a user, changes a ban, confirms one, or records an accepted appeal.

use shared::auth::{Caller, WriteBans};
use shared::clock::Moment;
use shared::error::ApiError;
use shared::http::{ApiRequest, Reply};
use shared::ids::ModeratorId;
use shared::rules::{self, BanRequest, Judgement, Outcome, Refusal, Scope};
use shared::store::{Actor, Call, Snapshot, Store};

use crate::request::{Intent, parse};

/// Reads, judges and writes until no other writer interferes; see [`Store::settle`].
pub async fn handle(
    caller: Caller<WriteBans>,
    request: ApiRequest,
    store: Store,
) -> Result<Reply, ApiError> {
    let (ban, intent) = parse(&request, Moment::now().seconds())?;
    let call = Call {
        user: ban.user,
        tag: caller.tag(),
        link: store.link(&caller, ban.experience).await?,
        actor: actor(&caller, &request, ban.moderator),
        idempotency: request.idempotency_key()?,
    };

    let settled = store
        .settle(&call, |snapshot, now| {
            let (store, caller, ban) = (&store, &caller, &ban);
            async move {
                let outcome = match intent {
                    Intent::Ban => decide(store, caller, ban, &snapshot, now).await?,
                    Intent::Appeal => appeal(ban, &snapshot, now)?,
                };
                if outcome.decides_globally() {
                    caller.demand_global()?;
                }
                Ok(outcome)
            }
        })
        .await?;

    let now = Moment::now().seconds();
    let shown = settled
        .standing
        .latest_in(ban.scope)
        .filter(|_| request.prefers_representation());
    let shown = shown.map(|ban| {
        let completed = settled.standing.here.report == Some(ban.current());
        caller.view(now).show(ban, completed)
    });
    let varies = shown.is_some() && caller.view_varies();
    Ok(Reply::changed(shown)?.varying(varies))
}

async fn decide(
    store: &Store,
    caller: &Caller<WriteBans>,
    ban: &BanRequest,
    snapshot: &Snapshot,
    moment: Moment,
) -> Result<Outcome, ApiError> {
    let (standing, now) = (&snapshot.standing, moment.seconds());
    let late = if rules::may_be_late(standing, ban, now) {
        store.late_revisions(snapshot, ban.scope, now).await?
    } else {
        Vec::new()
    };
    let judgement = rules::judge_ban(standing, ban, &late, now)
        .map_err(|refusal| refused(caller, snapshot, refusal, now))?;
    Ok(match judgement {
        Judgement::Nothing => rules::unchanged(standing),
        Judgement::Confirmation(revision) => rules::confirm(standing, revision),
        Judgement::Overwrite => rules::overwrite(standing, ban, now),
        Judgement::Make => {
            if ban.scope == Scope::Global {
                caller.demand_global()?;
            }
            let identity = store.new_identity(snapshot.tag(), moment).await?;
            rules::make(standing, ban, identity, now)
        }
    })
}

fn appeal(ban: &BanRequest, snapshot: &Snapshot, now: Moment) -> Result<Outcome, ApiError> {
    rules::appeal(&snapshot.standing, ban.scope, ban.completed, now.seconds())
        .map_err(|_| ApiError::NotFound("the user has no ban in force in this scope"))
}

fn refused(
    caller: &Caller<WriteBans>,
    snapshot: &Snapshot,
    refusal: Refusal,
    now: shared::clock::Timestamp,
) -> ApiError {
    match refusal {
        Refusal::AlreadyBanned(ban) => {
            let completed = snapshot.standing.here.report == Some(ban.current());
            ApiError::AlreadyBanned {
                ban: Box::new(caller.view(now).show(&ban, completed)),
                varies: caller.view_varies(),
            }
        }
        Refusal::ExpiryPassed(_) => ApiError::field("banLength", shared::length::ACCEPTED),
        Refusal::NotFound => ApiError::NotFound("the user has no ban in force in this scope"),
    }
}

fn actor(caller: &Caller<WriteBans>, request: &ApiRequest, moderator: ModeratorId) -> Actor {
    Actor {
        key_id: caller.key_id().to_owned(),
        moderator: Some(moderator),
        request_id: request.id().to_owned(),
    }
}
