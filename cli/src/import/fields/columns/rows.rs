//! A row, made from the fields that are read.

use serde_json::Value;
use shared::clock::Timestamp;

use super::Fields;
use crate::import::defaults::{Defaults, Draft};
use crate::import::fields::titles::Role;
use crate::import::fields::{ends, ids};
use crate::import::{NoRow, Row};

impl Fields {
    /// The row that these values make. `user` stands in for a field that says who.
    pub fn row(
        &self,
        values: &[Value],
        user: Option<&str>,
        defaults: &Defaults,
    ) -> Result<Row, NoRow> {
        let said = self.value(Role::User, values);
        let id = match (said, user) {
            (Some(value), _) => ids::user(value).map_err(|wrong| {
                let title = self.title(Role::User).unwrap_or("userId");
                NoRow::Wrong(format!("{title} {wrong}"))
            })?,
            (None, Some(user)) => user.into(),
            (None, None) => Value::Null,
        };
        if let (Some(user), Some(_)) = (user, said)
            && shared::http::integer(&id).is_some_and(|id| id.to_string() != user)
        {
            let title = self.title(Role::User).unwrap_or("userId");
            let what = format!("{title} is another user than {user}, under which it is kept");
            return Err(NoRow::Wrong(what));
        }
        let mut draft = Draft::default().with("robloxId", id);
        let reason = self.value(Role::Reason, values).cloned();
        let public = self.value(Role::Public, values).cloned();
        let private = self.value(Role::Private, values).cloned();
        let (public, private) = match (public, private) {
            (None, private) if self.of(Role::Public).is_none() => (reason, private),
            (public, None) if self.of(Role::Private).is_none() => (public, reason),
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
        for (role, field) in [(Role::Active, "isActive"), (Role::Global, "isGlobal")] {
            if let Some(value) = self.value(role, values) {
                let flag = flag(value).ok_or_else(|| {
                    let title = self.title(role).unwrap_or(field);
                    NoRow::Wrong(format!("{title} must be true or false"))
                })?;
                draft = draft.with(field, flag);
            }
        }
        let experience = self.value(Role::Experience, values).cloned();
        draft = draft.with("experienceId", experience.unwrap_or_default());
        draft.row(defaults, |field| {
            let role = match field {
                "robloxId" => Role::User,
                "publicReason" => [Role::Public, Role::Reason]
                    .into_iter()
                    .find(|role| self.of(*role).is_some())
                    .unwrap_or(Role::Public),
                "privateReason" => Role::Private,
                "moderatorId" => Role::Moderator,
                "expires" => Role::End,
                "created" => Role::Created,
                "experienceId" => Role::Experience,
                _ => return field.to_owned(),
            };
            self.title(role).unwrap_or(field).to_owned()
        })
    }

    /// The moderator's id. A name does, where `--moderator` stands in for it.
    fn moderator(&self, values: &[Value], defaults: &Defaults) -> Result<Value, NoRow> {
        let Some(value) = self.value(Role::Moderator, values) else {
            return Ok(Value::Null);
        };
        let is_certain = self
            .of(Role::Moderator)
            .is_some_and(|field| field.is_certain);
        let is_name = value.is_string()
            && ids::user(value).is_ok_and(|id| shared::http::integer(&id).is_none());
        if is_certain || !is_name {
            return ids::user(value).map_err(NoRow::Wrong);
        }
        if defaults.moderator.is_none() {
            let title = self.title(Role::Moderator).unwrap_or("moderator");
            let what = format!("{title} is a name and not an id: give --moderator");
            return Err(NoRow::Wrong(what));
        }
        Ok(Value::Null)
    }

    /// The columns in which these values hold something that is not used.
    pub fn unused(&self, values: &[Value]) -> Option<String> {
        let value = self.value(Role::Moderator, values)?;
        let field = self.of(Role::Moderator).filter(|field| !field.is_certain)?;
        let is_name = value.is_string() && shared::http::integer(value).is_none();
        is_name.then(|| format!("{} (names)", field.title))
    }

    fn created(&self, values: &[Value]) -> Result<Option<u64>, NoRow> {
        let Some(value) = self.value(Role::Created, values) else {
            return Ok(None);
        };
        let title = self.title(Role::Created).unwrap_or("created");
        let wrong = || NoRow::Wrong(format!("{title} {}", ends::A_TIME));
        ends::time(value).map(Some).ok_or_else(wrong)
    }

    /// When the ban ends: as it is said, or by its length.
    fn end(&self, values: &[Value], created: Option<u64>) -> Result<u64, NoRow> {
        let end = match self.of(Role::End) {
            Some(field) => {
                let value = values.get(field.at).unwrap_or(&Value::Null);
                let wrong = || NoRow::Wrong(format!("{} {}", field.title, ends::AN_END));
                Some((field, ends::end(value).ok_or_else(wrong)?))
            }
            None => None,
        };
        let length = self
            .read
            .iter()
            .find(|field| matches!(field.role, Role::Length(_)));
        let Some(field) = length else {
            return Ok(end.map(|(_, end)| end).unwrap_or_default());
        };
        if let Some((_, end)) = end
            && end > 0
        {
            return Ok(end);
        }
        let Role::Length(unit) = field.role else {
            return Ok(0);
        };
        let value = values.get(field.at).unwrap_or(&Value::Null);
        if end.is_some() && ends::is_never(value) {
            return Ok(0);
        }
        let start = Timestamp(created.unwrap_or_default());
        let wrong = || NoRow::Wrong(format!("{} {}", field.title, ends::A_LENGTH));
        let seconds = ends::length(value, unit, start).ok_or_else(wrong)?;
        if seconds == 0 {
            return Ok(0);
        }
        if let Some((end, _)) = end {
            let (length, end) = (&field.title, &end.title);
            let what = format!("{length} says that the ban ends, and {end} that it does not");
            return Err(NoRow::Wrong(what));
        }
        let Some(created) = created else {
            let what = format!(
                "{} is a length, and no column says when the ban began (created)",
                field.title
            );
            return Err(NoRow::Wrong(what));
        };
        Ok(created.saturating_add(seconds))
    }
}

/// A flag as people and spreadsheets write it, in a few languages of spreadsheets.
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
    use shared::rules::Expiry;

