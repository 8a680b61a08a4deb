//! Keeps what a member may do in line with their roles and permissions on Discord, and with their ranks in
//! Roblox groups.

use std::collections::BTreeMap;

use crate::domain::account_links::{AccountLink, LinkSide};
use crate::domain::clock::UnixSeconds;
use crate::domain::error::ApiError;
use crate::domain::ids::{UserId, WorkspacePrefix};
use crate::domain::members::{
    BasisCheck, BasisSource, DiscordId, GuildView, Member, PermissionRule, groups_to_ask,
    guilds_to_ask,
};
use crate::integrations::discord::{DiscordBot, DiscordError};
use crate::integrations::roblox::{GroupRanks, RobloxError};
use crate::store::{SignedIn, Store};

/// Who is asked about the basis of permissions.
#[derive(Clone, Copy, Debug)]
pub struct BasisServices<'a> {
    pub bot: Option<&'a DiscordBot>,
    pub ranks: &'a GroupRanks,
}

/// Why nobody answered; what they last said counts for a while.
#[derive(Debug, Default)]
pub struct BasisFailures {
    pub discord: Option<DiscordError>,
    pub roblox: Option<RobloxError>,
}

/// Asks about the rules of a signed-in member that were last checked five minutes ago, and gives them
/// the permissions that are valid then. A guild or group without an answer keeps what it last said, for
/// as long as that counts.
pub async fn check_basis(
    store: &Store,
    services: BasisServices<'_>,
    signed_in: &mut SignedIn,
    now: UnixSeconds,
) -> Result<BasisFailures, ApiError> {
    let (rules, member) = (&signed_in.rules, &mut signed_in.member);
    let prefix = signed_in.workspace.guid.prefix();
    let mut judged = Vec::new();
    let mut failures = BasisFailures::default();
    if let (Some(bot), Some(user)) = (services.bot, member.discord) {
        let guilds = guilds_to_ask(rules, &member.checked, now);
        if !guilds.is_empty() {
            let views = bot.views(user, &guilds).await;
            judged = judge(rules, user, &views, now);
            failures.discord = views.into_values().find_map(Result::err);
        }
    }
    match judge_ranks(store, services.ranks, prefix, member, rules, now).await? {
        Ok(ranks) => judged.extend(ranks),
        Err(error) => failures.roblox = Some(error),
    }
    if !judged.is_empty() {
        record(store, prefix, member, rules, judged).await?;
        signed_in.permissions = member.permissions(rules, now);
    }
    Ok(failures)
}

/// Asks Roblox alone, for a member who acts on Discord. Returns why it did not answer.
pub async fn check_ranks(
    store: &Store,
    ranks: &GroupRanks,
    prefix: WorkspacePrefix,
    member: &mut Member,
    rules: &[PermissionRule],
    now: UnixSeconds,
) -> Result<Option<RobloxError>, ApiError> {
    let judged = judge_ranks(store, ranks, prefix, member, rules, now).await?;
    match judged {
        Ok(judged) if judged.is_empty() => Ok(None),
        Ok(judged) => record(store, prefix, member, rules, judged)
            .await
            .map(|()| None),
        Err(error) => Ok(Some(error)),
    }
}

async fn record(
    store: &Store,
    prefix: WorkspacePrefix,
    member: &mut Member,
    rules: &[PermissionRule],
    judged: Vec<BasisCheck>,
) -> Result<(), ApiError> {
    member.checked = merged(rules, &member.checked, judged);
    store
        .record_basis_checks(prefix, member.id, &member.checked)
        .await
}

/// What follows for a member from their ranks, as far as that is due.
pub async fn judge_ranks(
    store: &Store,
    ranks: &GroupRanks,
    prefix: WorkspacePrefix,
    member: &Member,
    rules: &[PermissionRule],
    now: UnixSeconds,
) -> Result<Result<Vec<BasisCheck>, RobloxError>, ApiError> {
    let groups = groups_to_ask(rules, &member.checked, now);
    if groups.is_empty() {
        return Ok(Ok(Vec::new()));
    }
    let held = match roblox_account(store, prefix, member).await? {
        Some(user) => match ranks.of(user).await {
            Ok(held) => held,
            Err(error) => return Ok(Err(error)),
        },
        None => BTreeMap::new(),
    };
    let of = |group| BasisCheck::of_rank(rules, group, held.get(&group).copied(), now);
    Ok(Ok(groups.into_iter().map(of).collect()))
}

