//! `/discordban` and `/discordunban`: the bans of the guild itself.
//!
//! The change at Discord comes first, its event second. A repeat of the interaction, after a crash between the
//! two, makes the same change again, which changes nothing, and then records it.

use super::commander::Commander;
use super::desk::CommandDesk;
use super::flow::{Flow, Stop};
use super::guild_refusal::{patiently, stopped};
use super::show::escaped;
use crate::api::auth::ModerateDiscord;
use crate::domain::account_links::LinkSide;
use crate::domain::activity::{Activity, ActivityId, DiscordBanSource, DiscordBanSummary};
use crate::domain::actor::Channel;
use crate::domain::clock::UnixSeconds;
use crate::domain::discord::{
    AuditReason, DiscordEmbed, DiscordMessage, GuildBanChange, GuildModerator, Interaction,
    InteractionReply, InteractionSender, judge_guild_ban,
};
use crate::domain::ids::ModeratorId;
use crate::domain::length;
use crate::domain::members::DiscordId;
use crate::domain::rules::Length;
use crate::domain::text;
use crate::integrations::discord::{DiscordBot, DiscordError};
use crate::integrations::secret_text::SecretText;
use crate::store::{ActProgress, DiscordAct};

/// The longest reason in bytes, as of a ban in game.
const LONGEST_REASON: usize = 1_000;

/// The longest time, in seconds, whose messages Discord deletes with a ban: 7 days.
const LONGEST_DELETION: u64 = 7 * 86_400;

/// What a command asks for.
struct AskedChange {
    change: GuildBanChange,
    target: DiscordId,
    reason: String,
    /// What the target wrote in the last seconds is deleted.
    delete_seconds: u64,
}

/// Where it happens, and with what.
struct GuildCall<'a> {
    guild: DiscordId,
    sender: &'a InteractionSender,
    bot: &'a DiscordBot,
    token: SecretText,
    reason: AuditReason,
}

pub async fn ban(desk: &CommandDesk<'_>, by: &Commander) -> Flow<InteractionReply> {
    by.with::<ModerateDiscord>()?;
    let interaction = desk.interaction;
    let asked = AskedChange {
        change: GuildBanChange::Banned,
        target: target(interaction)?,
        reason: judged_reason(interaction.option("reason"))?,
        delete_seconds: deletion(interaction.option("delete_messages"), desk.now())?,
    };
    change(desk, by, &asked).await
}

pub async fn unban(desk: &CommandDesk<'_>, by: &Commander) -> Flow<InteractionReply> {
    by.with::<ModerateDiscord>()?;
    let asked = AskedChange {
        change: GuildBanChange::Unbanned,
        target: target(desk.interaction)?,
        reason: judged_reason(desk.interaction.option("reason"))?,
        delete_seconds: 0,
    };
    change(desk, by, &asked).await
}

/// The user: chosen from the list, or by id.
fn target(interaction: &Interaction) -> Flow<DiscordId> {
    let (member, id) = (interaction.option("member"), interaction.option("userid"));
    let typed = match (member.is_empty(), id.is_empty()) {
        (false, true) => member,
        (true, false) => id,
        (true, true) => return Err(Stop::say("Say who: choose a member, or type a user id.")),
        (false, false) => {
            return Err(Stop::say(
                "Choose a member or type a user id, and not both.",
            ));
        }
    };
    typed.parse().map_err(|_| {
        Stop::say(
            "The user id is a number of 17 to 19 digits: *Developer Mode* on Discord adds *Copy User ID* to \
             a user's menu.",
        )
    })
}

fn judged_reason(typed: &str) -> Flow<String> {
    let reason = text::judge(typed, LONGEST_REASON);
    let reason = reason.map_err(|fault| Stop::Say(format!("The reason {fault}.")))?;
    if reason.is_empty() {
        return Err(Stop::say(
            "Say why: the server's audit log shows the reason.",
        ));
    }
    Ok(reason.to_owned())
}

/// For how many seconds back messages are deleted.
fn deletion(typed: &str, now: UnixSeconds) -> Flow<u64> {
    if typed.is_empty() {
        return Ok(0);
    }
    match length::parse(&typed.into(), now) {
        Some(Length::For(seconds)) if seconds <= LONGEST_DELETION => Ok(seconds),
        _ => Err(Stop::say(
            "How far back messages are deleted must be a length such as `1h` or `7d`, at most 7 days.",
        )),
    }
}

