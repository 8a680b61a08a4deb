//! The rules that carry bans from a guild to the game, and back. What a rule has done itself is no cause for any
//! rule, so nothing goes round in a circle.

use serde::{Deserialize, Serialize};

use super::audit_log::GuildBanChange;
use crate::domain::activity::{ActivityDetails, DiscordBanSource};
use crate::domain::actor::DISCORD_RULE;
use crate::domain::clock::UnixSeconds;
use crate::domain::event::EventName;
use crate::domain::history::{LogEvent, LogPosition};
use crate::domain::ids::{Guid, UserId};
use crate::domain::members::DiscordId;
use crate::domain::rules::Scope;

/// For how many seconds a cause is tried again.
const PATIENCE: u64 = 3_600;

/// A rule of a watched guild.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuildRule {
    /// A ban in the guild also bans the linked player in every experience, and its end ends that.
    BansInGame,
    /// A Global ban in game also bans the linked Discord user in the guild, and its end ends that.
    BansInGuild,
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
    #[error("it failed, as the error in the log line says")]
    Failed,
    #[error(
        "the bot lacks the permission Ban Members, or its role is not above those of the person"
    )]
    NoPermission,
    #[error("the bot is not in the guild")]
    NoBot,
    #[error("Discord does not accept the bot's token")]
    NoToken,
    #[error("Discord knows no such user")]
    NoUser,
    #[error("Discord does not answer, or wants fewer calls")]
    NoAnswer,
    #[error("Discord refuses")]
    DiscordRefused,
}

/// What a rule left out last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedCause {
    pub why: RuleFault,
    pub at: UnixSeconds,
}

/// That the next event cannot be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleWait {
    pub why: RuleFault,
    pub since: UnixSeconds,
    /// Discord wants no call before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<UnixSeconds>,
}

/// How far a rule has followed the event log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleProgress {
    pub reached: LogPosition,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<RuleWait>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<SkippedCause>,
}

/// The rules of a guild that are on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuildRules {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bans_in_game: Option<RuleProgress>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bans_in_guild: Option<RuleProgress>,
}

/// A change in a guild that concerns a player.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuildCause {
    pub change: GuildBanChange,
    pub discord: DiscordId,
    /// Who was linked to the Discord user then.
    pub player: UserId,
}

/// A decision in game that concerns a guild.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GameCause {
    pub change: GuildBanChange,
    pub player: UserId,
    pub ban: Guid,
    /// The number of decisions on the ban.
    pub decisions: u32,
}

impl GuildRules {
    #[must_use]
    pub fn are_off(&self) -> bool {
        *self == Self::default()
    }

    pub const fn progress_mut(&mut self, rule: GuildRule) -> &mut Option<RuleProgress> {
        match rule {
            GuildRule::BansInGame => &mut self.bans_in_game,
            GuildRule::BansInGuild => &mut self.bans_in_guild,
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
            waiting: None,
            skipped: None,
        }
    }

    /// After everything up to this position was followed.
    pub const fn pass(&mut self, position: u64) {
        self.reached.position = position;
        self.waiting = None;
    }

    /// After an event that cannot be followed for these seconds, if they are known; `false` if that has lasted too
    /// long.
    pub fn wait(&mut self, why: RuleFault, pause: Option<u64>, now: UnixSeconds) -> bool {
        let since = self.waiting.map_or(now, |waiting| waiting.since);
        let until = pause.map(|seconds| now.plus(seconds));
        self.waiting = Some(RuleWait { why, since, until });
        now < since.plus(PATIENCE)
    }

