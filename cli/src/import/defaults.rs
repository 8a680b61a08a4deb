//! Builds a ban from the fields of a row, with defaults from the command line.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use shared::api::Fields;
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::error::ApiError;
use shared::domain::ids::{ExperienceId, Guid, MAX_ROBLOX_ID, ModeratorId, Uid, WorkspaceId};
use shared::domain::rules::{Scope, Terms};

use super::fields::times;
use super::{ImportedBan, RowError, expiry};

/// The longest ban, in seconds: 100 years of 365.25 days, as in the API.
const LONGEST: u64 = 3_155_760_000;

/// Values for what a file does not contain.
#[derive(Clone, Debug, Default)]
pub struct ImportDefaults {
    /// The experience that the bans were made from.
    pub experience: Option<ExperienceId>,
    /// The roots of the places that are part of another: a ban of a part is imported there.
    pub roots: BTreeMap<ExperienceId, ExperienceId>,
    pub scope: Option<Scope>,
    pub moderator: Option<ModeratorId>,
    /// The reason shown to moderators; defaults to the public reason.
    pub private_reason: Option<String>,
    /// The reason shown to players.
    pub public_reason: Option<String>,
}

#[cfg(test)]
impl ImportDefaults {
    /// Defaults for tests.
    #[must_use]
    pub fn sample() -> Self {
        Self {
            experience: ExperienceId::new(7001),
            moderator: "5009".parse().ok(),
            public_reason: Some("Banned earlier".to_owned()),
            ..Self::default()
        }
    }
}

/// The fields of a row, with the names of `BanInfo`.
#[derive(Debug, Default)]
pub(super) struct RowDraft(Map<String, Value>);

impl From<Map<String, Value>> for RowDraft {
    fn from(fields: Map<String, Value>) -> Self {
        Self(fields)
    }
}

