//! Builds a ban from the mapped fields of a row.

use serde_json::Value;
use shared::domain::clock::UnixSeconds;

use super::ColumnMap;
use crate::import::defaults::{ImportDefaults, RowDraft};
use crate::import::fields::titles::ColumnRole;
use crate::import::fields::{ids, times};
use crate::import::{ImportedBan, RowError};

impl ColumnMap {
    /// Builds the ban from the values of a row. `user` is the key of the entry, if it has one.
    pub fn row(
        &self,
        values: &[Value],
        user: Option<&str>,
        defaults: &ImportDefaults,
    ) -> Result<ImportedBan, RowError> {
        let said = self.value(ColumnRole::User, values);
        let id = match (said, user) {
            (Some(value), _) => ids::user(value).map_err(|wrong| {
                let title = self.title(ColumnRole::User).unwrap_or("userId");
                RowError::Invalid(format!("{title} {wrong}"))
            })?,
            (None, Some(user)) => user.into(),
            (None, None) => Value::Null,
        };
        if let (Some(user), Some(_)) = (user, said)
            && shared::domain::number::integer(&id).is_some_and(|id| id.to_string() != user)
        {
            let title = self.title(ColumnRole::User).unwrap_or("userId");
            let what = format!("{title} is another user than {user}, the key of the entry");
            return Err(RowError::Invalid(what));
        }
        let mut draft = RowDraft::default().with("robloxId", id);
        let reason = self.value(ColumnRole::Reason, values).cloned();
        let public = self.value(ColumnRole::Public, values).cloned();
        let private = self.value(ColumnRole::Private, values).cloned();
        let (public, private) = match (public, private) {
            (None, private) if self.of(ColumnRole::Public).is_none() => (reason, private),
            (public, None) if self.of(ColumnRole::Private).is_none() => (public, reason),
            both => both,
        };
        draft = draft
            .with("publicReason", public.unwrap_or_default())
            .with("privateReason", private.unwrap_or_default());
        draft = draft.with("moderatorId", self.moderator(values, defaults)?);
        let created = self.created(values)?;
        if let Some(created) = created {
            draft = draft.with("created", created);
        }
        draft = draft.with("expires", self.end(values, created)?);
        for (role, field) in [
            (ColumnRole::Active, "isActive"),
            (ColumnRole::Global, "isGlobal"),
        ] {
            if let Some(value) = self.value(role, values) {
                let flag = flag(value).ok_or_else(|| {
                    let title = self.title(role).unwrap_or(field);
                    RowError::Invalid(format!("{title} must be true or false"))
                })?;
                draft = draft.with(field, flag);
            }
        }
        let experience = self.value(ColumnRole::Experience, values).cloned();
        draft = draft.with("experienceId", experience.unwrap_or_default());
        draft.row(defaults, |field| {
            let role = match field {
                "robloxId" => ColumnRole::User,
                "publicReason" => [ColumnRole::Public, ColumnRole::Reason]
                    .into_iter()
                    .find(|role| self.of(*role).is_some())
                    .unwrap_or(ColumnRole::Public),
                "privateReason" => ColumnRole::Private,
                "moderatorId" => ColumnRole::Moderator,
                "expires" => ColumnRole::End,
                "created" => ColumnRole::Created,
                "experienceId" => ColumnRole::Experience,
                _ => return field.to_owned(),
            };
            self.title(role).unwrap_or(field).to_owned()
        })
    }

    /// The moderator's id; `null` for a name if `--moderator` is given.
    fn moderator(&self, values: &[Value], defaults: &ImportDefaults) -> Result<Value, RowError> {
        let Some(value) = self.value(ColumnRole::Moderator, values) else {
            return Ok(Value::Null);
        };
        let is_certain = self
            .of(ColumnRole::Moderator)
            .is_some_and(|field| field.is_certain);
        let is_name = value.is_string()
            && ids::user(value).is_ok_and(|id| shared::domain::number::integer(&id).is_none());
        if is_certain || !is_name {
            return ids::user(value).map_err(RowError::Invalid);
        }
        if defaults.moderator.is_none() {
            let title = self.title(ColumnRole::Moderator).unwrap_or("moderator");
            let what = format!("{title} is a name and not an id: pass --moderator");
            return Err(RowError::Invalid(what));
        }
        Ok(Value::Null)
    }

    /// The column with a value that is not used, if any.
    pub fn unused(&self, values: &[Value]) -> Option<String> {
        let value = self.value(ColumnRole::Moderator, values)?;
        let field = self
            .of(ColumnRole::Moderator)
            .filter(|field| !field.is_certain)?;
        let is_name = value.is_string() && shared::domain::number::integer(value).is_none();
        is_name.then(|| format!("{} (names)", field.title))
    }

    fn created(&self, values: &[Value]) -> Result<Option<u64>, RowError> {
        let Some(value) = self.value(ColumnRole::Created, values) else {
            return Ok(None);
        };
        let title = self.title(ColumnRole::Created).unwrap_or("created");
        let wrong = || RowError::Invalid(format!("{title} {}", times::INVALID_TIME));
        times::time(value).map(Some).ok_or_else(wrong)
    }

