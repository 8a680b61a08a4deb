//! `roblox`: Roblox's own ban list, as Open Cloud returns it
//! (`/cloud/v2/universes/{id}/user-restrictions`).

use serde_json::Value;
use shared::domain::ids::UserId;
use shared::integrations::roblox::Restriction;

use super::RowResult;
use crate::import::defaults::RowDraft;
use crate::import::entries::RowError;
use crate::import::{ImportDefaults, ImportedBan};

/// Converts a restriction in a file.
pub fn row(value: &Value, defaults: &ImportDefaults) -> RowResult {
    (
        of_restriction(&Restriction::read(value), defaults),
        Vec::new(),
    )
}

/// Converts a restriction. `defaults` provides what it does not contain.
pub fn of_restriction(
    restriction: &Restriction,
    defaults: &ImportDefaults,
) -> Result<ImportedBan, RowError> {
    if let Some(fault) = &restriction.fault {
        return Err(RowError::Invalid(fault.clone()));
    }
    if !restriction.active {
        let what = "the restriction is inactive: Roblox keeps lifted ones";
        return Err(RowError::NotABan(what.to_owned()));
    }
    if restriction.inherited {
        let what = "the restriction is inherited from the universe";
        return Err(RowError::NotABan(what.to_owned()));
    }
    let user = restriction.user.map(UserId::get);
    let mut draft = RowDraft::default()
        .with("robloxId", user)
        .with("privateReason", restriction.private_reason.as_str())
        .with("publicReason", restriction.display_reason.as_str())
        .with("expires", restriction.ends().seconds());
    // The restriction of a place applies only to that place.
    if let Some(place) = restriction.place {
        draft = draft
            .with("experienceId", place.get())
            .with("experienceUniversal", false);
    }
    if let Some(start) = restriction.start {
        draft = draft.with("created", start.0);
    }
    draft.row(defaults, |field| {
        match field {
            "robloxId" => "user",
            "publicReason" => "displayReason",
            "expires" => "the end (startTime and duration)",
            "created" => "startTime",
            other => other,
        }
        .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn open_cloud_restrictions_are_parsed() {
        let defaults = ImportDefaults::sample();
        let read = |path: &str, join: Value| {
            row(
                &json!({ "path": path, "user": "users/7", "gameJoinRestriction": join }),
                &defaults,
            )
            .0
        };
        let universe = "universes/1/user-restrictions/7";
        let ban = read(
            universe,
            json!({ "active": true, "startTime": "2026-11-20T10:11:12Z",
            "duration": "86400s", "privateReason": "p", "displayReason": "d" }),
        );
        let ban = ban.unwrap();
        assert_eq!(ban.terms.expires.seconds(), 1_795_169_472 + 86_400);
        assert_eq!(
            (ban.terms.private_reason, ban.terms.public_reason),
            ("p".to_owned(), "d".to_owned())
        );
        assert_eq!(ban.experience.get(), 7001);

        let of_place = "universes/1/places/8/user-restrictions/7";
        let ban = read(of_place, json!({ "active": true })).unwrap();
        assert_eq!((ban.experience.get(), ban.terms.expires.seconds()), (8, 0));
        assert_eq!(ban.terms.public_reason, "Banned earlier");

        let lifted = read(universe, json!({ "active": false }));
        assert!(matches!(lifted, Err(RowError::NotABan(_))));
        let endless = read(universe, json!({ "active": true, "duration": "86400s" }));
        assert!(
            matches!(endless, Err(RowError::Invalid(_))),
            "a day must not become forever"
        );
    }
}
