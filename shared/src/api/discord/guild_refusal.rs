//! What Discord's failures mean for a command that changes the guild.

use std::future::Future;
use std::time::{Duration, Instant};

use super::flow::Stop;
use crate::integrations::discord::DiscordError;

/// How long rate limits and outages are waited for. The worker has a minute, and Lambda repeats it.
const PATIENCE: Duration = Duration::from_secs(20);

/// The first pause after a failure for which Discord names none.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// Repeats a call while Discord wants fewer calls or does not answer: it must be one that can be repeated.
pub async fn patiently<T, F>(call: impl Fn() -> F) -> Result<T, DiscordError>
where
    F: Future<Output = Result<T, DiscordError>>,
{
    let begun = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        let error = match call().await {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        let wait = error.pause().unwrap_or(pause);
        if !error.is_passing() || begun.elapsed().saturating_add(wait) > PATIENCE {
            return Err(error);
        }
        tokio::time::sleep(wait).await;
        pause = pause.saturating_mul(2);
    }
}

/// A sentence that says who can do what about a refusal. What passes by itself ends the attempt, which
/// Lambda repeats.
pub fn stopped(error: &DiscordError) -> Stop {
    match error {
        error if error.is_passing() => Stop::Failed(error.unavailable()),
        DiscordError::Refused { code, .. } => Stop::say(refusal(code)),
        _ => Stop::say(
            "Discord does not accept the bot's token. The operator finds out more with `portcullis doctor`.",
        ),
    }
}

/// What Discord's number means here.
fn refusal(code: &str) -> String {
    match code {
        "50013" => "Discord does not allow the bot to do this. An administrator gives the bot's role the \
                    permission *Ban Members* under Server Settings, Roles, and moves that role above the roles \
                    of the people it may ban."
            .to_owned(),
        "50001" | "10004" => {
            "The bot is not in this server. The operator's `portcullis discord setup` prints the link with \
             which an administrator adds it."
                .to_owned()
        }
        "60003" => "This server demands two-factor authentication of moderators: the owner of the Discord \
                    application has to turn it on for their own account."
            .to_owned(),
        "30035" => "Discord allows no more bans of people who are not in the server for now. Try again in a day."
            .to_owned(),
        "" => "Discord refuses this.".to_owned(),
        code => format!("Discord refuses this (error {code})."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, code: &str) -> DiscordError {
        DiscordError::Refused {
            status,
            code: code.to_owned(),
        }
    }

    #[test]
    fn missing_permission_is_named_with_the_remedy() {
        let Stop::Say(text) = stopped(&refused(403, "50013")) else {
            panic!()
        };
        assert!(
            text.contains("*Ban Members*") && text.contains("Server Settings"),
            "{text}"
        );
    }

    #[test]
    fn what_passes_by_itself_is_repeated_later() {
        for error in [
            DiscordError::RateLimited { retry_after: None },
            DiscordError::Unavailable("x".to_owned()),
        ] {
            assert!(matches!(stopped(&error), Stop::Failed(_)));
        }
    }

    #[tokio::test]
    async fn rate_limits_and_outages_are_waited_for_within_the_time() {
        let calls = std::cell::Cell::new(0);
        let failing = async |times: u32, error: DiscordError| {
            calls.set(0);
            patiently(|| {
                calls.set(calls.get() + 1);
                let answer = if calls.get() > times {
                    Ok(())
                } else {
                    Err(error.clone())
                };
                std::future::ready(answer)
            })
            .await
        };
        let limited = |millis| DiscordError::RateLimited {
            retry_after: Some(Duration::from_millis(millis)),
        };
        assert_eq!(failing(2, limited(5)).await, Ok(()));
        assert_eq!(calls.get(), 3);
        assert_eq!(failing(9, limited(30_000)).await, Err(limited(30_000)));
        assert_eq!(calls.get(), 1);
        let missing = refused(403, "50013");
        assert_eq!(failing(1, missing.clone()).await, Err(missing));
        assert_eq!(calls.get(), 1);
    }
}