    /// The end of the ban, given as such or as a length.
    fn end(&self, values: &[Value], created: Option<u64>) -> Result<u64, RowError> {
        let end = match self.of(ColumnRole::End) {
            Some(field) => {
                let value = values.get(field.at).unwrap_or(&Value::Null);
                let wrong = || RowError::Invalid(format!("{} {}", field.title, times::INVALID_END));
                Some((field, times::end(value).ok_or_else(wrong)?))
            }
            None => None,
        };
        let length = self
            .read
            .iter()
            .find(|field| matches!(field.role, ColumnRole::Length(_)));
        let Some(field) = length else {
            return Ok(end.map(|(_, end)| end).unwrap_or_default());
        };
        if let Some((_, end)) = end
            && end > 0
        {
            return Ok(end);
        }
        let ColumnRole::Length(unit) = field.role else {
            return Ok(0);
        };
        let value = values.get(field.at).unwrap_or(&Value::Null);
        if end.is_some() && times::is_never(value) {
            return Ok(0);
        }
        let start = UnixSeconds(created.unwrap_or_default());
        let wrong = || RowError::Invalid(format!("{} {}", field.title, times::INVALID_LENGTH));
        let seconds = times::length(value, unit, start).ok_or_else(wrong)?;
        if seconds == 0 {
            return Ok(0);
        }
        if let Some((end, _)) = end {
            let (length, end) = (&field.title, &end.title);
            let what = format!("{length} says that the ban ends, but {end} that it does not");
            return Err(RowError::Invalid(what));
        }
        let Some(created) = created else {
            let what = format!(
                "{} is a length, but no column says when the ban began (created)",
                field.title
            );
            return Err(RowError::Invalid(what));
        };
        Ok(created.saturating_add(seconds))
    }
}

/// Parses a flag as people and spreadsheets write it, in a few languages.
pub fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => match number.as_f64() {
            Some(0.0) => Some(false),
            Some(1.0) => Some(true),
            _ => None,
        },
        Value::String(text) => match text.trim().to_lowercase().as_str() {
            "true" | "1" | "yes" | "y" | "active" | "wahr" | "vrai" | "verdadero"
            | "verdadeiro" => Some(true),
            "false" | "0" | "no" | "n" | "inactive" | "falsch" | "faux" | "falso" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};
    use shared::domain::rules::Expiry;

    use super::*;
    use crate::import::fields::columns::ColumnOptions;

    fn read(object: Value) -> Result<ImportedBan, String> {
        let object: Map<String, Value> = serde_json::from_value(object).unwrap();
        let (titles, values): (Vec<_>, Vec<_>) = object.into_iter().unzip();
        let fields = ColumnOptions::default().find(&titles)?;
        fields
            .row(&values, None, &ImportDefaults::sample())
            .map_err(|no| match no {
                RowError::Invalid(what) | RowError::NotABan(what) => what,
            })
    }

    #[test]
    fn usual_titles_are_recognised() {
        let row = read(json!({
            "UserId": "5100002", "Moderator": "Manual Ban", "Reason": "one day off",
            "DisplayReason": "Be kind", "Creation": "2026-11-28 01:02:03.4 +0000 UTC",
            "Duration": "86400s",
        }));
        let row = row.unwrap();
        assert_eq!(row.terms.private_reason, "one day off");
        assert_eq!(row.terms.public_reason, "Be kind");
        assert_eq!(row.terms.moderator.get(), 5009);
        assert_eq!(row.terms.expires.seconds(), 1_795_827_723 + 86_400);
        assert_eq!(row.created, Some(UnixSeconds(1_795_827_723)));

        let row = read(json!({ "Banned UserId": 1, "Reason": "r", "Unban Epoch": -1 })).unwrap();
        assert_eq!(row.terms.public_reason, "r");
        assert_eq!(row.terms.private_reason, "r");
        assert_eq!(row.terms.expires, Expiry::Never);

        let row = read(json!({ "userId": 1, "DateUntil": 4_102_444_800_u64, "Days": 3 })).unwrap();
        assert_eq!(row.terms.expires.seconds(), 4_102_444_800);
        assert!(
            !read(json!({ "userId": 1, "active": "FALSE" }))
                .unwrap()
                .active
        );
        assert_eq!(
            read(json!({ "userId": 1, "bannedBy": 7 }))
                .unwrap()
                .terms
                .moderator
                .get(),
            7
        );
    }

    #[test]
    fn rows_that_could_lose_their_end_are_refused() {
        for (object, says) in [
            (
                json!({ "userId": 1, "BanTime": 7 }),
                "\"BanTime\" seems to say when a ban ends",
            ),
            (
                json!({ "userId": 1, "status": "lifted" }),
                "\"status\" seems",
            ),
            (
                json!({ "userId": 1, "duration": "7d" }),
                "no column says when the ban began",
            ),
            (
                json!({ "userId": 1, "duration": 7, "created": "2026-11-28" }),
                "with a unit",
            ),
            (
                json!({ "userId": 1, "expires": "", "days": 3, "created": "2026-11-28" }),
                "but expires that it does not",
            ),
            (
                json!({ "userId": 1, "expires": "", "until": "2099-01-01" }),
                "mean the same",
            ),
            (json!({ "userId": 1, "user_id": 2 }), "mean the same"),
            (
                json!({ "userId": 1, "expires": 86_400 }),
                "expires must be Unix seconds",
            ),
            (json!({ "userId": "5.3E+09" }), "rounded"),
            (
                json!({ "userId": 1, "moderatorId": "Alice" }),
                "moderatorId must be",
            ),
            (
                json!({ "userId": 1, "active": "perhaps" }),
                "active must be",
            ),
            (json!({ "reason": 1 }), "is required"),
        ] {
            let wrong = read(object.clone()).unwrap_err();
            assert!(wrong.contains(says), "{object}: {wrong}");
        }
    }
}
