//! One interaction, and what its commands work with.

use std::collections::{HashMap, HashSet};

use super::commander::Commander;
use super::evidence::EvidenceCopier;
use super::flow::{Flow, Stop, sentence};
use super::person::GuildPerson;
use super::show::Player;
use super::{
    anyone, ban, bind, evidence, guild_ban, key, look, menus, places, suggest, unban, undo,
};
use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::discord::{
    BAN_MENU, ButtonAction, DiscordMessage, HISTORY_MENU, Interaction, InteractionKind,
    InteractionReply,
};
use crate::domain::error::ApiError;
use crate::domain::ids::{UserId, WorkspacePrefix};
use crate::domain::members::DiscordId;
use crate::domain::user_name::{RobloxName, RobloxUser};
use crate::domain::user_reference::UserReference;
use crate::integrations::roblox::GroupRanks;
use crate::moderation::names::{DISPLAY_TIME, Names};
use crate::moderation::role_sync::RoleTools;
use crate::store::Store;
use crate::telemetry::RequestLog;

/// What an interaction is answered with.
#[derive(Debug)]
pub struct CommandDesk<'a> {
    pub store: &'a Store,
    /// Absent where Roblox is not asked: then typed names are left to the worker.
    pub names: Option<&'a Names>,
    /// Absent where Roblox is not asked.
    pub ranks: Option<&'a GroupRanks>,
    /// Absent where no files are copied.
    pub files: Option<&'a EvidenceCopier>,
    /// With the bot; absent where Discord is not asked.
    pub roles: Option<&'a RoleTools>,
    pub interaction: &'a Interaction,
    pub moment: UnixMillis,
    pub trace: Option<&'a RequestLog>,
}

/// The answer, or none yet.
#[derive(Debug)]
pub enum DeskAnswer {
    Reply(InteractionReply),
    /// It needs Roblox or Discord.
    Later,
}