impl RowDraft {
    /// Adds a field; `null` counts as missing.
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.0.insert(field.to_owned(), value.into());
        self
    }

    /// Builds the ban. `name` returns the file's name for a field, for errors.
    pub fn row(
        mut self,
        defaults: &ImportDefaults,
        name: impl Fn(&str) -> String,
    ) -> Result<ImportedBan, RowError> {
        self.fill(defaults);
        self.read(defaults).map_err(|error| {
            let ApiError::InvalidRequest(errors) = error else {
                return RowError::Invalid(error.message());
            };
            let said = errors
                .iter()
                .map(|error| format!("{} {}", name(&error.field), error.message));
            RowError::Invalid(said.collect::<Vec<_>>().join("; "))
        })
    }

    fn fill(&mut self, defaults: &ImportDefaults) {
        for field in ["privateReason", "publicReason"] {
            if self.text(field).is_none() {
                self.0.remove(field);
            }
        }
        if let (None, Some(reason)) = (self.text("publicReason"), &defaults.public_reason) {
            self.0
                .insert("publicReason".to_owned(), reason.as_str().into());
        }
        if self.text("privateReason").is_none() {
            let reason = defaults.private_reason.clone();
            let reason = reason.or_else(|| self.text("publicReason").map(str::to_owned));
            if let Some(reason) = reason {
                self.0.insert("privateReason".to_owned(), reason.into());
            }
        }
    }

    /// A text that is not blank. Other types count as present, so that validation refuses them.
    fn text(&self, field: &str) -> Option<&str> {
        match self.0.get(field)? {
            Value::String(text) if text.trim().is_empty() => None,
            Value::String(text) => Some(text),
            Value::Null => None,
            _ => Some(""),
        }
    }

    fn read(self, defaults: &ImportDefaults) -> Result<ImportedBan, ApiError> {
        let mut fields = Fields::new(self.0);
        let user = fields.id("robloxId");
        let guid = guid(&mut fields);
        let uid = uid(&mut fields);
        let workspace = workspace(&mut fields);
        let scope = fields.optional_flag("isGlobal").map(|global| {
            if global {
                Scope::Global
            } else {
                Scope::Experience
            }
        });
        let experience = fields.optional_id("experienceId");
        let experience = experience.map(ExperienceId::of_root);
        let root = |place| defaults.roots.get(&place).copied().unwrap_or(place);
        let experience = experience.or(defaults.experience).map(root);
        if experience.is_none() && fields.value("experienceId").is_none() {
            fields.reject("experienceId", "is missing: pass --experience");
        }
        let moderator: Option<ModeratorId> =
            fields.optional_id("moderatorId").or(defaults.moderator);
        if moderator.is_none() && fields.value("moderatorId").is_none() {
            fields.reject("moderatorId", "is missing: pass --moderator");
        }
        let public_reason = reason(
            &mut fields,
            "publicReason",
            Terms::LONGEST_PUBLIC_REASON,
            "is missing: pass --public-reason",
        );
        let private_reason = reason(
            &mut fields,
            "privateReason",
            Terms::LONGEST_PRIVATE_REASON,
            "is missing: pass --private-reason",
        );
        let expires = fields.optional_number("expires").unwrap_or_default();
        let horizon = UnixMillis::now().seconds().plus(LONGEST);
        if UnixSeconds(expires) > horizon {
            fields.reject(
                "expires",
                "is more than 100 years away: expected Unix seconds, or 0 for a permanent ban",
            );
        }
        let created = time(&mut fields, "created", horizon);
        let updated = time(&mut fields, "updated", horizon);
        let active = fields.optional_flag("isActive").unwrap_or(true);
        let appealed = fields.optional_flag("isAppealed").unwrap_or(false);
        let universal = fields.optional_flag("experienceUniversal").unwrap_or(true);
        let applied = fields
            .optional_flag("experienceBanCompleted")
            .unwrap_or(false);
        fields.build(|| {
            Some(ImportedBan {
                user: user?,
                guid,
                uid,
                workspace,
                scope: scope.or(defaults.scope).unwrap_or(Scope::Experience),
                experience: experience?,
                terms: Terms {
                    moderator: moderator?,
                    private_reason: private_reason?,
                    public_reason: public_reason?,
                    expires: expiry(expires),
                    universal,
                },
                created,
                updated,
                active,
                appealed,
                applied,
            })
        })
    }
}

/// A guid contains the time of its ban. One from the future would sort after all later bans.
fn guid(fields: &mut Fields) -> Option<Guid> {
    let guid = fields.optional_number("guid").map(Guid::from)?;
    let tomorrow = UnixMillis::now().seconds().plus(86_400);
    if guid.get() == 0 || guid.created() > tomorrow {
        fields.reject("guid", "is invalid: its timestamp is in the future");
        return None;
    }
    Some(guid)
}

fn uid(fields: &mut Fields) -> Option<Uid> {
    let uid = fields.optional_number("uid").map(Uid)?;
    if uid.0 > MAX_ROBLOX_ID {
        fields.reject("uid", format!("must be at most {MAX_ROBLOX_ID}"));
        return None;
    }
    Some(uid)
}

fn workspace(fields: &mut Fields) -> Option<WorkspaceId> {
    let workspace = fields.value("workspaceGuid")?.as_str()?.parse().ok();
    if workspace.is_none() {
        fields.reject("workspaceGuid", "must be a GUID");
    }
    workspace
}

fn reason(fields: &mut Fields, field: &'static str, most: usize, missing: &str) -> Option<String> {
    if fields.value(field).is_none() {
        fields.reject(field, missing);
        return None;
    }
    fields.text(field, most)
}

fn time(fields: &mut Fields, field: &'static str, horizon: UnixSeconds) -> Option<UnixSeconds> {
    let time = fields.optional_number(field).map(UnixSeconds)?;
    if time > horizon || (time.0 > 0 && times::time(&time.0.into()).is_none()) {
        fields.reject(field, "must be Unix seconds with ten digits");
        return None;
    }
    Some(time)
}
