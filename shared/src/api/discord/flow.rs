//! Why a command ends early.

use crate::domain::error::ApiError;

/// The end of a command before it is done.
#[derive(Debug)]
pub enum Stop {
    /// A sentence for the person.
    Say(String),
    /// It needs Roblox or Discord, which the worker asks.
    Later,
    Failed(ApiError),
}

pub type Flow<T> = Result<T, Stop>;

impl Stop {
    pub fn say(text: impl Into<String>) -> Self {
        Self::Say(text.into())
    }
}

impl From<ApiError> for Stop {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::Forbidden(_) | ApiError::NotFound(_) => Self::Say(sentence(&error.message())),
            ApiError::ProtectedUser => Self::say(
                "This player is protected: nobody in this workspace can ban them. Ask an administrator.",
            ),
            ApiError::AlreadyLinked => Self::say(
                "One of these accounts is linked to another one. `/verify` shows your link, and `/unverify` \
                 deletes it.",
            ),
            ApiError::RateLimited { what, retry_after } => {
                let minutes = retry_after.div_ceil(60);
                Self::Say(format!("{} Try again in {minutes} min.", sentence(what)))
            }
            ApiError::InvalidRequest(ref errors) => {
                let first = errors.first();
                if first.is_some_and(|it| it.field.eq_ignore_ascii_case("idempotency-key")) {
                    return Self::say("This was done already. Look with `/history`.");
                }
                let first = first.map(|it| format!("{} {}", it.field, it.message));
                Self::Say(sentence(&first.unwrap_or_else(|| error.message())))
            }
            error => Self::Failed(error),
        }
    }
}

/// A text as a sentence.
pub fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string());
    let text = format!("{}{}", first.unwrap_or_default(), chars.as_str());
    if text.ends_with(['.', '?', '!']) {
        text
    } else {
        format!("{text}.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_database_are_no_sentences() {
        let stop = |error| Stop::from(error);
        let busy = ApiError::Unavailable("x".to_owned());
        assert!(matches!(stop(busy), Stop::Failed(_)));
        let Stop::Say(text) = stop(ApiError::Forbidden("you lack the permission view")) else {
            panic!()
        };
        assert_eq!(text, "You lack the permission view.");
        let Stop::Say(text) = stop(ApiError::field("banLength", "must be shorter")) else {
            panic!()
        };
        assert_eq!(text, "BanLength must be shorter.");
    }
}
