//! From an error back to what to do about it.

use shared::error::ApiError;

/// An error in one line that says what to do.
pub fn explain(error: &anyhow::Error) -> String {
    let text = match error.downcast_ref::<ApiError>() {
        Some(failed) => refusal(failed),
        None => format!("{error:#}"),
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What to do about a refusal by the rules, or a failure of the database.
fn refusal(failed: &ApiError) -> String {
    match failed {
        ApiError::AlreadyBanned { .. } => {
            "the user is already banned: `portcullis check` shows the ban, --overwrite changes it"
                .to_owned()
        }
        ApiError::ProtectedUser => {
            "the user is protected in this workspace and cannot be banned: `portcullis protected \
             list` shows who is, `portcullis protected remove` ends it"
                .to_owned()
        }
        ApiError::Forbidden(what) if what.contains("not linked") => {
            "the experience is not linked to the workspace: link it with `portcullis experience \
             link`"
                .to_owned()
        }
        ApiError::Unavailable(detail) | ApiError::Internal(detail) => remedy(detail),
        ApiError::ServiceUnavailable { detail, .. } => detail.clone(),
        _ => failed.message(),
    }
}

/// What to do about a failure of the database, told by the code that it answers with.
pub(super) fn remedy(detail: &str) -> String {
    let advice = [
        (
            "ResourceNotFoundException",
            "there is no such table or index: check --bans-table, --workspaces-table, --region \
             and --endpoint",
        ),
        (
            "AccessDeniedException",
            "your credentials may not do this: use others (AWS_PROFILE), or have them allowed to \
             read and write both tables and their indexes, and to describe the stack",
        ),
        (
            "ExpiredToken",
            "your credentials have expired: sign in again (`aws sso login`)",
        ),
        (
            "UnrecognizedClientException",
            "AWS does not know your credentials: sign in again, and check --region",
        ),
        (
            "dispatch failure",
            "DynamoDB cannot be reached: check --endpoint, --region and the network; `make dev` \
             starts a local one",
        ),
        (
            "timed out",
            "DynamoDB did not answer in time: check the network and try again",
        ),
    ];
    advice
        .into_iter()
        .find(|(code, _)| detail.contains(code))
        .map_or_else(|| answer(detail), |(_, what)| what.to_owned())
}

/// The message in the SDK's description of an error, which goes on for a screen.
fn answer(detail: &str) -> String {
    let message = detail
        .split_once("message: \"")
        .and_then(|(_, message)| message.split_once('"'));
    match message {
        Some((message, _)) => format!("DynamoDB answered: {message}"),
        None => detail.to_owned(),
    }
}
