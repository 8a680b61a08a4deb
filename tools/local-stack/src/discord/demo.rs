//! The demo's application, guild and users. Its secrets are in the repository, so they exist only locally.

use serde_json::{Value, json};

use super::state::{FakeGuild, State, User};
use super::webhooks::FakeWebhook;

pub const APPLICATION: u64 = 613_425_648_685_547_001;
pub const CLIENT_SECRET: &str = "local-discord-client-secret";
pub const BOT_TOKEN: &str = "local-discord-bot-token";

/// The names of both secrets in Secrets Manager.
pub const CLIENT_SECRET_SECRET: &str = "portcullis/local/discord-client-secret";
pub const BOT_TOKEN_SECRET: &str = "portcullis/local/discord-bot-token";

pub const GUILD: u64 = 613_425_648_685_547_541;
pub const ADMINISTRATORS: u64 = 613_425_648_685_547_600;
pub const MODERATORS: u64 = 613_425_648_685_547_601;
/// A role without permissions, for linked people.
pub const VERIFIED: u64 = 613_425_648_685_547_602;
/// The bot's role, above all others.
pub const BOT_ROLE: u64 = 613_425_648_685_547_690;
/// The same under all others.
pub(super) const BOT_ROLE_BELOW: u64 = 613_425_648_685_547_590;

/// A webhook of the guild's log channel.
pub const WEBHOOK: u64 = 613_425_648_685_547_701;
pub const WEBHOOK_TOKEN: &str = "local-discord-webhook-token";

/// An administrator.
pub const KIM: u64 = 80_351_110_224_678_912;
/// A moderator.
pub const ADA: u64 = 80_351_110_224_678_913;
/// A member of the guild without a role.
pub const NOOR: u64 = 80_351_110_224_678_914;

/// Discord's permissions to ban, and to manage roles.
const BAN_MEMBERS: u64 = 1 << 2;
const MANAGE_ROLES: u64 = 1 << 28;

/// A guild with three roles, the bot's and three members.
pub fn demo_guild() -> FakeGuild {
    FakeGuild::new(KIM)
        .role(ADMINISTRATORS, "Administrators", 0)
        .role(MODERATORS, "Moderators", BAN_MEMBERS)
        .role(VERIFIED, "Verified", 0)
        .bot_role(BOT_ROLE, "Portcullis", MANAGE_ROLES)
        .member(KIM, &[ADMINISTRATORS])
        .member(ADA, &[MODERATORS])
        .member(NOOR, &[])
}

impl State {
    pub(super) fn demo(redirects: &[String]) -> Self {
        let users = [
            (KIM, "kim", Some("Kim Park")),
            (ADA, "ada", Some("Ada")),
            (NOOR, "noor", None),
        ];
        let user = |(id, username, global_name): (_, &str, Option<&str>)| {
            let username = username.to_owned();
            let global_name = global_name.map(str::to_owned);
            (
                id,
                User {
                    username,
                    global_name,
                },
            )
        };
        Self {
            redirects: redirects.to_vec(),
            users: users.map(user).into(),
            guilds: [(GUILD, demo_guild())].into(),
            webhooks: [(WEBHOOK, FakeWebhook::new(WEBHOOK_TOKEN))].into(),
            ..Self::default()
        }
    }
}

/// The items that link the guild to a workspace.
pub fn demo_links(prefix: &str, created: &str) -> [Value; 2] {
    let keys = [
        (format!("D#{GUILD}"), "G".to_owned()),
        (format!("P#{prefix}"), format!("G#{GUILD}")),
    ];
    keys.map(|(pk, sk)| {
        json!({
            "pk": { "S": pk }, "sk": { "S": sk }, "kind": { "S": "guild" },
            "workspace": { "S": prefix }, "linked": { "N": created },
        })
    })
}

/// The items that give the guild's roles permissions in a workspace: administrators all, moderators to ban.
pub fn demo_rules(prefix: &str, created: &str) -> [Value; 2] {
    let rule = |id: &str, permission: &str, role: u64| {
        json!({ "M": {
            "id": { "S": id },
            "permission": { "S": permission },
            "basis": { "S": "discord-role" },
            "guild": { "S": GUILD.to_string() },
            "role": { "S": role.to_string() },
            "added": { "N": created },
        } })
    };
    let rules = [
        rule("00000001", "administrator", ADMINISTRATORS),
        rule("00000002", "manage_bans", MODERATORS),
    ];
    [
        json!({
            "pk": { "S": format!("P#{prefix}") }, "sk": { "S": "R" }, "kind": { "S": "rules" },
            "version": { "N": "1" }, "rules": { "L": rules },
        }),
        json!({ "pk": { "S": "DR" }, "sk": { "S": prefix }, "kind": { "S": "discord-rules" } }),
    ]
}