async fn change(
    desk: &CommandDesk<'_>,
    by: &Commander,
    asked: &AskedChange,
) -> Flow<InteractionReply> {
    let (Some(guild), Some(sender)) = (desk.interaction.guild, &desk.interaction.sender) else {
        return Err(Stop::say("This command works in a server only."));
    };
    let Some(bot) = desk.roles.map(|tools| &tools.bot) else {
        return Err(Stop::Later);
    };
    let act = DiscordAct::Command(desk.id()?);
    let progress = desk.store.act_progress(by.prefix(), act).await?;
    if progress != Some(ActProgress::Recorded) {
        let call = GuildCall {
            guild,
            sender,
            bot,
            token: bot.token().await.map_err(|error| stopped(&error))?,
            reason: AuditReason::of_command(&asked.reason, &by.member.name.to_string(), desk.id()?),
        };
        match asked.change {
            GuildBanChange::Banned => call.ban(desk, by, act, asked).await?,
            GuildBanChange::Unbanned => call.unban(desk, by, act, asked, progress).await?,
        }
        let activity = activity(desk, by, &call, asked).await?;
        desk.store.record_act(by.prefix(), act, &activity).await?;
    }
    Ok(desk.reply(DiscordMessage::embed(shown(asked))))
}

impl GuildCall<'_> {
    async fn ban(
        &self,
        desk: &CommandDesk<'_>,
        by: &Commander,
        act: DiscordAct,
        asked: &AskedChange,
    ) -> Flow<()> {
        let (discord, token, target) = (self.bot.discord(), &self.token, asked.target);
        let seen = patiently(|| async {
            let guild = discord.guild(token, self.guild);
            let member = discord.guild_member(token, self.guild, target);
            futures::try_join!(guild, member, discord.bot_user(token))
        });
        let (guild, member, own) = seen.await.map_err(|error| stopped(&error))?;
        let moderator = GuildModerator {
            user: self.sender.user,
            roles: &self.sender.roles,
        };
        judge_guild_ban(&guild, moderator, own, target, member.as_ref())
            .map_err(|why| Stop::Say(why.to_string()))?;
        desk.store.begin_act(by.prefix(), act).await?;
        let seconds = asked.delete_seconds;
        let banning =
            patiently(|| discord.ban_in_guild(token, self.guild, target, seconds, &self.reason));
        match banning.await {
            Err(DiscordError::NoMember) => Err(Stop::say("Discord knows no user with this id.")),
            banned => banned.map_err(|error| stopped(&error)),
        }
    }

    async fn unban(
        &self,
        desk: &CommandDesk<'_>,
        by: &Commander,
        act: DiscordAct,
        asked: &AskedChange,
        progress: Option<ActProgress>,
    ) -> Flow<()> {
        let (discord, token, target) = (self.bot.discord(), &self.token, asked.target);
        if progress.is_none() {
            let looking = patiently(|| discord.is_banned_in_guild(token, self.guild, target));
            if !looking.await.map_err(|error| stopped(&error))? {
                return Err(Stop::Say(format!(
                    "<@{target}> ({target}) is not banned in this server."
                )));
            }
            desk.store.begin_act(by.prefix(), act).await?;
        }
        let lifting = patiently(|| discord.unban_in_guild(token, self.guild, target, &self.reason));
        // There was a ban when this interaction began: if there is none now, an earlier attempt has lifted it.
        lifting.await.map(drop).map_err(|error| stopped(&error))
    }
}

async fn activity(
    desk: &CommandDesk<'_>,
    by: &Commander,
    call: &GuildCall<'_>,
    asked: &AskedChange,
) -> Flow<Activity> {
    let link = desk
        .store
        .account_link(by.prefix(), LinkSide::Discord(asked.target));
    let link = link.await?;
    let summary = DiscordBanSummary {
        guild_id: call.guild,
        discord_id: asked.target,
        by_discord_id: Some(call.sender.user),
        source: DiscordBanSource::Command,
    };
    let interaction = desk.id()?;
    Ok(Activity {
        id: ActivityId::of(&["discord-command", &interaction.to_string()]),
        moment: interaction.created(),
        user: link.map(|link| link.pair.roblox),
        key_id: by.member.id.to_string(),
        channel: Some(Channel::Discord),
        moderator: by
            .member
            .roblox
            .and_then(|user| ModeratorId::new(user.get())),
        principal: None,
        reason: Some(asked.reason.clone()),
        details: asked.change.details(summary),
    })
}

fn shown(asked: &AskedChange) -> DiscordEmbed {
    let title = match asked.change {
        GuildBanChange::Banned => "Banned on Discord",
        GuildBanChange::Unbanned => "Unbanned on Discord",
    };
    let target = asked.target;
    DiscordEmbed::titled(title)
        .field("User", format!("<@{target}> ({target})"))
        .field("Reason", escaped(&asked.reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deletion_is_a_length_of_at_most_seven_days() {
        let now = UnixSeconds(1_800_000_000);
        let seconds = |typed| deletion(typed, now).ok();
        assert_eq!(seconds(""), Some(0));
        assert_eq!(seconds("1h"), Some(3_600));
        assert_eq!(seconds("7d"), Some(604_800));
        for typed in ["8d", "0", "-1h", "2031-01-01T00:00:00Z", "forever", "x"] {
            assert_eq!(seconds(typed), None, "{typed}");
        }
    }
}
