//! Ban calls.

use serde_json::{Value, json};
use shared::api::parse_ban;
use shared::domain::clock::UnixSeconds;
use shared::domain::ids::MAX_ROBLOX_ID;
use shared::domain::rules::{BanRequest, Length, Scope, Terms};
use shared::moderation::Intent;

use crate::body::assert_text;
use crate::length::{LONGEST, NOW};
use crate::request::{assert_refused, request};

/// Reads bytes as the body of `/ban-async`, with and without its flags.
pub fn ban(bytes: &[u8]) {
    for applied in [false, true] {
        let appeal = bytes.len().is_multiple_of(2);
        let query = [
            ("experienceBanCompleted", if applied { "1" } else { "0" }),
            ("isAppeal", if appeal { "true" } else { "false" }),
        ];
        match parse_ban(&request(bytes, &query, &[]), NOW) {
            Err(error) => assert_refused(&error),
            Ok((ban, intent)) => {
                assert_eq!(matches!(intent, Intent::Appeal), appeal);
                assert_eq!(ban.applied, applied);
                assert_within_bounds(&ban);
                let written = written(&ban).to_string();
                let (again, _) = parse_ban(&request(written.as_bytes(), &query, &[]), NOW)
                    .unwrap_or_else(|error| panic!("{written}: {error}"));
                assert_eq!(again, ban, "{written}");
            }
        }
    }
}

fn assert_within_bounds(ban: &BanRequest) {
    for id in [ban.user.get(), ban.place.get(), ban.moderator.get()] {
        assert!((1..=MAX_ROBLOX_ID).contains(&id));
    }
    assert_text(&ban.private_reason, Terms::LONGEST_PRIVATE_REASON);
    assert_text(&ban.public_reason, Terms::LONGEST_PUBLIC_REASON);
    match ban.length {
        Length::Permanent => {}
        Length::For(seconds) => assert!((1..=LONGEST).contains(&seconds)),
        Length::Until(at) => {
            assert!(at <= NOW.plus(LONGEST));
            // Only a possible late report may have a past expiry.
            assert!(at > NOW || (ban.overwrite && ban.applied), "{at} is past");
        }
    }
}

/// The same call in its canonical form.
fn written(ban: &BanRequest) -> Value {
    let (kind, length) = match ban.length {
        Length::Permanent => ("Permanent", json!(false)),
        Length::For(seconds) => ("Temporary", json!(format!("{seconds}s"))),
        Length::Until(UnixSeconds(at)) => ("Temporary", crate::length::instant(at).into()),
    };
    json!({
        "overwrite": ban.overwrite,
        "userId": ban.user.get(),
        "experienceId": ban.place.get(),
        "banModerator": ban.moderator.get(),
        "banType": if ban.scope == Scope::Global { "Global" } else { "Experience" },
        "banLengthType": kind,
        "banLength": length,
        "banPrivateReason": ban.private_reason,
        "banPublicReason": ban.public_reason,
        "experienceUniversal": ban.universal,
    })
}
