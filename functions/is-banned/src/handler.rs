//! Checks whether a user is banned, on every join on every server, in one round trip.

use shared::api::auth::{CheckBans, UnverifiedKey};
use shared::api::{ApiRequest, Reply};
use shared::domain::ban_info::NeverBanned;
use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::domain::ids::{ExperienceId, UserId};
use shared::store::Store;

/// The key is looked up together with the ban, not before it.
pub async fn handle(
    claim: UnverifiedKey,
    request: ApiRequest,
    store: Store,
) -> Result<Reply, ApiError> {
    let check = match parse(&request) {
        Ok(check) => check,
        // A caller without a valid key learns only that.
        Err(error) => {
            claim.verify::<CheckBans>(&store).await?;
            return Err(error);
        }
    };
    let (caller, snapshot) = claim
        .verify_with_standing::<CheckBans>(&store, check.user, check.experience)
        .await?;
    let now = UnixMillis::now().seconds();
    let standing = snapshot.standing;

    match standing.shown(now) {
        Some(ban) => {
            let applied = standing.here.report == Some(ban.current());
            Reply::json(&caller.check_presenter(now).show(ban, applied))
        }
        None => Reply::json(&NeverBanned::default()),
    }
}

struct Check {
    user: UserId,
    experience: ExperienceId,
}

fn parse(request: &ApiRequest) -> Result<Check, ApiError> {
    let mut body = request.body()?;
    let user = body.id("userId");
    let experience = body.id("experienceId");
    body.build(|| {
        Some(Check {
            user: user?,
            experience: experience?,
        })
    })
}
