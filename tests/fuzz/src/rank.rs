//! Changes of ranks, through the function's own parser.

use serde_json::json;
use shared::domain::ids::MAX_ROBLOX_ID;
use shared::domain::rules::group_roles::WantedRole;

use crate::body::assert_text;
use crate::request::{assert_refused, request};

#[path = "../../../functions/group-role/src/request.rs"]
mod call;

/// The longest reason in bytes.
const LONGEST_REASON: usize = 1000;

/// Reads bytes as the body of `/group-role`.
pub fn rank(bytes: &[u8]) {
    let wanted = match call::parse(&request(bytes, &[], &[])) {
        Err(error) => return assert_refused(&error),
        Ok(wanted) => wanted,
    };
    let mut written = json!({ "userId": wanted.user.get(), "groupId": wanted.group.get() });
    let (field, number) = match wanted.wanted {
        WantedRole::Rank(rank) => {
            assert!((1..=254).contains(&rank.get()));
            ("rankId", u64::from(rank.get()))
        }
        WantedRole::Role(role) => ("roleId", role.get()),
    };
    written[field] = number.into();
    for id in [wanted.user.get(), wanted.group.get(), number] {
        assert!((1..=MAX_ROBLOX_ID).contains(&id));
    }
    if let Some(moderator) = wanted.moderator {
        written["moderatorId"] = moderator.get().into();
    }
    if let Some(reason) = &wanted.reason {
        assert_text(reason, LONGEST_REASON);
        written["reason"] = reason.as_str().into();
    }
    let text = written.to_string();
    let again = call::parse(&request(text.as_bytes(), &[], &[]));
    let again = again.unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(again, wanted, "{text}");
    assert_eq!(again.meaning(), wanted.meaning(), "{text}");
}
