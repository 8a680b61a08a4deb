//! Checks whether a user is banned, on every join on every server, in one round trip.

use serde::Serialize;
use shared::api::auth::{Caller, CheckBans, UnverifiedKey};
use shared::api::{ApiRequest, Fields, Reply};
use shared::domain::ban_info::NeverBanned;
use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::domain::evidence::AttachedEvidence;
use shared::domain::ids::{PlaceId, UserId};
use shared::domain::rules::Ban;
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
    let (caller, standing) = claim
        .verify_with_standing::<CheckBans>(&store, check.user, check.place)
        .await?;
    let now = UnixMillis::now().seconds();
    let shown = standing.shown(now);
    let associated_evidence = if check.include_evidence && caller.may_read_evidence() {
        evidence(&caller, &store, shown).await
    } else {
        None
    };

    match shown {
        Some(ban) => {
            let applied = standing.here.report == Some(ban.current());
            Reply::json(&Checked {
                ban: caller.check_presenter(now).show(ban, applied),
                associated_evidence,
            })
        }
        None => Reply::json(&Checked {
            ban: NeverBanned::default(),
            associated_evidence,
        }),
    }
}

/// The evidence for the ban. If it cannot be read, the check succeeds without it: a failed check
/// would let the user in.
async fn evidence(
    caller: &Caller<CheckBans>,
    store: &Store,
    ban: Option<&Ban>,
) -> Option<Vec<AttachedEvidence>> {
    let Some(ban) = ban else {
        return Some(Vec::new());
    };
    let page = store
        .evidence_of_ban(caller.prefix(), (ban.user, ban.guid), None, PIECES)
        .await
        .ok()?;
    let pieces = page.pieces.iter();
    Some(
        pieces
            .map(|piece| AttachedEvidence::of(piece, caller.workspace()))
            .collect(),
    )
}

/// How many pieces of evidence a check returns, the newest ones.
const PIECES: usize = 100;

/// The answer: the ban, with its evidence if that was requested.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Checked<B> {
    #[serde(flatten)]
    ban: B,
    #[serde(skip_serializing_if = "Option::is_none")]
    associated_evidence: Option<Vec<AttachedEvidence>>,
}

struct Check {
    user: UserId,
    place: PlaceId,
    include_evidence: bool,
}

fn parse(request: &ApiRequest) -> Result<Check, ApiError> {
    let mut body = request.body()?;
    let user = body.id("userId");
    let place = body.id("experienceId");
    let include_evidence = wants_evidence(&body) || wants_evidence(&request.query());
    body.build(|| {
        Some(Check {
            user: user?,
            place: place?,
            include_evidence,
        })
    })
}

/// Anything but a flag that is set counts as absent: a check that fails lets the user in.
fn wants_evidence(fields: &Fields) -> bool {
    let value = fields.value("includeEvidence");
    value.is_some_and(|value| *value == true || *value == 1 || *value == 1.0 || *value == "1")
}