    use super::*;
    use crate::import::fields::columns::Columns;

    fn defaults() -> Defaults {
        Defaults {
            experience: "7001".parse().ok(),
            moderator: "5009".parse().ok(),
            public_reason: Some("Banned earlier".to_owned()),
            ..Defaults::default()
        }
    }

    fn read(object: Value) -> Result<Row, String> {
        let object: Map<String, Value> = serde_json::from_value(object).unwrap();
        let (titles, values): (Vec<_>, Vec<_>) = object.into_iter().unzip();
        let fields = Columns::default().find(&titles)?;
        fields
            .row(&values, None, &defaults())
            .map_err(|no| match no {
                NoRow::Wrong(what) | NoRow::NoBan(what) => what,
            })
    }

    #[test]
    fn rows_are_read_by_the_usual_titles() {
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
        assert_eq!(row.created, Some(Timestamp(1_795_827_723)));

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
    fn what_would_lose_an_end_is_an_error() {
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
                "with its unit",
            ),
            (
                json!({ "userId": 1, "expires": "", "days": 3, "created": "2026-11-28" }),
                "and expires that it does not",
            ),
            (
                json!({ "userId": 1, "expires": "", "until": "2099-01-01" }),
                "say the same",
            ),
            (json!({ "userId": 1, "user_id": 2 }), "say the same"),
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
            (json!({ "reason": 1 }), "is missing"),
        ] {
            let wrong = read(object.clone()).unwrap_err();
            assert!(wrong.contains(says), "{object}: {wrong}");
        }
    }
}
