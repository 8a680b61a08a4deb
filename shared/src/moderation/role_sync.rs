//! Applies the rules that give roles on Discord to one person after another.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::domain::account_links::{AccountLink, LinkSide};
use crate::domain::clock::UnixMillis;
use crate::domain::discord::AuditReason;
use crate::domain::error::ApiError;
use crate::domain::ids::WorkspacePrefix;
use crate::domain::members::{DiscordId, PermissionBasis, PermissionRule};
use crate::domain::role_rules::{
    LinkedFacts, RoleBasis, RoleChange, RoleFacts, RoleRule, RoleVerb, decide_roles,
    permission_roles,
};
use crate::integrations::discord::{Discord, DiscordBot, DiscordError};
use crate::integrations::roblox::GroupRanks;
use crate::integrations::secret_text::SecretText;
use crate::integrations::secrets::SecretStore;
use crate::store::Store;

/// How often a call is made that comes too early for Discord.
const TRIES: u32 = 3;

/// The longest pause for Discord's rate limit; after a longer one, the guild is left to a later run.
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// The time for one person in one guild, that pause and all calls included.
pub const PERSON_TIME: Duration = Duration::from_secs(15);

/// The services that are asked. They live as long as their environment.
#[derive(Debug)]
pub struct RoleTools {
    pub bot: DiscordBot,
    pub ranks: GroupRanks,
}

impl RoleTools {
    /// The services at the addresses of the environment.
    pub fn from_environment(
        discord: Discord,
        secrets: SecretStore,
    ) -> Result<Self, lambda_http::Error> {
        Ok(Self {
            bot: DiscordBot::from_environment(discord, secrets)?,
            ranks: GroupRanks::from_environment()?,
        })
    }
}

/// The rules of a workspace, while they are applied.
#[derive(Debug)]
pub struct RoleSync<'a> {
    store: &'a Store,
    tools: &'a RoleTools,
    token: SecretText,
    prefix: WorkspacePrefix,
    rules: &'a [RoleRule],
    permissions: Vec<PermissionRule>,
    guilds: BTreeMap<DiscordId, RuledGuild>,
}

/// What is known of a guild.
#[derive(Debug, Default)]
struct RuledGuild {
    /// Why it is not asked again in this run.
    failure: Option<DiscordError>,
    /// The roles that Discord does not let the bot change.
    refused: BTreeSet<DiscordId>,
    /// Those that give a permission, once it is known.
    of_permissions: Option<BTreeSet<DiscordId>>,
}

/// What became of a person in one guild.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleOutcome {
    pub guild: DiscordId,
    pub changed: Vec<RoleChange>,
    /// Changes that Discord does not let the bot make.
    pub refused: Vec<RoleChange>,
    /// Whether they are a member of the guild.
    pub is_member: bool,
    /// Whether Roblox did not say a rank, so that the rules by it changed nothing.
    pub lacks_ranks: bool,
    /// Why the guild was not asked, or not to the end.
    pub failure: Option<DiscordError>,
}

impl RoleOutcome {
    const fn nothing(guild: DiscordId) -> Self {
        Self {
            guild,
            changed: Vec::new(),
            refused: Vec::new(),
            is_member: false,
            lacks_ranks: false,
            failure: None,
        }
    }

    /// Whether a later attempt may do more without any change in the guild.
    #[must_use]
    pub fn is_unfinished(&self) -> bool {
        self.failure.as_ref().is_some_and(DiscordError::is_passing)
    }
}

impl<'a> RoleSync<'a> {
    /// Begins with the rules of a workspace. 503 if there is no token for Discord.
    pub async fn begin(
        store: &'a Store,
        tools: &'a RoleTools,
        prefix: WorkspacePrefix,
        rules: &'a [RoleRule],
    ) -> Result<Self, ApiError> {
        let token = tools.bot.token().await;
        let token = token.map_err(|error| error.unavailable())?;
        Ok(Self {
            store,
            tools,
            token,
            prefix,
            rules,
            permissions: store.permission_rules(prefix).await?,
            guilds: BTreeMap::new(),
        })
    }

