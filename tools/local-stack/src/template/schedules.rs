//! Schedules, which invoke functions at a fixed rate.

use std::time::Duration;

use serde_json::{Value, json};

use super::text;

/// One event of the type `Schedule`.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// The event's name in the template, such as `Sweep`.
    pub name: String,
    /// The interval between invocations.
    pub every: Duration,
    /// The event that the function gets.
    pub input: Value,
}

/// Reads a schedule.
pub(super) fn read(name: &str, settings: &Value) -> Result<Schedule, String> {
    let expression = text(settings, "Schedule").unwrap_or_default();
    let every = rate(expression).ok_or_else(|| {
        format!(
            "the schedule {name} is {expression:?}; the local stack knows only rates, such as \
             rate(1 minute) or rate(2 days)"
        )
    })?;
    let input = match text(settings, "Input") {
        Some(input) => serde_json::from_str(input)
            .map_err(|e| format!("the input of the schedule {name} is not JSON: {e}"))?,
        // EventBridge's default event, without the fields that vary.
        None => json!({
            "version": "0",
            "source": "aws.events",
            "detail-type": "Scheduled Event",
            "detail": {},
        }),
    };
    Ok(Schedule {
        name: name.to_owned(),
        every,
        input,
    })
}

/// `rate(5 minutes)` as a duration. EventBridge requires the singular for 1, and only for 1.
fn rate(expression: &str) -> Option<Duration> {
    let inner = expression.strip_prefix("rate(")?.strip_suffix(')')?;
    let (number, unit) = inner.trim().split_once(' ')?;
    let number: u32 = number.parse().ok().filter(|number| *number > 0)?;
    let singular = unit.strip_suffix('s').unwrap_or(unit);
    let is_plural = singular != unit;
    let seconds = match singular {
        "minute" => 60,
        "hour" => 60 * 60,
        "day" => 24 * 60 * 60,
        _ => return None,
    };
    (is_plural == (number > 1)).then(|| Duration::from_secs(seconds) * number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_eventbridge_writes_them() {
        for (expression, seconds) in [
            ("rate(1 minute)", Some(60)),
            ("rate(5 minutes)", Some(300)),
            ("rate(2 hours)", Some(7_200)),
            ("rate(1 day)", Some(86_400)),
            ("rate(1 minutes)", None),
            ("rate(2 day)", None),
            ("rate(0 minutes)", None),
            ("rate(-1 minutes)", None),
            ("rate(1 week)", None),
            ("rate 1 minute", None),
            ("cron(0 3 * * ? *)", None),
            ("", None),
        ] {
            let every = rate(expression).map(|every| every.as_secs());
            assert_eq!(every, seconds, "{expression}");
        }
    }
}
