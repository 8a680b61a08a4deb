//! An interaction as Discord sends it, read leniently: Discord adds fields, types and components, and
//! what is not understood counts as missing.

use std::fmt;

use serde_json::Value;

use super::attachment::attachments;
use super::fields::InteractionFields;
use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::members::DiscordId;

/// For how many seconds Discord accepts changes of an answer by the interaction's token.
pub const TOKEN_VALID: u64 = 15 * 60;

/// What a person does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InteractionKind {
    /// Nobody: Discord checks the endpoint.
    Ping,
    Command,
    /// Presses a button.
    Component,
    /// Types an option of a command.
    Autocomplete,
    /// Sends a modal.
    Modal,
    /// What Discord has added since.
    Other,
}

/// By which an answer can be changed later. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct InteractionToken(String);

/// The user, as a member of the guild.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InteractionSender {
    pub user: DiscordId,
    /// What Discord shows for them everywhere; empty if it cannot be read.
    pub name: String,
    pub roles: Vec<DiscordId>,
    /// What they may do in the channel, in Discord's bits; the owner may do everything.
    pub permissions: u64,
    /// Until then they are in a timeout.
    pub timed_out_until: Option<UnixSeconds>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interaction {
    pub kind: InteractionKind,
    /// Absent from a PING at most.
    pub id: Option<DiscordId>,
    pub application: Option<DiscordId>,
    pub token: InteractionToken,
    /// The guild, outside of direct messages.
    pub guild: Option<DiscordId>,
    /// Whether the application was installed in that guild, and not by a user for themselves.
    pub is_of_guild: bool,
    pub sender: Option<InteractionSender>,
    /// The name of the command.
    pub command: String,
    /// The user or the message in which a command was chosen from the menu.
    pub target: Option<DiscordId>,
    /// The links to the files of the message in which a command was chosen from the menu.
    pub attachments: Vec<String>,
    /// The options of a command, or the fields of a modal.
    options: InteractionFields,
    /// The option that is being typed.
    pub focused: Option<String>,
    /// That of the button or the modal.
    pub custom_id: String,
    /// The names and values of the fields in the message with the button. Only this application can
    /// have sent it.
    shown: InteractionFields,
}

impl InteractionToken {
    /// The token, for the path of a call to Discord.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether it can stand in a path.
    fn of(value: Option<&Value>) -> Self {
        let token = value.and_then(Value::as_str).unwrap_or_default();
        let is_plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.' | b'=');
        let fits = token.len() <= 1024 && token.bytes().all(is_plain);
        Self(if fits {
            token.to_owned()
        } else {
            String::new()
        })
    }
}

impl fmt::Debug for InteractionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InteractionToken")
    }
}

impl Interaction {
    /// Reads a body; none if it is not a JSON object.
    #[must_use]
    pub fn read(body: &[u8]) -> Option<Self> {
        let body: Value = serde_json::from_slice(body).ok()?;
        body.is_object().then(|| Self::of(&body))
    }

    fn of(body: &Value) -> Self {
        let data = body.get("data").unwrap_or(&Value::Null);
        let guild = id(body.get("guild_id"));
        let mut options = InteractionFields::default();
        let mut focused = None;
        options.read_options(data.get("options"), &mut focused);
        options.read_form(data.get("components"));
        let owners = body.get("authorizing_integration_owners");
        let owner = owners.map(|owners| id(owners.get("0")));
        let context = body.get("context").and_then(Value::as_u64);
        let mut shown = InteractionFields::default();
        let message = body.get("message").and_then(|it| it.get("embeds"));
        for embed in list(message) {
            for field in list(embed.get("fields")) {
                if let (Some(name), Some(value)) =
                    (text(field.get("name")), text(field.get("value")))
                {
                    shown.add(name, value);
                }
            }
        }
        Self {
            kind: kind(body.get("type")),
            id: id(body.get("id")),
            application: id(body.get("application_id")),
            token: InteractionToken::of(body.get("token")),
            guild,
            is_of_guild: owner.is_none_or(|owner| owner == guild)
                && context.is_none_or(|it| it == 0),
            sender: body.get("member").and_then(sender),
            command: text(data.get("name")).unwrap_or_default(),
            target: id(data.get("target_id")),
            attachments: attachments(data),
            options,
            focused,
            custom_id: text(data.get("custom_id")).unwrap_or_default(),
            shown,
        }
    }

    /// What was typed for an option or a field, without surrounding white space; empty if nothing.
    #[must_use]
    pub fn option(&self, name: &str) -> &str {
        self.options.find(name)
    }

    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        self.option(name) == "true"
    }

    /// The value of a field in the message with the button.
    #[must_use]
    pub fn shown(&self, name: &str) -> &str {
        self.shown.find(name)
    }

    /// Whether Discord still accepts changes of the answer.
    #[must_use]
    pub fn is_answerable(&self, now: UnixMillis) -> bool {
        let sent = self.id.map(DiscordId::created);
        sent.is_some_and(|sent| now.seconds() < sent.seconds().plus(TOKEN_VALID))
    }
}

pub(super) fn list(value: Option<&Value>) -> &[Value] {
    let list = value.and_then(Value::as_array);
    list.map(Vec::as_slice).unwrap_or_default()
}

pub(super) fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn id(value: Option<&Value>) -> Option<DiscordId> {
    value?.as_str()?.parse().ok()
}

fn kind(value: Option<&Value>) -> InteractionKind {
    match value.and_then(Value::as_u64) {
        Some(1) => InteractionKind::Ping,
        Some(2) => InteractionKind::Command,
        Some(3) => InteractionKind::Component,
        Some(4) => InteractionKind::Autocomplete,
        Some(5) => InteractionKind::Modal,
        _ => InteractionKind::Other,
    }
}

