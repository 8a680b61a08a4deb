//! Keeps what a member may do in line with their roles and permissions on Discord.

use std::collections::BTreeMap;

use crate::domain::clock::UnixSeconds;
use crate::domain::error::ApiError;
use crate::domain::members::{BasisCheck, DiscordId, GuildView, PermissionRule, guilds_to_ask};
use crate::integrations::discord::{DiscordBot, DiscordError};
use crate::store::{SignedIn, Store};

/// Asks Discord about the rules of a signed-in member that were last checked five minutes ago, and
/// gives them the permissions that are valid then. A guild that does not answer keeps what it last
/// said, for as long as that counts. Returns why one did not answer.
pub async fn check_basis(
    store: &Store,
    bot: &DiscordBot,
    signed_in: &mut SignedIn,
    now: UnixSeconds,
) -> Result<Option<DiscordError>, ApiError> {
    let Some(user) = signed_in.member.discord else {
        return Ok(None);
    };
    let guilds = guilds_to_ask(&signed_in.rules, &signed_in.member.checked, now);
    if guilds.is_empty() {
        return Ok(None);
    }
    let views = bot.views(user, &guilds).await;
    let judged = judge(&signed_in.rules, user, &views, now);
    if !judged.is_empty() {
        let checked = merged(&signed_in.rules, &signed_in.member.checked, judged);
        let (prefix, member) = (signed_in.workspace.guid.prefix(), signed_in.member.id);
        store.record_basis_checks(prefix, member, &checked).await?;
        signed_in.member.checked = checked;
        signed_in.permissions = signed_in.member.permissions(&signed_in.rules, now);
    }
    Ok(views.into_values().find_map(Result::err))
}

/// What follows for a user from what was seen of them.
#[must_use]
pub fn judge(
    rules: &[PermissionRule],
    user: DiscordId,
    views: &BTreeMap<DiscordId, Result<GuildView, DiscordError>>,
    now: UnixSeconds,
) -> Vec<BasisCheck> {
    let is_named = |guild| rules.iter().any(|rule| rule.basis.guild() == Some(guild));
    let seen = views.iter().filter(|(guild, _)| is_named(**guild));
    let seen = seen.filter_map(|(guild, view)| Some((*guild, view.as_ref().ok()?)));
    let checks = seen.map(|(guild, view)| BasisCheck::of(rules, user, guild, view, now));
    checks.collect()
}

/// The new checks, and the old ones of guilds that a rule still names.
fn merged(
    rules: &[PermissionRule],
    old: &[BasisCheck],
    mut new: Vec<BasisCheck>,
) -> Vec<BasisCheck> {
    for check in old {
        let is_named = rules
            .iter()
            .any(|rule| rule.basis.guild() == Some(check.guild));
        if is_named && !new.iter().any(|known| known.guild == check.guild) {
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
        let all = checks.iter();
        all.map(|check| (check.guild, check.at.0, check.held.len()))
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
