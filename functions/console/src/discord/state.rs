//! What binds a sign-in to the browser in which it began: Discord hands it back, a cookie keeps it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use shared::domain::clock::UnixSeconds;
use shared::domain::random;

use crate::csrf;

/// The cookie of a sign-in in progress. `Lax`, since Discord's page leads back here.
pub const COOKIE: &str = "__Host-portcullis-discord";

/// How many seconds a person has for Discord's page.
const VALID: u64 = 600;

/// `<end>.<256 random bits>`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInState(String);

impl SignInState {
    pub fn random(now: UnixSeconds) -> Self {
        let secret = URL_SAFE_NO_PAD.encode(random::bytes::<32>());
        Self(format!("{}.{secret}", now.plus(VALID)))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether Discord has handed back what this browser keeps, and in time.
    pub fn is_returned(sent: &str, kept: Option<&str>, now: UnixSeconds) -> bool {
        let end = sent.split_once('.').map(|(end, _)| end.parse());
        let lasts = matches!(end, Some(Ok(end)) if now < UnixSeconds(end));
        lasts && kept.is_some_and(|kept| csrf::is_same(sent, kept))
    }

    pub fn cookie(&self) -> String {
        format!(
            "{COOKIE}={}; Path=/; Max-Age={VALID}; Secure; HttpOnly; SameSite=Lax",
            self.0
        )
    }

    /// The cookie that ends the sign-in: it is used once.
    pub fn end() -> String {
        format!("{COOKIE}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixSeconds = UnixSeconds(1_000);

    #[test]
    fn state_is_accepted_from_its_own_browser_for_ten_minutes() {
        let state = SignInState::random(NOW);
        let returned = |now| {
            let (sent, kept) = (state.as_str(), Some(state.as_str()));
            SignInState::is_returned(sent, kept, UnixSeconds(now))
        };
        assert!(returned(1_000) && returned(1_599));
        assert!(!returned(1_600));
        assert_ne!(state, SignInState::random(NOW));
    }

    #[test]
    fn other_states_are_refused() {
        let state = SignInState::random(NOW);
        let other = SignInState::random(NOW);
        for (sent, kept) in [
            (state.as_str(), None),
            (state.as_str(), Some(other.as_str())),
            (state.as_str(), Some("")),
            ("", Some("")),
            ("x", Some("x")),
            (".x", Some(".x")),
        ] {
            assert!(!SignInState::is_returned(sent, kept, NOW), "{sent}");
        }
    }
}
