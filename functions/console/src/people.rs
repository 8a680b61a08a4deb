//! Who decided, in words: a member by name, or what else it was.

use std::collections::HashMap;

use shared::domain::actor::{ActorKind, DecidedBy};
use shared::domain::history::PastDecision;
use shared::domain::ids::ModeratorId;
use shared::domain::keys::KeyRecord;
use shared::domain::members::Member;

/// The members of a workspace by their ids, removed ones too.
#[derive(Clone, Debug, Default)]
pub struct People(HashMap<String, String>);

impl People {
    pub fn new(members: &[Member]) -> Self {
        let named = |member: &Member| (member.id.to_string(), member.name.to_string());
        Self(members.iter().map(named).collect())
    }

    /// The same with the names of keys, also of revoked ones.
    pub fn with_keys(mut self, keys: &[KeyRecord]) -> Self {
        let named = |key: &KeyRecord| (key.key_id.clone(), key.name.clone());
        self.0.extend(keys.iter().map(named));
        self
    }

    /// Who decided: by the record, else by the moderator in the ban's terms.
    pub fn name(&self, by: Option<&DecidedBy>, moderator: ModeratorId) -> String {
        let Some(by) = by else {
            return on_behalf("Earlier version", Some(moderator));
        };
        match by.kind() {
            ActorKind::Member => match self.0.get(&by.id) {
                Some(name) => name.clone(),
                None => format!("Member {}", by.id),
            },
            ActorKind::Key => match self.0.get(&by.id) {
                Some(name) => on_behalf(&format!("Key {name}"), Some(moderator)),
                None => on_behalf("API", Some(moderator)),
            },
            ActorKind::Game => on_behalf("Game server", Some(moderator)),
            ActorKind::DiscordUser => format!("Discord user {}", by.id),
            ActorKind::Operator => "Operator".to_owned(),
            ActorKind::System => "Portcullis".to_owned(),
        }
    }

    /// Who made a decision of the history.
    pub fn of_decision(&self, decision: &PastDecision) -> String {
        // A member who runs an undo is its principal.
        let principal = decision.principal.as_ref();
        if let Some(name) = principal.and_then(|principal| self.0.get(principal)) {
            return format!("{name}, by undo");
        }
        let by = DecidedBy::new(&decision.key_id, decision.channel);
        let moderator = decision.moderator.unwrap_or(decision.ban.terms.moderator);
        self.name(Some(&by), moderator)
    }
}

/// 1 stands for nobody in particular.
fn on_behalf(what: &str, moderator: Option<ModeratorId>) -> String {
    match moderator.map(ModeratorId::get) {
        None | Some(1) => what.to_owned(),
        Some(id) => format!("{what}, for {id}"),
    }
}

#[cfg(test)]
mod tests {
    use shared::domain::actor::Channel;

    use super::*;

    #[test]
    fn every_kind_of_actor_has_a_name() {
        let people = People(HashMap::from([(
            "mem_0123456789abcdef".to_owned(),
            "Ada".to_owned(),
        )]));
        let moderator = ModeratorId::new(42).unwrap();
        let name = |id: &str, via| people.name(Some(&DecidedBy::new(id, via)), moderator);
        assert_eq!(name("mem_0123456789abcdef", Some(Channel::Console)), "Ada");
        assert_eq!(name("0123456789ab", Some(Channel::Api)), "API, for 42");
        assert_eq!(
            name("0123456789ab", Some(Channel::Game)),
            "Game server, for 42"
        );
        assert_eq!(name("operator", None), "Operator");
        assert_eq!(name("expiry", None), "Portcullis");
        let nobody = ModeratorId::new(1).unwrap();
        assert_eq!(people.name(None, nobody), "Earlier version");
    }
}
