//! Who acts on Discord, whether they are a member of the workspace or not.

use std::sync::Arc;

use super::flow::{Flow, Stop};
use crate::domain::account_links::{DiscordName, LinkSide};
use crate::domain::actor::Channel;
use crate::domain::discord::{Interaction, InteractionSender};
use crate::domain::ids::WorkspacePrefix;
use crate::domain::members::{DiscordId, MemberId};
use crate::store::{LinkActor, Store, Workspace};

/// A person in a guild that belongs to a workspace.
#[derive(Clone, Debug)]
pub struct GuildPerson<'a> {
    pub workspace: Arc<Workspace>,
    pub guild: DiscordId,
    pub sender: &'a InteractionSender,
    /// Which member they are, or were.
    pub member: Option<MemberId>,
}

impl<'a> GuildPerson<'a> {
    /// The person behind an interaction; a sentence if the guild belongs to no workspace.
    pub async fn of(store: &Store, interaction: &'a Interaction) -> Flow<Self> {
        let (Some(guild), Some(sender)) = (interaction.guild, &interaction.sender) else {
            return Err(Stop::say(
                "These commands work in a server only, not in direct messages.",
            ));
        };
        if !interaction.is_of_guild {
            return Err(Stop::say(
                "An administrator of this server has to install the application in the server first.",
            ));
        }
        let (prefix, memberships) = futures::try_join!(
            store.workspace_of_guild(guild),
            store.memberships(sender.user)
        )?;
        let workspace = match prefix {
            Some(prefix) => store.known_workspace(prefix).await?,
            None => None,
        };
        let Some(workspace) = workspace else {
            return Err(Stop::Say(format!(
                "This server is not linked to a workspace. The operator of Portcullis can link it: \
                 `portcullis discord link {guild}`"
            )));
        };
        let own = |(of, _): &(WorkspacePrefix, MemberId)| *of == workspace.guid.prefix();
        let member = memberships.into_iter().find(own).map(|(_, id)| id);
        Ok(Self {
            workspace,
            guild,
            sender,
            member,
        })
    }

    pub fn prefix(&self) -> WorkspacePrefix {
        self.workspace.guid.prefix()
    }

    pub const fn user(&self) -> DiscordId {
        self.sender.user
    }

    /// Their account as a side of a link.
    pub const fn side(&self) -> LinkSide {
        LinkSide::Discord(self.sender.user)
    }

    /// The name that the game shows.
    pub fn name(&self) -> Option<DiscordName> {
        DiscordName::new(&self.sender.name)
    }

    /// The person as one who changes links: the member they are, else their Discord user.
    pub fn link_actor(&self) -> LinkActor {
        let member = self.member.map(|member| member.to_string());
        LinkActor {
            id: member.unwrap_or_else(|| self.sender.user.to_string()),
            channel: Channel::Discord,
            principal: None,
        }
    }
}