impl CommandDesk<'_> {
    /// Whether the answer is a form, which cannot follow later.
    #[must_use]
    pub fn opens_form(&self) -> bool {
        let asked = self.interaction;
        ban::opens_form(asked) || bind::opens_form(asked) || evidence::opens_form(asked)
    }

    /// Answers the interaction. An error is one of the database, or a bug: the same interaction may be
    /// answered again, and decides once.
    pub async fn answer(&self) -> Result<DeskAnswer, ApiError> {
        match self.run().await {
            Ok(reply) => Ok(DeskAnswer::Reply(reply)),
            Err(Stop::Later) => Ok(DeskAnswer::Later),
            Err(Stop::Failed(error)) => Err(error),
            Err(Stop::Say(_)) if self.interaction.kind == InteractionKind::Autocomplete => {
                Ok(DeskAnswer::Reply(InteractionReply::Choices(Vec::new())))
            }
            Err(Stop::Say(text)) => Ok(DeskAnswer::Reply(self.reply(DiscordMessage::text(text)))),
        }
    }

    async fn run(&self) -> Flow<InteractionReply> {
        let interaction = self.interaction;
        match interaction.kind {
            InteractionKind::Ping => return Ok(InteractionReply::Pong),
            InteractionKind::Other => {
                return Err(Stop::say(
                    "This version of Portcullis does not know what you did.",
                ));
            }
            _ => {}
        }
        let person = GuildPerson::of(self.store, interaction).await?;
        if let Some(reply) = anyone::answer(self, &person).await? {
            return Ok(reply);
        }
        let by = Commander::of(self, &person).await?;
        if let Some(trace) = self.trace {
            trace.identify(by.workspace.guid, &by.member.id.to_string());
        }
        match interaction.kind {
            InteractionKind::Autocomplete => suggest::choices(self, &by).await,
            InteractionKind::Component => self.pressed(&by).await,
            InteractionKind::Modal => match interaction.custom_id.as_str() {
                ban::MODAL | ban::GLOBAL_MODAL => ban::ban(self, &by).await,
                bind::MODAL => bind::submitted(self, &by).await,
                evidence::MODAL => evidence::submitted(self, &by).await,
                _ => Err(Stop::say("This form is of another version: start again.")),
            },
            _ => self.command(&by).await,
        }
    }

    async fn command(&self, by: &Commander) -> Flow<InteractionReply> {
        match self.interaction.command.as_str() {
            "ban" => ban::ban(self, by).await,
            "unban" => unban::unban(self, by).await,
            "check" => look::check(self, by).await,
            "history" => look::history(self, by).await,
            "bans" => look::bans(self, by).await,
            "places" => places::list(self, by).await,
            "addplace" => places::add(self, by).await,
            "removeplace" => places::remove(self, by).await,
            "newapikey" => key::create(self, by).await,
            BAN_MENU => menus::ban(self, by).await,
            HISTORY_MENU => menus::history(self, by).await,
            "bindapikey" => bind::form(self, by).await,
            evidence::MENU => evidence::form(self, by),
            "discordban" => guild_ban::ban(self, by).await,
            "discordunban" => guild_ban::unban(self, by).await,
            "setkey" => Err(Stop::say(
                "Portcullis needs no licence key. For an API key, use `/newapikey`; for a key of Roblox Open \
                 Cloud, `/bindapikey`.",
            )),
            "uninstall" => Err(Stop::say(
                "Remove the application under Server Settings, Integrations. The operator unlinks the server \
                 with `portcullis discord unlink`; all bans stay.",
            )),
            _ => Err(Stop::say("This version of Portcullis has no such command.")),
        }
    }

    async fn pressed(&self, by: &Commander) -> Flow<InteractionReply> {
        let action = self.interaction.custom_id.parse();
        let action = action
            .map_err(|_| Stop::say("This button is of another version: use the command again."))?;
        match action {
            ButtonAction::BanEverywhere {
                asked,
                user,
                length,
            } => ban::confirmed(self, by, asked, user, length).await,
            ButtonAction::Lift {
                asked,
                user,
                guid,
                decisions,
            } => unban::chosen(self, by, asked, user, (guid, decisions)).await,
            ButtonAction::Undo {
                user,
                guid,
                decisions,
            } => undo::undo(self, by, user, guid, decisions).await,
            ButtonAction::Unlink { place } => places::unlink(self, by, place).await,
            // Of everyone, and answered before.
            ButtonAction::AgreeToLink
            | ButtonAction::RedeemLinkCode
            | ButtonAction::Unverify { .. }
            | ButtonAction::Dismiss => Err(Stop::say("Nothing was changed.")),
        }
    }

    pub(super) fn now(&self) -> UnixSeconds {
        self.moment.seconds()
    }

    /// The interaction's id.
    pub(super) fn id(&self) -> Flow<DiscordId> {
        let missing = "the interaction has no id".to_owned();
        let id = self.interaction.id;
        id.ok_or(Stop::Failed(ApiError::Internal(missing)))
    }

    /// Under which a decision is recognised whose answer was lost.
    pub(super) fn request_id(&self) -> Flow<String> {
        Ok(format!("discord-{}", self.id()?))
    }

    /// A message: a new one, or in place of the one with the button.
    pub(super) fn reply(&self, message: DiscordMessage) -> InteractionReply {
        match self.interaction.kind {
            InteractionKind::Component => InteractionReply::Update(message),
            _ => InteractionReply::Message(message),
        }
    }

    /// The player whom a person means.
    pub(super) async fn player(&self, by: &Commander, typed: &str) -> Flow<Player> {
        self.player_in(by.prefix(), typed).await
    }

    /// The same for one who is no member.
    pub(super) async fn player_in(&self, prefix: WorkspacePrefix, typed: &str) -> Flow<Player> {
        let reference = typed.parse::<UserReference>();
        let reference = reference.map_err(|error| Stop::Say(sentence(&error.to_string())))?;
        match (reference, self.names) {
            (UserReference::Id(id), _) => Ok(self.known_in(prefix, id).await),
            (UserReference::Name(_), None) => Err(Stop::Later),
            (reference, Some(names)) => {
                let found = names.resolve(&reference).await;
                let (id, name) = found.map_err(|error| Stop::Say(sentence(&error.to_string())))?;
                if let Some(name) = &name {
                    let user = RobloxUser {
                        id,
                        name: name.clone(),
                    };
                    self.store
                        .cache_names(prefix, &[user], &HashSet::new(), self.now())
                        .await;
                }
                Ok(Player { id, name })
            }
        }
    }

    /// A player with their name, if it is cached.
    pub(super) async fn known(&self, by: &Commander, id: UserId) -> Player {
        self.known_in(by.prefix(), id).await
    }

    /// The same for one who is no member.
    pub(super) async fn known_in(&self, prefix: WorkspacePrefix, id: UserId) -> Player {
        let mut names = self.cached_in(prefix, [id]).await;
        let name = names.remove(&id);
        Player { id, name }
    }

    /// A player with their name, for which Roblox is asked; without it if that fails.
    pub(super) async fn named_in(&self, prefix: WorkspacePrefix, id: UserId) -> Flow<Player> {
        let known = self.known_in(prefix, id).await;
        match self.names {
            _ if known.name.is_some() => Ok(known),
            None => Err(Stop::Later),
            Some(names) => {
                let shown = names.shown(self.store, prefix, [id], DISPLAY_TIME);
                let name = shown.await.remove(&id);
                Ok(Player { id, name })
            }
        }
    }

    /// The names that are cached; a missing one fails nothing.
    pub(super) async fn cached(
        &self,
        by: &Commander,
        users: impl IntoIterator<Item = UserId>,
    ) -> HashMap<UserId, RobloxName> {
        self.cached_in(by.prefix(), users).await
    }

    async fn cached_in(
        &self,
        prefix: WorkspacePrefix,
        users: impl IntoIterator<Item = UserId>,
    ) -> HashMap<UserId, RobloxName> {
        let users = users.into_iter().collect();
        let cached = self.store.cached_names(prefix, &users, self.now());
        cached.await.unwrap_or_default().names
    }
}