/// The Roblox account of a member, as an administrator set it, or by a link that was proven and that an
/// administrator confirmed.
async fn roblox_account(
    store: &Store,
    prefix: WorkspacePrefix,
    member: &Member,
) -> Result<Option<UserId>, ApiError> {
    let Some(discord) = member.discord.filter(|_| member.roblox.is_none()) else {
        return Ok(member.roblox);
    };
    let link = store
        .account_link(prefix, LinkSide::Discord(discord))
        .await?;
    let link = link.filter(AccountLink::may_be_basis);
    Ok(link.map(|link| link.pair.roblox))
}

/// What follows for a user from what was seen of them.
#[must_use]
pub fn judge(
    rules: &[PermissionRule],
    user: DiscordId,
    views: &BTreeMap<DiscordId, Result<GuildView, DiscordError>>,
    now: UnixSeconds,
) -> Vec<BasisCheck> {
    let is_named = |guild| is_named(rules, BasisSource::Guild(guild));
    let seen = views.iter().filter(|(guild, _)| is_named(**guild));
    let seen = seen.filter_map(|(guild, view)| Some((*guild, view.as_ref().ok()?)));
    let checks = seen.map(|(guild, view)| BasisCheck::of(rules, user, guild, view, now));
    checks.collect()
}

fn is_named(rules: &[PermissionRule], source: BasisSource) -> bool {
    rules.iter().any(|rule| rule.basis.source() == Some(source))
}

/// The new checks, and the old ones of guilds and groups that a rule still names.
fn merged(
    rules: &[PermissionRule],
    old: &[BasisCheck],
    mut new: Vec<BasisCheck>,
) -> Vec<BasisCheck> {
    for check in old {
        let is_known = new.iter().any(|known| known.source == check.source);
        if is_named(rules, check.source) && !is_known {
            new.push(check.clone());
        }
    }
    new
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::members::{GuildMember, MemberPermission, PermissionBasis, RuleId};

    fn id(number: u64) -> DiscordId {
        DiscordId::new(80_351_110_224_678_912 + number).unwrap()
    }

    fn rule(guild: u64) -> PermissionRule {
        PermissionRule {
            id: RuleId::random(),
            permission: MemberPermission::ManageBans,
            basis: PermissionBasis::DiscordRole {
                guild: id(guild),
                role: id(1),
            },
            added: UnixSeconds(0),
        }
    }

    fn at(checks: &[BasisCheck]) -> Vec<(DiscordId, u64, usize)> {
        let guild = |check: &BasisCheck| match check.source {
            BasisSource::Guild(guild) => guild,
            BasisSource::Group(group) => panic!("{group}"),
        };
        let all = checks.iter();
        all.map(|check| (guild(check), check.at.0, check.held.len()))
            .collect()
    }

    #[test]
    fn silent_guild_keeps_what_it_said() {
        let rules = [rule(10), rule(20)];
        let member = GuildMember {
            roles: vec![id(1)],
            timed_out_until: None,
        };
        let view = |member| GuildView {
            member,
            guild: None,
        };
        let both = BTreeMap::from([
            (id(10), Ok(view(Some(member.clone())))),
            (id(20), Ok(view(Some(member)))),
        ]);
        let first = judge(&rules, id(5), &both, UnixSeconds(100));
        assert_eq!(at(&first), [(id(10), 100, 1), (id(20), 100, 1)]);
        let down = Err(DiscordError::Unavailable(String::new()));
        let one = BTreeMap::from([(id(10), Ok(view(None))), (id(20), down)]);
        let second = merged(&rules, &first, judge(&rules, id(5), &one, UnixSeconds(400)));
        assert_eq!(at(&second), [(id(10), 400, 0), (id(20), 100, 1)]);
        let [first_rule, _] = rules;
        assert_eq!(
            at(&merged(&[first_rule], &second, Vec::new())),
            [(id(10), 400, 0)]
        );
    }
}
