//! The rules that carry bans from a guild to the game, and back. What a rule has done itself is no cause for any
//! rule, so nothing goes round in a circle.

use serde::{Deserialize, Serialize};

use super::audit_log::GuildBanChange;
use crate::domain::activity::{ActivityDetails, DiscordBanSource};
use crate::domain::actor::DISCORD_RULE;
use crate::domain::clock::UnixSeconds;
use crate::domain::history::{LogEvent, LogPosition};
use crate::domain::ids::UserId;
use crate::domain::members::DiscordId;

/// For how many seconds a cause is tried again.
const PATIENCE: u64 = 3_600;

/// A rule of a watched guild.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuildRule {
    /// A ban in the guild also bans the linked player in every experience, and its end ends that.
    BansInGame,
}

/// Why a rule left something out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum RuleFault {
    #[error("the player is protected")]
    Protected,
    #[error("no experience is linked to the workspace")]
    NoExperience,
    #[error("the decision was refused")]
    Refused,
}

/// What a rule left out last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedCause {
    pub why: RuleFault,
    pub at: UnixSeconds,
}

/// How far a rule has followed the event log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleProgress {
    pub reached: LogPosition,
    /// Since when the next event cannot be followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_since: Option<UnixSeconds>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<SkippedCause>,
}

/// The rules of a guild that are on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuildRules {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bans_in_game: Option<RuleProgress>,
}

/// A change in a guild that concerns a player.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuildCause {
    pub change: GuildBanChange,
    pub discord: DiscordId,
    /// Who was linked to the Discord user then.
    pub player: UserId,
}

impl GuildRules {
    #[must_use]
    pub fn are_off(&self) -> bool {
        *self == Self::default()
    }

    pub const fn progress_mut(&mut self, rule: GuildRule) -> &mut Option<RuleProgress> {
        match rule {
            GuildRule::BansInGame => &mut self.bans_in_game,
        }
    }

    /// Turns a rule on, for what follows after this position, or off. One that is on keeps its progress.
    pub fn turn(&mut self, rule: GuildRule, on: Option<LogPosition>) {
        let progress = self.progress_mut(rule);
        *progress = on.map(|head| progress.unwrap_or_else(|| RuleProgress::starting(head)));
    }

    /// The name under which the rules of a guild decide. It has the guild, so that no rule ends what the rule of
    /// another guild has begun.
    #[must_use]
    pub fn actor(guild: DiscordId) -> String {
        format!("{DISCORD_RULE}{guild}")
    }
}

impl RuleProgress {
    #[must_use]
    pub const fn starting(reached: LogPosition) -> Self {
        Self {
            reached,
            waiting_since: None,
            skipped: None,
        }
    }

    /// After everything up to this position was followed.
    pub const fn pass(&mut self, position: u64) {
        self.reached.position = position;
        self.waiting_since = None;
    }

    /// After an event that cannot be followed now; `false` if that has lasted too long.
    pub fn wait(&mut self, now: UnixSeconds) -> bool {
        let since = *self.waiting_since.get_or_insert(now);
        now < since.plus(PATIENCE)
    }
}

impl GuildCause {
    /// The change that an event says was made in this guild, by a person or another program.
    #[must_use]
    pub fn of(event: &LogEvent, guild: DiscordId) -> Option<Self> {
        let LogEvent::Activity(activity) = event else {
            return None;
        };
        let (change, ban) = match &activity.details {
            ActivityDetails::DiscordBanned(ban) => (GuildBanChange::Banned, ban),
            ActivityDetails::DiscordUnbanned(ban) => (GuildBanChange::Unbanned, ban),
            _ => return None,
        };
        if ban.guild_id != guild || ban.source == DiscordBanSource::Rule {
            return None;
        }
        Some(Self {
            change,
            discord: ban.discord_id,
            player: activity.user?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::activity::{Activity, ActivityId, DiscordBanSummary};
    use crate::domain::actor::{ActorKind, Channel};
    use crate::domain::clock::UnixMillis;

    fn id(number: u64) -> DiscordId {
        DiscordId::new(613_425_648_685_547_000 + number).unwrap()
    }

    fn banned(source: DiscordBanSource, player: Option<u64>) -> LogEvent {
        LogEvent::Activity(Box::new(Activity {
            id: ActivityId::of(&["x"]),
            moment: UnixMillis::from_millis(1_800_000_000_000),
            user: player.and_then(UserId::new),
            key_id: "discord".to_owned(),
            channel: Some(Channel::Discord),
            moderator: None,
            principal: None,
            reason: None,
            details: ActivityDetails::DiscordBanned(DiscordBanSummary {
                guild_id: id(1),
                discord_id: id(2),
                by_discord_id: None,
                source,
            }),
        }))
    }

    #[test]
    fn ban_of_a_linked_player_in_the_guild_is_a_cause() {
        let cause = GuildCause {
            change: GuildBanChange::Banned,
            discord: id(2),
            player: UserId::new(156).unwrap(),
        };
        for source in [DiscordBanSource::Command, DiscordBanSource::AuditLog] {
            let event = banned(source, Some(156));
            assert_eq!(GuildCause::of(&event, id(1)), Some(cause));
            assert_eq!(GuildCause::of(&event, id(3)), None, "another guild");
            assert_eq!(GuildCause::of(&banned(source, None), id(1)), None);
        }
        let own = banned(DiscordBanSource::Rule, Some(156));
        assert_eq!(GuildCause::of(&own, id(1)), None);
    }

    #[test]
    fn rule_that_is_on_keeps_its_progress() {
        let at = |position| LogPosition { epoch: 1, position };
        let mut rules = GuildRules::default();
        rules.turn(GuildRule::BansInGame, Some(at(7)));
        rules.turn(GuildRule::BansInGame, Some(at(9)));
        assert_eq!(rules.bans_in_game, Some(RuleProgress::starting(at(7))));
        rules.turn(GuildRule::BansInGame, None);
        assert!(rules.are_off());
        rules.turn(GuildRule::BansInGame, Some(at(9)));
        assert_eq!(rules.bans_in_game, Some(RuleProgress::starting(at(9))));
    }

    #[test]
    fn each_cause_is_waited_for_an_hour() {
        let mut progress = RuleProgress::starting(LogPosition::default());
        let at = |seconds| UnixSeconds(1_800_000_000 + seconds);
        assert!(progress.wait(at(0)) && progress.wait(at(3_599)) && !progress.wait(at(3_600)));
        progress.pass(8);
        assert!(progress.wait(at(3_600)) && progress.wait(at(7_199)));
        assert_eq!(progress.reached.position, 8);
    }

    #[test]
    fn rules_of_a_guild_decide_as_the_service() {
        let actor = GuildRules::actor(id(1));
        let kind = ActorKind::of(&actor, Some(Channel::Discord));
        assert_eq!(kind, ActorKind::System);
    }
}
