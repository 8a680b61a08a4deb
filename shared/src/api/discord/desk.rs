//! One interaction, and what its commands work with.

use std::collections::HashMap;

use super::commander::Commander;
use super::flow::{Flow, Stop, sentence};
use super::show::Player;
use super::{ban, guild_ban, key, look, places, suggest, unban, undo};
use crate::domain::clock::{UnixMillis, UnixSeconds};
use crate::domain::discord::{
    ButtonAction, DiscordMessage, Interaction, InteractionKind, InteractionReply,
};
use crate::domain::error::ApiError;
use crate::domain::ids::UserId;
use crate::domain::members::DiscordId;
use crate::domain::user_name::RobloxName;
use crate::domain::user_reference::UserReference;
use crate::integrations::discord::DiscordBot;
use crate::moderation::names::Names;
use crate::store::Store;
use crate::telemetry::RequestLog;

/// What an interaction is answered with.
#[derive(Debug)]
pub struct CommandDesk<'a> {
    pub store: &'a Store,
    /// Absent where Roblox is not asked: then typed names are left to the worker.
    pub names: Option<&'a Names>,
    /// Absent where Discord is not asked.
    pub bot: Option<&'a DiscordBot>,
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
        ban::opens_form(self.interaction)
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
        let by = Commander::of(self.store, interaction, self.now()).await?;
        if let Some(trace) = self.trace {
            trace.identify(by.workspace.guid, &by.member.id.to_string());
        }
        match interaction.kind {
            InteractionKind::Autocomplete => suggest::choices(self, &by).await,
            InteractionKind::Component => self.pressed(&by).await,
            InteractionKind::Modal => match interaction.custom_id.as_str() {
                ban::MODAL | ban::GLOBAL_MODAL => ban::ban(self, &by).await,
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
            "discordban" => guild_ban::ban(self, by).await,
            "discordunban" => guild_ban::unban(self, by).await,
            "setkey" => Err(Stop::say(
                "Portcullis needs no licence key. For an API key, use `/newapikey`; for a key of Roblox Open \
                 Cloud, the operator uses `portcullis mirror`.",
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
            ButtonAction::Dismiss => Err(Stop::say("Nothing was changed.")),
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
        let reference = typed.parse::<UserReference>();
        let reference = reference.map_err(|error| Stop::Say(sentence(&error.to_string())))?;
        match (reference, self.names) {
            (UserReference::Id(id), _) => Ok(self.known(by, id).await),
            (UserReference::Name(_), None) => Err(Stop::Later),
            (reference, Some(names)) => {
                let found = names.resolve(&reference).await;
                let (id, name) = found.map_err(|error| Stop::Say(sentence(&error.to_string())))?;
                Ok(Player { id, name })
            }
        }
    }

    /// A player with their name, if it is cached.
    pub(super) async fn known(&self, by: &Commander, id: UserId) -> Player {
        let mut names = self.cached(by, [id]).await;
        let name = names.remove(&id);
        Player { id, name }
    }

    /// The names that are cached; a missing one fails nothing.
    pub(super) async fn cached(
        &self,
        by: &Commander,
        users: impl IntoIterator<Item = UserId>,
    ) -> HashMap<UserId, RobloxName> {
        let users = users.into_iter().collect();
        let cached = self.store.cached_names(by.prefix(), &users, self.now());
        cached.await.unwrap_or_default().names
    }
}
