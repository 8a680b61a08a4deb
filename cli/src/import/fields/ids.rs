//! Parses users from other systems: an id, or a link to the profile.

use serde_json::Value;

/// The id in a value or link, which still needs validation.
pub fn user(value: &Value) -> Result<Value, String> {
    let Value::String(text) = value else {
        return Ok(value.clone());
    };
    let text = text.trim();
    if let Some(id) = linked(text) {
        return id.map(Value::from);
    }
    if is_rounded(text) {
        return Err(rounded(text));
    }
    Ok(unquoted(text).into())
}

/// The user id in a profile link; `None` for anything but a link.
pub fn linked(text: &str) -> Option<Result<&str, String>> {
    let (rest, has_scheme) = match text.split_once("://") {
        Some((_, rest)) => (rest, true),
        None => (text, false),
    };
    let (host, path) = rest.split_once('/')?;
    let host = host.to_ascii_lowercase();
    let is_roblox = host == "roblox.com" || host.ends_with(".roblox.com");
    if !is_roblox {
        let is_bare = host == "users" && !has_scheme;
        if is_bare && is_digits(path) {
            return Some(Ok(path));
        }
        return (has_scheme || host.contains('.'))
            .then(|| Err("must be a link to a profile at roblox.com, or an id".to_owned()));
    }
    let mut parts = path
        .split(['/', '?', '#'])
        .skip_while(|part| *part != "users");
    let id = parts.nth(1).filter(|id| is_digits(id));
    Some(id.ok_or_else(|| "must be a link to a user: roblox.com/users/ID".to_owned()))
}

/// Whether a spreadsheet has rounded a number: `9.14431E+17`, with a point or a comma.
pub fn is_rounded(text: &str) -> bool {
    let Some((digits, exponent)) = text.split_once(['e', 'E']) else {
        return false;
    };
    let exponent = exponent.trim_start_matches(['+', '-']);
    let digits = digits.trim_start_matches('-');
    is_digits(exponent)
        && digits.starts_with(|c: char| c.is_ascii_digit())
        && digits
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '.' | ','))
}

/// The error for a rounded number.
pub fn rounded(text: &str) -> String {
    format!(
        "is {text}: a spreadsheet such as Excel has rounded it. Export again (`portcullis export \
         --excel` keeps long numbers), or import the file that the spreadsheet opened"
    )
}

/// Unwraps `="123"`, which keeps spreadsheets from rounding a number.
pub fn unquoted(text: &str) -> &str {
    let inner = text
        .strip_prefix("=\"")
        .and_then(|text| text.strip_suffix('"'));
    inner.unwrap_or(text)
}

pub fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profile_links_are_parsed() {
        for link in [
            "https://www.roblox.com/users/5600001/profile",
            "roblox.com/users/5600001",
            "http://web.roblox.com/users/5600001?x=1",
            "https://www.roblox.com/de/users/5600001/profile#top",
            "users/5600001",
        ] {
            assert_eq!(user(&link.into()), Ok("5600001".into()), "{link}");
        }
        for link in [
            "https://www.roblox.com/groups/5600001",
            "https://www.roblox.com/games/5600001/name",
            "https://www.roblox.com/users/profile",
            "https://evilroblox.com/users/5600001",
            "https://example.com/users/5600001",
            "discord.gg/5600001",
        ] {
            assert!(user(&link.into()).is_err(), "{link}");
        }
        assert_eq!(user(&"5600001".into()), Ok("5600001".into()));
        assert_eq!(user(&"=\"5600001\"".into()), Ok("5600001".into()));
    }

    #[test]
    fn rounded_numbers_are_detected() {
        for text in ["9.14431E+17", "9,14431E+17", "5.3e9", "1E10"] {
            assert!(is_rounded(text), "{text}");
            assert!(user(&text.into()).is_err(), "{text}");
        }
        for text in ["914431", "E10", "1e", "e", "", "1e5x", "beef1e5"] {
            assert!(!is_rounded(text), "{text}");
        }
    }
}
