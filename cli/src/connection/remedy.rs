//! Error messages that say what to do.

use aws_sdk_cloudformation::error::{DisplayErrorContext, ProvideErrorMetadata};
use shared::domain::error::ApiError;

/// The message for a user with a ban in force.
pub const ALREADY_BANNED: &str =
    "the user is already banned: `portcullis check` shows the ban, --overwrite changes it";

/// Formats an error as one line that says what to do.
pub fn explain(error: &anyhow::Error) -> String {
    let text = match error.downcast_ref::<ApiError>() {
        Some(failed) => refusal(failed),
        None => format!("{error:#}"),
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What to do about an error of the rules or the database.
fn refusal(failed: &ApiError) -> String {
    match failed {
        ApiError::AlreadyBanned { .. } => ALREADY_BANNED.to_owned(),
        ApiError::ProtectedUser => {
            "the user is protected in this workspace and cannot be banned: `portcullis protected \
             list` shows protected users, `portcullis protected remove` ends a protection"
                .to_owned()
        }
        ApiError::Forbidden(what) if what.contains("not linked") => {
            "the experience is not linked to the workspace: link it with `portcullis experience \
             link`"
                .to_owned()
        }
        ApiError::Unavailable(detail) | ApiError::Internal(detail) => remedy("DynamoDB", detail),
        ApiError::ServiceUnavailable { detail, .. } => detail.clone(),
        _ => failed.message(),
    }
}

/// The error of an SDK call, with what to do about it.
pub fn failed<E>(service: &str, what: &str, error: &E) -> anyhow::Error
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    let detail = DisplayErrorContext(error).to_string();
    let said = match (advice(service, &detail), error.message()) {
        (Some(advice), _) => advice,
        (None, Some(message)) => format!("{service} answered: {message}"),
        (None, None) => detail,
    };
    anyhow::anyhow!("could not {what}: {said}")
}

fn remedy(service: &str, detail: &str) -> String {
    advice(service, detail).unwrap_or_else(|| answer(service, detail))
}

/// What to do about an error of a service, by its code.
fn advice(service: &str, detail: &str) -> Option<String> {
    let is_database = service == "DynamoDB";
    let advice = [
        (
            "ResourceNotFoundException",
            "the table or index does not exist: check --bans-table, --workspaces-table, --region \
             and --endpoint"
                .to_owned(),
        ),
        (
            "AccessDenied",
            format!(
                "your credentials lack a permission for {service}: use others (--profile), or grant \
                 what `portcullis iam-policy` prints, with --deployer for `deploy`"
            ),
        ),
        (
            "ExpiredToken",
            "your credentials have expired: sign in again (`aws sso login`)".to_owned(),
        ),
        (
            "UnrecognizedClientException",
            "AWS does not recognise your credentials: sign in again, and check --region".to_owned(),
        ),
        (
            "InvalidClientTokenId",
            "AWS does not recognise your credentials: sign in again, and check --region".to_owned(),
        ),
        (
            "dispatch failure",
            if is_database {
                "DynamoDB cannot be reached: check --endpoint, --region and the network; `make dev` \
                 starts a local one"
                    .to_owned()
            } else {
                format!("{service} cannot be reached: check --region and the network")
            },
        ),
        (
            "timed out",
            format!("{service} timed out: check the network and try again"),
        ),
    ];
    advice
        .into_iter()
        .find(|(code, _)| detail.contains(code))
        .map(|(_, what)| what)
}

/// Extracts the service's message from the SDK's long description of an error.
fn answer(service: &str, detail: &str) -> String {
    let message = detail
        .split_once("message: \"")
        .and_then(|(_, message)| message.split_once('"'));
    match message {
        Some((message, _)) => format!("{service} answered: {message}"),
        None => detail.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unreachable_service_is_named() {
        let said = remedy("CloudFormation", "dispatch failure: io error");
        assert!(
            said.starts_with("CloudFormation cannot be reached"),
            "{said}"
        );
        assert!(
            !said.contains("make dev") && !said.contains("DynamoDB"),
            "{said}"
        );
        let said = remedy("DynamoDB", "dispatch failure: io error");
        assert!(said.contains("make dev"), "{said}");
        let said = remedy("CloudFormation", "service error: AccessDenied: User: arn");
        assert!(said.contains("CloudFormation"), "{said}");
    }
}