    /// Whether Discord wants no call now.
    #[must_use]
    pub fn is_paused(&self, now: UnixSeconds) -> bool {
        let until = self.waiting.and_then(|waiting| waiting.until);
        until.is_some_and(|until| now < until)
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

impl GameCause {
    /// The beginning or the end of a Global ban that an event names, unless a rule decided it.
    #[must_use]
    pub fn of(event: &LogEvent) -> Option<Self> {
        let LogEvent::Decision(decision) = event else {
            return None;
        };
        let change = match EventName::of(decision.kind) {
            EventName::Banned => GuildBanChange::Banned,
            EventName::Unbanned => GuildBanChange::Unbanned,
            _ => return None,
        };
        let ban = &decision.ban;
        let is_cause = ban.scope == Scope::Global && !decision.key_id.starts_with(DISCORD_RULE);
        is_cause.then_some(Self {
            change,
            player: ban.user,
            ban: ban.guid,
            decisions: ban.decisions,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::activity::{Activity, ActivityId, DiscordBanSummary};
    use crate::domain::actor::{ActorKind, Channel};
    use crate::domain::clock::UnixMillis;
    use crate::domain::history::PastDecision;
    use crate::domain::ids::{ExperienceId, ModeratorId, PlaceId, Uid};
    use crate::domain::rules::{Ban, DecisionKind, Expiry, Terms};

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

    fn decided(kind: DecisionKind, scope: Scope, key_id: &str) -> LogEvent {
        let at = UnixSeconds(1_800_000_000);
        LogEvent::Decision(Box::new(PastDecision {
            kind,
            at,
            moment: UnixMillis::from_millis(at.0 * 1_000),
            ban: Ban {
                guid: Guid::from(7),
                uid: Uid(1),
                user: UserId::new(156).unwrap(),
                scope,
                made_in: ExperienceId::of_root(PlaceId::new(1_818).unwrap()),
                terms: Terms {
                    moderator: ModeratorId::NOBODY,
                    private_reason: String::new(),
                    public_reason: String::new(),
                    expires: Expiry::Never,
                    universal: false,
                },
                revision: 1,
                decisions: 2,
                created: at,
                updated: at,
                ending: None,
            },
            previous: None,
            applied: false,
            previous_applied: false,
            reason: None,
            key_id: key_id.to_owned(),
            channel: None,
            moderator: None,
            principal: None,
        }))
    }

    #[test]
    fn global_ban_and_each_of_its_ends_are_causes() {
        let rule = GuildRules::actor(id(3));
        let change =
            |kind, scope, by: &str| GameCause::of(&decided(kind, scope, by)).map(|it| it.change);
        for (kind, expected) in [
            (DecisionKind::Made, Some(GuildBanChange::Banned)),
            (DecisionKind::Restored, Some(GuildBanChange::Banned)),
            (DecisionKind::Imported, Some(GuildBanChange::Banned)),
            (DecisionKind::Changed, None),
            (DecisionKind::Lifted, Some(GuildBanChange::Unbanned)),
            (DecisionKind::Appealed, Some(GuildBanChange::Unbanned)),
            (DecisionKind::Expired, Some(GuildBanChange::Unbanned)),
        ] {
            assert_eq!(change(kind, Scope::Global, "operator"), expected);
            assert_eq!(change(kind, Scope::Experience, "operator"), None);
            // What a rule decides, of whatever guild, is no cause.
            assert_eq!(change(kind, Scope::Global, &rule), None);
        }
        let of_guild = banned(DiscordBanSource::Command, Some(156));
        assert_eq!(GameCause::of(&of_guild), None);
    }

    #[test]
    fn each_cause_is_waited_for_an_hour() {
        let mut progress = RuleProgress::starting(LogPosition::default());
        let at = |seconds: u64| UnixSeconds(1_800_000_000 + seconds);
        let why = RuleFault::NoAnswer;
        for (seconds, waits) in [(0, true), (3_599, true), (3_600, false)] {
            assert_eq!(progress.wait(why, None, at(seconds)), waits);
        }
        progress.pass(8);
        assert!(progress.wait(why, None, at(3_600)) && progress.wait(why, Some(9), at(7_199)));
        assert!(progress.is_paused(at(7_207)) && !progress.is_paused(at(7_208)));
        assert_eq!(progress.reached.position, 8);
    }

    #[test]
    fn rules_of_a_guild_decide_as_the_service() {
        let actor = GuildRules::actor(id(1));
        let kind = ActorKind::of(&actor, Some(Channel::Discord));
        assert_eq!(kind, ActorKind::System);
    }
}
