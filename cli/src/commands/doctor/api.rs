//! Checks the API from outside, and the local clock.

use std::time::Duration;

use jiff::fmt::rfc2822;
use serde_json::{Value, json};
use shared::domain::clock::UnixMillis;
use ureq::Agent;
use ureq::http::Response;

use super::finding::Finding;
use super::versions;
use crate::api::require_secure_url;

/// A clock difference from here on is a warning, in seconds.
const OFF: u64 = 5;

/// A clock difference from here on is a failure, in seconds: AWS refuses requests with wrong times.
const FAR_OFF: u64 = 60;

struct Answer {
    status: u16,
    body: Value,
    /// The API's clock, in Unix seconds.
    clock: Option<i64>,
    version: Option<String>,
}

impl Answer {
    fn text(&self, field: &str) -> Option<&str> {
        self.body.get(field)?.as_str()
    }
}

/// Calls a route that does not exist and, with a key, makes a ban check. `deployed` is the stack's version.
pub fn examine(url: &str, deployed: Option<&str>, key: Option<&str>) -> Vec<Finding> {
    let url = url.trim_end_matches('/');
    if !url.ends_with("/api/v1") {
        return vec![Finding::failed(
            "API",
            format!("{url} does not end in /api/v1"),
            "check --url: it is the stack's output ApiUrl",
        )];
    }
    let agent: Agent = Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(15)))
        .http_status_as_error(false)
        .build()
        .into();
    let reached = agent.get(format!("{url}/no-such-route")).call();
    let answer = match reached.map(read) {
        Ok(answer) => answer,
        Err(error) => {
            return vec![Finding::failed(
                "API",
                format!("could not reach {url} ({error})"),
                "check --url (it ends in /api/v1), the network and that the stack is deployed",
            )];
        }
    };
    let is_ours = answer.status == 404 && answer.text("code") == Some("not_found");
    let mut findings = vec![if is_ours {
        Finding::ok("API", format!("{url} answers"))
    } else {
        Finding::failed(
            "API",
            format!(
                "{url} answered {} for a route that does not exist, and not with Portcullis' 404",
                answer.status
            ),
            "check --url: it is the stack's output ApiUrl",
        )
    }];
    if is_ours {
        findings.push(versions::of_api(answer.version.as_deref(), deployed));
    }
    findings.push(skew(answer.clock));
    if let Some(key) = key {
        findings.push(match require_secure_url(url) {
            Ok(()) => check(&agent, url, key),
            Err(error) => Finding::of_error("ban check by the API", &error),
        });
    }
    findings
}

fn check(agent: &Agent, url: &str, key: &str) -> Finding {
    let check = "ban check by the API";
    let asked = agent
        .post(format!("{url}/is-banned"))
        .header("authorization", format!("Bearer {}", key.trim()))
        .header("content-type", "application/json")
        .send(json!({ "userId": 1, "experienceId": 1 }).to_string());
    match asked.map(read) {
        Ok(answer)
            if answer.status == 200
                && answer.body.get("isBanned").is_some_and(Value::is_boolean) =>
        {
            Finding::ok(check, "answered")
        }
        Ok(answer) if answer.status == 401 => Finding::failed(
            check,
            "the key was refused",
            "see the check of your key; keys of other installations do not work here",
        ),
        Ok(answer) => Finding::failed(
            check,
            format!(
                "answered {}: {}",
                answer.status,
                answer.text("message").unwrap_or("no message")
            ),
            "look for the request in the log of is-banned",
        ),
        Err(error) => Finding::failed(check, error.to_string(), "check the network, try again"),
    }
}

fn read(mut response: Response<ureq::Body>) -> Answer {
    let header = |name| response.headers().get(name)?.to_str().ok();
    let clock = header("date")
        .and_then(|date| rfc2822::parse(date).ok())
        .map(|date| date.timestamp().as_second());
    let version = header("portcullis-version").map(str::to_owned);
    let text = response.body_mut().read_to_string().unwrap_or_default();
    Answer {
        status: response.status().as_u16(),
        body: serde_json::from_str(&text).unwrap_or_default(),
        clock,
        version,
    }
}

/// Compares this machine's clock with the API's. AWS requests are signed with the time, and this command
/// decides by its own clock.
fn skew(theirs: Option<i64>) -> Finding {
    let check = "clock";
    let ours = i64::try_from(UnixMillis::now().seconds().0).unwrap_or(i64::MAX);
    let Some(theirs) = theirs else {
        return Finding::skipped(check, "the API sent no Date header");
    };
    let off = ours.abs_diff(theirs);
    let detail = format!("differs by {off} s from the API's");
    let remedy = "synchronise this machine's clock (NTP)";
    match off {
        FAR_OFF.. => Finding::failed(check, detail, remedy),
        OFF.. => Finding::warning(check, detail, remedy),
        _ => Finding::ok(check, detail),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Printable;

    #[test]
    fn urls_of_anything_but_the_api_are_refused_without_a_call() {
        let found = examine("http://127.0.0.1:9", None, Some("key"));
        let fields = found.first().unwrap().fields();
        assert_eq!(found.len(), 1);
        assert!(
            fields[2].1.contains("does not end in /api/v1"),
            "{fields:?}"
        );
    }

    #[test]
    fn clock_skew_is_a_warning_and_then_a_failure() {
        let now = i64::try_from(UnixMillis::now().seconds().0).unwrap();
        for (off, result) in [
            (0, "ok"),
            (-3, "ok"),
            (30, "warning"),
            (-30, "warning"),
            (120, "failed"),
            (-120, "failed"),
        ] {
            let fields = skew(Some(now + off)).fields();
            assert_eq!(fields[1].1, result, "{off}");
        }
        assert_eq!(skew(None).fields()[1].1, "not checked");
    }
}
