//! Who decided, and how, as outputs show it.

use std::collections::HashMap;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use shared::domain::actor::{Channel, DecidedBy};
use shared::domain::ids::{ModeratorId, WorkspacePrefix};
use shared::domain::members::MemberId;
use shared::store::Store;

use crate::output::word;

/// In the shape of the API, so that its actors can be read too.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ShownActor {
    /// Absent in an answer of an earlier version.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    /// The public id of a key or member, or a name such as `operator`.
    #[serde(rename = "key")]
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<String>,
    /// A member's name. Through the API, it is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

impl ShownActor {
    pub fn of(by: &DecidedBy, members: &MemberNames) -> Self {
        Self {
            kind: Some(word(by.kind())),
            id: by.id.clone(),
            channel: by.channel().map(|channel| channel.as_str().to_owned()),
            name: members.name(&by.id).map(str::to_owned),
        }
    }

    /// The same for a decision of a history.
    pub fn of_decision(id: &str, channel: Option<Channel>, members: &MemberNames) -> Self {
        Self::of(&DecidedBy::new(id, channel), members)
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn channel(&self) -> Option<&str> {
        self.channel.as_deref()
    }

    /// The name, if the actor is a member whose name is known.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// For a table: `Ada (console)`, or the id instead of an unknown name.
    pub fn cell(&self) -> String {
        self.with(None)
    }

    /// For a table, with what else is known: `operator (cli, local user ada), moderator 156`. A member
    /// needs no moderator: that is the member's own Roblox user.
    pub fn sentence(&self, principal: Option<&str>, moderator: Option<ModeratorId>) -> String {
        let is_member = self.id.starts_with(MemberId::PREFIX);
        let moderator = moderator.filter(|_| !is_member);
        let moderator = moderator.map(|moderator| format!(", moderator {moderator}"));
        self.with(principal) + &moderator.unwrap_or_default()
    }

    fn with(&self, principal: Option<&str>) -> String {
        let who = self.name().unwrap_or(&self.id);
        let how: Vec<_> = self.channel().into_iter().chain(principal).collect();
        if how.is_empty() {
            who.to_owned()
        } else {
            format!("{who} ({})", how.join(", "))
        }
    }
}

/// The names of a workspace's members, also of removed ones, by their ids.
#[derive(Debug, Default)]
pub struct MemberNames(HashMap<String, String>);

impl MemberNames {
    /// Reads the members, if one of these actors is a member.
    pub async fn read<'a>(
        store: &Store,
        prefix: WorkspacePrefix,
        actors: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self> {
        let mut actors = actors.into_iter();
        if !actors.any(|id| id.starts_with(MemberId::PREFIX)) {
            return Ok(Self::default());
        }
        let members = store.members(prefix).await?.into_iter();
        let names = members.map(|member| (member.id.to_string(), member.name.to_string()));
        Ok(Self(names.collect()))
    }

    pub fn name(&self, actor: &str) -> Option<&str> {
        self.0.get(actor).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: &str = "mem_0123456789abcdef";

    #[test]
    fn actor_is_shown_by_name_or_id_with_the_channel() {
        let names = HashMap::from([(ADA.to_owned(), "Ada".to_owned())]);
        let members = MemberNames(names);
        let moderator = "156".parse().ok();
        let shown = |id, channel, principal| {
            ShownActor::of_decision(id, channel, &members).sentence(principal, moderator)
        };
        let console = Some(Channel::Console);
        assert_eq!(shown(ADA, console, None), "Ada (console)");
        assert_eq!(shown("mem_1", console, None), "mem_1 (console)");
        assert_eq!(
            shown("5f2a9c01d7e4", None, None),
            "5f2a9c01d7e4 (api), moderator 156"
        );
        assert_eq!(
            shown("operator", None, Some("local user ada")),
            "operator (cli, local user ada), moderator 156"
        );
    }
}
