//! Lifts what keeps a user out, or records that an experience has lifted it.

use shared::auth::{Caller, WriteBans};
use shared::clock::Moment;
use shared::error::ApiError;
use shared::http::{ApiRequest, Reply};
use shared::rules::{self, UnbanJudgement, UnbanRequest};
use shared::store::{Actor, Call, Store};

/// The longest reason, in bytes.
const REASON: usize = 1000;

/// Reads, judges and writes until no other writer interferes; see [`Store::settle`].
pub async fn handle(
    caller: Caller<WriteBans>,
    request: ApiRequest,
    store: Store,
) -> Result<Reply, ApiError> {
    let unban = parse(&request)?;
    let call = Call {
        user: unban.user,
        tag: caller.tag(),
        link: store.link(&caller, unban.experience).await?,
        actor: Actor {
            key_id: caller.key_id().to_owned(),
            moderator: unban.moderator,
            request_id: request.id().to_owned(),
        },
        idempotency: request.idempotency_key()?,
    };

    let settled = store
        .settle(&call, |snapshot, now| {
            let (caller, unban) = (&caller, &unban);
            async move {
                let (standing, now) = (&snapshot.standing, now.seconds());
                let judgement = rules::judge_unban(standing, unban, now).map_err(|_| {
                    ApiError::NotFound("the user was never banned in this experience")
                })?;
                let outcome = match judgement {
                    UnbanJudgement::Nothing => rules::unchanged(standing),
                    UnbanJudgement::Report => rules::report_unbanned(standing),
                    UnbanJudgement::Lift => rules::lift(standing, unban, now),
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
        .shown(now)
        .filter(|_| request.prefers_representation());
    let shown = shown.map(|ban| {
        let completed = settled.standing.here.report == Some(ban.current());
        caller.view(now).show(ban, completed)
    });
    let varies = shown.is_some() && caller.view_varies();
    Ok(Reply::changed(shown)?.varying(varies))
}

fn parse(request: &ApiRequest) -> Result<UnbanRequest, ApiError> {
    let mut query = request.query();
    let completed = query
        .optional_flag("experienceUnbanCompleted")
        .unwrap_or(false);
    let confirm_only = query.optional_flag("confirmOnly").unwrap_or(false);

    let mut body = request.body()?;
    body.take_errors_of(query);
    let user = body.id("userId");
    let experience = body.id("experienceId");
    let reason = body
        .optional_text("reason", REASON)
        .filter(|reason| !reason.is_empty());
    let moderator = body.optional_id("moderatorId");
    body.build(|| {
        Some(UnbanRequest {
            user: user?,
            experience: experience?,
            reason,
            moderator,
            completed,
            confirm_only,
        })
    })
}