fn sender(member: &Value) -> Option<InteractionSender> {
    let permissions = member.get("permissions").and_then(Value::as_str);
    let timeout = member.get("communication_disabled_until");
    let until = timeout.and_then(Value::as_str).map(|time| {
        let time: Option<jiff::Timestamp> = time.parse().ok();
        let seconds = time.and_then(|time| u64::try_from(time.as_second()).ok());
        // A time that cannot be read must not end early.
        UnixSeconds(seconds.unwrap_or(u64::MAX))
    });
    let user = member.get("user")?;
    let name = text(user.get("global_name")).or_else(|| text(user.get("username")));
    Some(InteractionSender {
        user: id(user.get("id"))?,
        name: name.unwrap_or_default(),
        roles: list(member.get("roles"))
            .iter()
            .filter_map(|role| id(Some(role)))
            .collect(),
        permissions: permissions
            .and_then(|bits| bits.parse().ok())
            .unwrap_or_default(),
        timed_out_until: until,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: &Value) -> Interaction {
        Interaction::read(body.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn least_ping_is_read_and_other_bodies_are_none() {
        assert_eq!(read(&json!({ "type": 1 })).kind, InteractionKind::Ping);
        for body in ["", "[]", "1", "{", "null"] {
            assert_eq!(Interaction::read(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn unknown_types_and_fields_do_not_fail() {
        for body in [
            json!({ "type": 99 }),
            json!({ "type": "2" }),
            json!({ "type": 2, "id": 7, "token": 7, "member": [], "data": "x", "guild_id": {} }),
            json!({ "type": 5, "data": { "components": [7, { "component": null }, { "component": 3 }] } }),
            json!({ "type": 2, "data": { "options": [{ "name": 1 }, null, { "options": [[]] }] } }),
            json!({ "type": 3, "message": { "embeds": [{ "fields": [1, {}] }] } }),
        ] {
            let read = read(&body);
            assert_eq!((read.id, read.sender, read.guild), (None, None, None));
        }
    }

    #[test]
    fn options_are_read_at_any_depth() {
        let option = json!({ "name": "user", "type": 3, "value": " 156 ", "focused": true });
        let global = json!({ "name": "global", "type": 5, "value": true });
        let nested = json!({ "name": "sub", "type": 1, "options": [option, global] });
        let read = read(&json!({ "type": 4, "data": { "name": "ban", "options": [nested] } }));
        assert_eq!((read.command.as_str(), read.option("user")), ("ban", "156"));
        assert_eq!(read.focused.as_deref(), Some("user"));
        assert!(read.flag("global") && !read.flag("user"));
        assert_eq!(read.option("reason"), "");
    }

    #[test]
    fn modals_have_labels_or_rows() {
        let field = |name: &str| json!({ "type": 4, "id": 1, "custom_id": name, "value": name });
        let read = read(
            &json!({ "type": 5, "data": { "custom_id": "ban", "components": [
            { "type": 18, "id": 2, "component": field("user") },
            { "type": 1, "components": [field("reason")] },
        ] } }),
        );
        let fields = ["user", "reason"].map(|name| read.option(name));
        assert_eq!(fields, ["user", "reason"]);
    }

    #[test]
    fn guild_must_have_installed_the_application() {
        let guild = "613425648685547541";
        let of = |owners: Value, context: Value| {
            let body = json!({ "type": 2, "guild_id": guild, "context": context,
                "authorizing_integration_owners": owners });
            read(&body).is_of_guild
        };
        assert!(of(json!({ "0": guild }), json!(0)));
        assert!(!of(json!({ "1": guild }), json!(0)));
        assert!(!of(json!({ "0": "613425648685547542" }), json!(0)));
        assert!(!of(json!({ "0": guild }), json!(2)));
        assert!(read(&json!({ "type": 2, "guild_id": guild })).is_of_guild);
    }

    #[test]
    fn sender_has_the_name_that_discord_shows() {
        let name = |user: Value| {
            let sender = read(&json!({ "type": 2, "member": { "user": user } })).sender;
            sender.unwrap().name
        };
        let id = "80351110224678912";
        let named = json!({ "id": id, "username": "ada", "global_name": "Ada" });
        assert_eq!(name(named), "Ada");
        let unnamed = json!({ "id": id, "username": "ada", "global_name": null });
        assert_eq!(name(unnamed), "ada");
        assert_eq!(name(json!({ "id": id })), "");
    }

    #[test]
    fn token_is_plain_and_never_printed() {
        let token = |token: &str| read(&json!({ "type": 2, "token": token })).token;
        assert_eq!(token("aW50-_.=").reveal(), "aW50-_.=");
        for other in ["a/b", "a?b", "../x", "ä", &"a".repeat(1025)] {
            assert_eq!(token(other).reveal(), "");
        }
        assert!(!format!("{:?}", read(&json!({ "token": "abcdef" }))).contains("abcdef"));
    }

    #[test]
    fn token_lasts_fifteen_minutes() {
        let id = "613425648685547541";
        let interaction = read(&json!({ "type": 2, "id": id }));
        let sent = interaction.id.unwrap().created();
        assert_eq!(sent.seconds(), UnixSeconds(1_566_322_471));
        assert!(interaction.is_answerable(sent));
        assert!(interaction.is_answerable(sent.plus(899_000)));
        assert!(!interaction.is_answerable(sent.plus(900_000)));
    }
}