    /// Whether no guild is asked any more.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        let failed = |guild: &DiscordId| {
            let known = self.guilds.get(guild);
            known.is_some_and(|known| known.failure.is_some())
        };
        self.ruled_guilds().iter().all(failed)
    }

    fn ruled_guilds(&self) -> BTreeSet<DiscordId> {
        self.rules.iter().map(|rule| rule.guild).collect()
    }

    /// Gives and takes the roles of a Discord user in all guilds of the workspace that have rules. A guild
    /// that fails does not keep the others from it; an error is one of the database.
    pub async fn apply(&mut self, user: DiscordId) -> Result<Vec<RoleOutcome>, ApiError> {
        let link = self
            .store
            .account_link(self.prefix, LinkSide::Discord(user))
            .await?;
        let (mut outcomes, mut members) = (Vec::new(), Vec::new());
        for guild in self.ruled_guilds() {
            let mut outcome = RoleOutcome::nothing(guild);
            match self.held_roles(guild, user).await {
                Ok(Some(held)) => members.push((guild, held)),
                Ok(None) => outcomes.push(outcome),
                Err(error) => {
                    outcome.failure = Some(error);
                    outcomes.push(outcome);
                }
            }
        }
        if members.is_empty() {
            return Ok(outcomes);
        }
        let guilds: Vec<_> = members.iter().map(|(guild, _)| *guild).collect();
        let (facts, lacks_ranks) = self.facts(link, &guilds).await?;
        for (guild, held) in members {
            let mut outcome = RoleOutcome {
                is_member: true,
                lacks_ranks,
                ..RoleOutcome::nothing(guild)
            };
            self.change(user, &held, &facts, &mut outcome).await;
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    /// The roles of a user in a guild; none if they are no member.
    async fn held_roles(
        &mut self,
        guild: DiscordId,
        user: DiscordId,
    ) -> Result<Option<Vec<DiscordId>>, DiscordError> {
        let known = self.guilds.entry(guild).or_default();
        if let Some(failure) = &known.failure {
            return Err(failure.clone());
        }
        let (discord, token) = (self.tools.bot.discord(), &self.token);
        let read = patiently(|| discord.guild_member(token, guild, user)).await;
        if let Err(error) = &read {
            known.failure = Some(error.clone());
        }
        let member = read?;
        if member.is_some() && known.of_permissions.is_none() {
            let by_bits = self.permissions.iter().any(|rule| {
                matches!(rule.basis, PermissionBasis::GuildPermission { guild: of, .. } if of == guild)
            });
            let seen = if by_bits {
                let asked = patiently(|| discord.guild(token, guild)).await;
                if let Err(error) = &asked {
                    known.failure = Some(error.clone());
                }
                Some(asked?)
            } else {
                None
            };
            let found = permission_roles(&self.permissions, guild, seen.as_ref());
            known.of_permissions = Some(found);
        }
        Ok(member.map(|member| member.roles))
    }

    /// What is known of the person behind a link, as far as the rules of these guilds need it; and whether a
    /// rank is missing.
    async fn facts(
        &self,
        link: Option<AccountLink>,
        guilds: &[DiscordId],
    ) -> Result<(RoleFacts, bool), ApiError> {
        let Some(link) = link else {
            return Ok((RoleFacts::Unlinked, false));
        };
        let rules = self
            .rules
            .iter()
            .filter(|rule| guilds.contains(&rule.guild));
        let rules: Vec<_> = rules.cloned().collect();
        let player = link.pair.roblox;
        let mut facts = LinkedFacts {
            may_be_basis: link.may_be_basis(),
            ..LinkedFacts::default()
        };
        if rules.iter().any(|rule| rule.basis == RoleBasis::Banned) {
            let now = UnixMillis::now().seconds();
            let standings = self.store.standings_of(self.prefix, player).await?;
            facts.banned = Some(standings.bans().any(|ban| ban.holds(now)));
        }
        let groups = RoleRule::groups(&rules);
        if groups.is_empty() {
            return Ok((RoleFacts::Linked(facts), false));
        }
        let held = self.tools.ranks.of(player).await;
        let lacks_ranks = held.is_err();
        if let Ok(held) = held {
            let of = |group| (group, held.get(&group).copied().unwrap_or_default());
            facts.ranks = groups.into_iter().map(of).collect();
        }
        Ok((RoleFacts::Linked(facts), lacks_ranks))
    }

    /// Makes the changes that the rules ask for in one guild.
    async fn change(
        &mut self,
        user: DiscordId,
        held: &[DiscordId],
        facts: &RoleFacts,
        outcome: &mut RoleOutcome,
    ) {
        let guild = outcome.guild;
        let known = self.guilds.entry(guild).or_default();
        let none = BTreeSet::new();
        let of_permissions = known.of_permissions.as_ref().unwrap_or(&none);
        let changes = decide_roles(self.rules, guild, held, facts, of_permissions);
        let (discord, token) = (self.tools.bot.discord(), &self.token);
        for change in changes {
            if known.refused.contains(&change.role) {
                outcome.refused.push(change);
                continue;
            }
            let reason = reason(&change);
            let what = (change.verb, change.role);
            let made = patiently(|| discord.change_role(token, (guild, user), what, &reason));
            match made.await {
                Ok(()) => outcome.changed.push(change),
                // They have left meanwhile.
                Err(DiscordError::NoMember) => {
                    outcome.is_member = false;
                    return;
                }
                Err(DiscordError::Refused { .. }) => {
                    known.refused.insert(change.role);
                    outcome.refused.push(change);
                }
                Err(error) => {
                    known.failure = Some(error.clone());
                    outcome.failure = Some(error);
                    return;
                }
            }
        }
    }
}

/// Such as `Portcullis rule 1f2e3d4c: no longer banned in game`.
fn reason(change: &RoleChange) -> AuditReason {
    let not = match change.verb {
        RoleVerb::Give => "",
        RoleVerb::Take => "not ",
    };
    AuditReason::plain(&format!(
        "Portcullis rule {}: {not}{}",
        change.rule, change.basis
    ))
}

/// Makes a call, and again after the pause that Discord asks for.
async fn patiently<T, F>(call: impl Fn() -> F) -> Result<T, DiscordError>
where
    F: Future<Output = Result<T, DiscordError>>,
{
    for _ in 1..TRIES {
        let error = match call().await {
            Err(error @ DiscordError::RateLimited { .. }) => error,
            other => return other,
        };
        let pause = error.pause().unwrap_or(Duration::from_secs(1));
        if pause > LONGEST_PAUSE {
            return Err(error);
        }
        tokio::time::sleep(pause).await;
    }
    call().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audit_log_says_which_rule_asked_for_the_change() {
        let change = |verb, basis| RoleChange {
            role: "80351110224678912".parse().unwrap(),
            verb,
            rule: "1f2e3d4c".parse().unwrap(),
            basis,
        };
        for (verb, basis, expected) in [
            (
                RoleVerb::Give,
                RoleBasis::Linked,
                "Portcullis%20rule%201f2e3d4c%3A%20linked%20account",
            ),
            (
                RoleVerb::Take,
                RoleBasis::Banned,
                "Portcullis%20rule%201f2e3d4c%3A%20not%20banned%20in%20game",
            ),
        ] {
            assert_eq!(reason(&change(verb, basis)).encoded(), expected);
        }
    }
}
