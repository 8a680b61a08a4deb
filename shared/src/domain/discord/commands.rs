//! The commands, as they are registered with Discord. This is their only definition.

use serde::Serialize;

/// Who sees a command until the guild's administrators decide otherwise: members who may ban.
const BAN_MEMBERS: Option<&str> = Some("4");

/// The same: administrators alone.
const ADMINISTRATORS: Option<&str> = Some("0");

/// A command, in Discord's form.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct CommandDefinition {
    #[serde(rename = "type")]
    kind: u8,
    pub name: &'static str,
    /// Empty in a menu.
    pub description: &'static str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub options: &'static [CommandOption],
    pub default_member_permissions: Option<&'static str>,
    /// In guilds alone.
    contexts: [u8; 1],
    /// Installed by guilds alone.
    integration_types: [u8; 1],
}

#[derive(Clone, Copy, Debug, Serialize)]
pub struct CommandOption {
    #[serde(rename = "type")]
    pub kind: OptionKind,
    pub name: &'static str,
    pub description: &'static str,
    pub required: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub autocomplete: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u16>,
}

/// The type of an option, with Discord's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "u8")]
pub enum OptionKind {
    Text,
    Flag,
    /// A user of Discord. The value is their id.
    Member,
}

impl From<OptionKind> for u8 {
    fn from(kind: OptionKind) -> Self {
        match kind {
            OptionKind::Text => 3,
            OptionKind::Flag => 5,
            OptionKind::Member => 6,
        }
    }
}

impl CommandDefinition {
    const fn new(
        name: &'static str,
        description: &'static str,
        default_member_permissions: Option<&'static str>,
        options: &'static [CommandOption],
    ) -> Self {
        Self {
            kind: 1,
            name,
            description,
            options,
            default_member_permissions,
            contexts: [0],
            integration_types: [0],
        }
    }

    /// In the menu of a user.
    const fn user_menu(name: &'static str) -> Self {
        Self {
            kind: 2,
            ..Self::new(name, "", BAN_MEMBERS, &[])
        }
    }

    /// In the menu of a message.
    const fn message_menu(name: &'static str) -> Self {
        Self {
            kind: 3,
            ..Self::new(name, "", BAN_MEMBERS, &[])
        }
    }

    #[must_use]
    pub const fn is_menu(&self) -> bool {
        self.kind != 1
    }
}

impl CommandOption {
    const fn text(name: &'static str, description: &'static str, most: u16) -> Self {
        Self {
            kind: OptionKind::Text,
            name,
            description,
            required: false,
            autocomplete: false,
            max_length: Some(most),
        }
    }

    const fn required(self) -> Self {
        Self {
            required: true,
            ..self
        }
    }

    /// The same with choices while it is typed.
    const fn completed(self) -> Self {
        Self {
            autocomplete: true,
            ..self
        }
    }

    const fn flag(name: &'static str, description: &'static str) -> Self {
        Self {
            kind: OptionKind::Flag,
            max_length: None,
            ..Self::text(name, description, 1)
        }
    }

    const fn member(name: &'static str, description: &'static str) -> Self {
        Self {
            kind: OptionKind::Member,
            max_length: None,
            ..Self::text(name, description, 1)
        }
    }
}

/// What the menu of a user offers.
pub const BAN_MENU: &str = "Ban in game";
pub const HISTORY_MENU: &str = "History";

/// Everyone sees the command.
const EVERYONE: Option<&str> = None;

const ANY_USER: CommandOption = CommandOption::text(
    "user",
    "The Roblox player: a name, an id or a link to the profile",
    200,
)
.completed();

const USER: CommandOption = ANY_USER.required();

const EXPERIENCE: CommandOption =
    CommandOption::text("experience", "The place id of the experience", 30).completed();

const PLACE: CommandOption = CommandOption::text(
    "placeid",
    "The id of the place: the number in its address",
    30,
)
.required();

const GUILD_REASON: CommandOption = CommandOption::text(
    "reason",
    "Why: it stays in the history and in the server's audit log",
    400,
)
.required();

