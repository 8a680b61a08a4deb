//! The audit log of a guild, which the bot reads with the permission to view it.

use serde_json::Value;

use super::answer::{self, DiscordError, unintelligible};
use super::client::Discord;
use crate::domain::discord::{AuditEntry, AuditReading, GuildBanChange};
use crate::domain::members::DiscordId;
use crate::integrations::secret_text::SecretText;

/// The most entries of a page.
const PAGE: usize = 100;

/// How many pages are read at once; the next reading continues.
const PAGES: usize = 5;

/// Discord's number for entries of this kind.
const fn action(change: GuildBanChange) -> u8 {
    match change {
        GuildBanChange::Banned => 22,
        GuildBanChange::Unbanned => 23,
    }
}

impl Discord {
    /// The entries of one kind after an id. Asking for one kind keeps answers small, whatever else happens in
    /// the guild.
    pub async fn audit_entries(
        &self,
        bot: &SecretText,
        guild: DiscordId,
        change: GuildBanChange,
        after: u64,
    ) -> Result<AuditReading, DiscordError> {
        let path = format!("guilds/{guild}/audit-logs");
        let (mut reading, mut after) = (AuditReading::default(), after);
        for _ in 0..PAGES {
            let parameters = [
                ("action_type", action(change).to_string()),
                ("after", after.to_string()),
                ("limit", PAGE.to_string()),
            ];
            let page = self
                .read_where(&path, &parameters, bot.after("Bot"))
                .await?;
            let page = answer::object(&page)?;
            let page = page.get("audit_log_entries").and_then(Value::as_array);
            let page = page.ok_or_else(|| unintelligible("has no entries"))?;
            let ids = page.iter().filter_map(|entry| id(entry, "id"));
            let last = ids.max().filter(|last| last.get() > after);
            reading
                .entries
                .extend(page.iter().filter_map(|entry| read_entry(entry, change)));
            let Some(last) = last.filter(|_| page.len() >= PAGE) else {
                reading.stopped_at = None;
                return Ok(reading);
            };
            reading.stopped_at = Some(last);
            after = last.get();
        }
        Ok(reading)
    }

    /// Fails unless the bot may read the audit log.
    pub async fn look_at_audit_log(
        &self,
        bot: &SecretText,
        guild: DiscordId,
    ) -> Result<(), DiscordError> {
        let path = format!("guilds/{guild}/audit-logs");
        let parameters = [("limit", "1".to_owned())];
        let page = self
            .read_where(&path, &parameters, bot.after("Bot"))
            .await?;
        answer::object(&page).map(drop)
    }
}

fn id(entry: &Value, field: &str) -> Option<DiscordId> {
    entry.get(field)?.as_str()?.parse().ok()
}

/// An entry; none if it names nobody, or is of another kind.
fn read_entry(entry: &Value, change: GuildBanChange) -> Option<AuditEntry> {
    let kind = entry.get("action_type").and_then(Value::as_u64);
    if kind != Some(action(change).into()) {
        return None;
    }
    Some(AuditEntry {
        id: id(entry, "id")?,
        change,
        by: id(entry, "user_id"),
        target: id(entry, "target_id")?,
        reason: entry
            .get("reason")
            .and_then(Value::as_str)
            .map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "80351110224678912";

    #[test]
    fn entries_may_lack_who_and_why() {
        let read = |entry| read_entry(&entry, GuildBanChange::Banned);
        let whole =
            json!({ "id": ID, "action_type": 22, "user_id": ID, "target_id": ID, "reason": "x" });
        let id = ID.parse().unwrap();
        let expected = AuditEntry {
            id,
            change: GuildBanChange::Banned,
            by: Some(id),
            target: id,
            reason: Some("x".to_owned()),
        };
        assert_eq!(read(whole), Some(expected.clone()));
        let least = json!({ "id": ID, "action_type": 22, "user_id": null, "target_id": ID });
        let expected = AuditEntry {
            by: None,
            reason: None,
            ..expected
        };
        assert_eq!(read(least), Some(expected));
        for other in [
            json!({ "id": ID, "action_type": 23, "target_id": ID }),
            json!({ "id": ID, "action_type": 22, "target_id": null }),
            json!({ "id": 7, "action_type": 22, "target_id": ID }),
            json!(null),
        ] {
            assert_eq!(read(other.clone()), None, "{other}");
        }
    }
}
