//! Refuses forms that another site submits: the browser says where a form comes from, and a form of the
//! console contains what only its own session knows.

use shared::api::PageRequest;
use shared::domain::error::ApiError;

use crate::form::Submitted;

const ELSEWHERE: &str = "this form came from another site: open the console and try again";

/// Why a form without the token of its session is refused.
pub const OLD_FORM: &str = "this form belongs to another session: reload the page and try again";

/// The field of a form with the session's token.
pub const FIELD: &str = "csrf";

/// 403 unless a page of this site submitted the form. Browsers without `Sec-Fetch-Site` send `Origin`.
pub fn demand_same_origin(request: &PageRequest) -> Result<(), ApiError> {
    let is_own = match request.header("sec-fetch-site") {
        Some(site) => site == "same-origin",
        None => is_own_origin(request.header("origin"), request.host()),
    };
    if is_own {
        Ok(())
    } else {
        Err(ApiError::Forbidden(ELSEWHERE))
    }
}

/// 403 unless the form has the token of its session.
pub fn demand_token(form: &Submitted, token: &str) -> Result<(), ApiError> {
    if is_same(form.raw(FIELD), token) {
        Ok(())
    } else {
        Err(ApiError::Forbidden(OLD_FORM))
    }
}

fn is_own_origin(origin: Option<&str>, host: Option<&str>) -> bool {
    let origin = origin.and_then(|origin| {
        let (scheme, host) = origin.split_once("://")?;
        matches!(scheme, "https" | "http").then_some(host)
    });
    origin.is_some() && origin == host
}

/// Compares in a time that does not depend on where the texts differ.
pub fn is_same(sent: &str, token: &str) -> bool {
    let differences = sent.bytes().zip(token.bytes());
    let differences = differences.fold(0, |all, (sent, own)| all | (sent ^ own));
    !token.is_empty() && sent.len() == token.len() && differences == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_own_origin_is_accepted() {
        let host = Some("console.example");
        assert!(is_own_origin(Some("https://console.example"), host));
        assert!(is_own_origin(
            Some("http://localhost:3000"),
            Some("localhost:3000")
        ));
        for origin in [
            None,
            Some("null"),
            Some("https://evil.example"),
            Some("https://console.example.evil.example"),
            Some("https://console.example:444"),
            Some("file://console.example"),
        ] {
            assert!(!is_own_origin(origin, host), "{origin:?}");
        }
        assert!(!is_own_origin(None, None));
    }

    #[test]
    fn token_has_to_be_the_same() {
        assert!(is_same("abc", "abc"));
        for (sent, token) in [
            ("abd", "abc"),
            ("ab", "abc"),
            ("abcd", "abc"),
            ("", ""),
            ("", "abc"),
        ] {
            assert!(!is_same(sent, token), "{sent} {token}");
        }
    }
}