/// All commands, for one bulk overwrite.
pub const COMMANDS: &[CommandDefinition] = &[
    CommandDefinition::new(
        "ban",
        "Ban a Roblox player in game",
        BAN_MEMBERS,
        &[
            USER,
            CommandOption::text(
                "length",
                "Such as 12h, 7d or 2w, or an end such as 2027-01-31T18:00Z; permanent if left out",
                60,
            )
            .completed(),
            CommandOption::text("reason", "Why: the player reads this", 400).completed(),
            CommandOption::text("private_reason", "Why: moderators alone read this", 1_000),
            EXPERIENCE,
            CommandOption::flag("global", "Ban in all experiences"),
        ],
    ),
    CommandDefinition::new(
        "unban",
        "Lift the ban of a Roblox player",
        BAN_MEMBERS,
        &[
            USER,
            CommandOption::text("reason", "Why: it stays in the history", 1_000).required(),
        ],
    ),
    CommandDefinition::new(
        "check",
        "Show whether a Roblox player is banned",
        BAN_MEMBERS,
        &[USER],
    ),
    CommandDefinition::new(
        "history",
        "Show what was decided about a Roblox player",
        BAN_MEMBERS,
        &[USER],
    ),
    CommandDefinition::new(
        "bans",
        "Show the newest bans in force",
        BAN_MEMBERS,
        &[EXPERIENCE],
    ),
    CommandDefinition::new("places", "List the linked experiences", BAN_MEMBERS, &[]),
    CommandDefinition::new(
        "addplace",
        "Link an experience",
        ADMINISTRATORS,
        &[
            PLACE,
            CommandOption::text("placename", "Its name, for the answer alone", 100),
        ],
    ),
    CommandDefinition::new(
        "removeplace",
        "Unlink an experience",
        ADMINISTRATORS,
        &[PLACE.completed()],
    ),
    CommandDefinition::new(
        "newapikey",
        "Create an API key, which is shown once",
        ADMINISTRATORS,
        &[CommandOption::text("name", "What the key is for", 100)],
    ),
    CommandDefinition::new(
        "discordban",
        "Ban a user from this Discord server",
        BAN_MEMBERS,
        &[
            GUILD_REASON,
            CommandOption::member("member", "The member of this server"),
            CommandOption::text("userid", "The id of a user who is not a member", 20),
            CommandOption::text(
                "delete_messages",
                "How far back their messages are deleted, such as 1h or 7d; none if left out",
                20,
            ),
        ],
    ),
    CommandDefinition::new(
        "discordunban",
        "Lift the ban of a user from this Discord server",
        BAN_MEMBERS,
        &[
            CommandOption::text("userid", "The id of the user", 20).required(),
            GUILD_REASON,
        ],
    ),
    CommandDefinition::new(
        "verify",
        "Link your Roblox account, or show your link",
        EVERYONE,
        &[CommandOption::text(
            "code",
            "A code that the game shows you; without one, you get a code to type in the game",
            40,
        )],
    ),
    CommandDefinition::new(
        "unverify",
        "Delete the link with your Roblox account",
        EVERYONE,
        &[],
    ),
    CommandDefinition::new(
        "update",
        "Bring your roles in this server up to date",
        EVERYONE,
        &[CommandOption::member(
            "member",
            "Another person, if you moderate this server",
        )],
    ),
    CommandDefinition::new(
        "whois",
        "Show which Roblox and Discord accounts belong to the same person",
        EVERYONE,
        &[
            CommandOption::member("member", "The person on Discord"),
            ANY_USER,
        ],
    ),
    CommandDefinition::user_menu(BAN_MENU),
    CommandDefinition::user_menu(HISTORY_MENU),
    CommandDefinition::new(
        "bindapikey",
        "Store a key of Roblox Open Cloud, which a form asks for",
        ADMINISTRATORS,
        &[CommandOption::text(
            "placeid",
            "The experience's place id; left out, the key is of the whole workspace",
            30,
        )
        .completed()],
    ),
    CommandDefinition::message_menu("Use as evidence"),
    CommandDefinition::new("setkey", "There is no licence key", ADMINISTRATORS, &[]),
    CommandDefinition::new(
        "uninstall",
        "How to remove Portcullis from this server",
        ADMINISTRATORS,
        &[],
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn commands_are_within_discords_limits() {
        assert!(COMMANDS.len() <= 100);
        let names: BTreeSet<_> = COMMANDS.iter().map(|command| command.name).collect();
        assert_eq!(names.len(), COMMANDS.len());
        for command in COMMANDS {
            let length = |text: &str| text.chars().count();
            let is_name = |name: &str| {
                let mut bytes = name.bytes();
                (1..=32).contains(&name.len())
                    && bytes.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_')
            };
            let mut all = length(command.name) + length(command.description);
            if command.is_menu() {
                assert!((1..=32).contains(&length(command.name)));
                assert!(command.description.is_empty() && command.options.is_empty());
                continue;
            }
            assert!(is_name(command.name), "{}", command.name);
            assert!((1..=100).contains(&length(command.description)));
            assert!(command.options.len() <= 25);
            let required = command.options.iter().map(|option| option.required);
            assert!(required.is_sorted_by(|a, b| a >= b), "{}", command.name);
            for option in command.options {
                all += length(option.name) + length(option.description);
                assert!(is_name(option.name), "{}", option.name);
                assert!((1..=100).contains(&length(option.description)));
                assert!(option.max_length.is_none_or(|most| most <= 6_000));
            }
            assert!(all <= 8_000, "{}", command.name);
        }
    }

    #[test]
    fn secrets_are_never_options() {
        let options = COMMANDS.iter().flat_map(|command| command.options);
        for option in options {
            assert!(!option.name.contains("key") && !option.name.contains("token"));
        }
    }
}
