//! Makes a Discord user a member of the workspaces whose rules give them a permission.

use std::collections::BTreeMap;

use shared::domain::clock::UnixSeconds;
use shared::domain::error::ApiError;
use shared::domain::ids::WorkspacePrefix;
use shared::domain::members::{
    DiscordId, GuildView, Member, MemberId, MemberName, MemberPermissions, PermissionRule,
    guilds_to_ask,
};
use shared::integrations::discord::{DiscordError, DiscordUser};
use shared::moderation::basis::{BasisFailures, judge, judge_ranks};
use shared::store::Store;

use super::DiscordApplication;

/// How many guilds a sign-in asks about.
const MOST_GUILDS: usize = 20;

/// Of which workspaces a person is a member.
#[derive(Debug)]
pub struct JoinedWorkspaces {
    pub memberships: Vec<(WorkspacePrefix, MemberId)>,
    /// Whether an administrator has removed them from a workspace: rules do not bring them back.
    pub was_removed: bool,
    pub failures: BasisFailures,
}

/// The workspaces of which a user is a member or now becomes one.
pub async fn join(
    store: &Store,
    application: &DiscordApplication,
    user: &DiscordUser,
    now: UnixSeconds,
) -> Result<JoinedWorkspaces, ApiError> {
    let memberships = store.memberships(user.id).await?;
    let mut open = store.discord_rules().await?;
    open.retain(|(prefix, _)| memberships.iter().all(|(known, _)| known != prefix));
    let rules = open.iter().flat_map(|(_, rules)| rules.iter().cloned());
    let guilds = guilds_to_ask(&rules.collect::<Vec<_>>(), &[], now);
    let guilds = guilds.into_iter().take(MOST_GUILDS).collect();
    let views = application.bot.views(user.id, &guilds).await;
    let mut joined = JoinedWorkspaces {
        memberships,
        was_removed: false,
        failures: BasisFailures::default(),
    };
    let mut has_joined = false;
    for (prefix, rules) in open {
        let Some(mut member) = new_member(user, &rules, &views, now) else {
            continue;
        };
        let ranks = judge_ranks(store, &application.ranks, prefix, &member, &rules, now);
        match ranks.await? {
            Ok(ranks) => member.checked.extend(ranks),
            Err(error) => joined.failures.roblox = Some(error),
        }
        if member.permissions(&rules, now).is_empty() {
            continue;
        }
        if store.was_removed(prefix, user.id).await? {
            joined.was_removed = true;
            continue;
        }
        // On a conflict, a simultaneous sign-in has added them.
        let _ = store.add_member(prefix, &member).await?;
        has_joined = true;
    }
    if has_joined {
        joined.memberships = store.memberships(user.id).await?;
    }
    joined.failures.discord = views.into_values().find_map(Result::err);
    Ok(joined)
}

/// The member that a user becomes if the rules give them a permission.
fn new_member(
    user: &DiscordUser,
    rules: &[PermissionRule],
    views: &BTreeMap<DiscordId, Result<GuildView, DiscordError>>,
    now: UnixSeconds,
) -> Option<Member> {
    Some(Member {
        id: MemberId::random(),
        name: name(user)?,
        discord: Some(user.id),
        roblox: None,
        granted: MemberPermissions::default(),
        added: now,
        removed: None,
        checked: judge(rules, user.id, views, now),
    })
}

/// Their name at Discord, or their id if that is no name here.
fn name(user: &DiscordUser) -> Option<MemberName> {
    let names = [user.display_name(), user.username.as_str()];
    let mut names = names.into_iter().filter_map(|name| name.parse().ok());
    let unnamed = || format!("Discord user {}", user.id).parse().ok();
    names.next().or_else(unnamed)
}

#[cfg(test)]
mod tests {
    use shared::domain::members::{GuildMember, MemberPermission, PermissionBasis, RuleId};

    use super::*;

    fn id(number: u64) -> DiscordId {
        DiscordId::new(80_351_110_224_678_912 + number).unwrap()
    }

    fn user(global_name: Option<&str>) -> DiscordUser {
        DiscordUser {
            id: id(1),
            username: "ada".to_owned(),
            global_name: global_name.map(str::to_owned),
        }
    }

    fn rule(permission: MemberPermission, basis: PermissionBasis) -> PermissionRule {
        PermissionRule {
            id: RuleId::random(),
            permission,
            basis,
            added: UnixSeconds(0),
        }
    }

    #[test]
    fn member_has_a_name_that_the_workspace_accepts() {
        for (global_name, expected) in [
            (Some("Ada Lovelace"), "Ada Lovelace"),
            (None, "ada"),
            (Some("\u{202E}adA"), "ada"),
            (Some(""), "ada"),
        ] {
            assert_eq!(name(&user(global_name)).unwrap().as_str(), expected);
        }
        let nameless = DiscordUser {
            username: "\u{200B}".to_owned(),
            ..user(None)
        };
        let expected = format!("Discord user {}", nameless.id);
        assert_eq!(name(&nameless).unwrap().as_str(), expected);
    }

    #[test]
    fn rules_give_permissions_to_those_who_fulfil_them() {
        let (guild, role) = (id(10), id(11));
        let rules = [
            rule(
                MemberPermission::ManageBans,
                PermissionBasis::DiscordRole { guild, role },
            ),
            rule(
                MemberPermission::Administrator,
                PermissionBasis::DiscordUser { user: id(2) },
            ),
        ];
        let seen = |roles: &[DiscordId]| {
            let member = GuildMember {
                roles: roles.to_vec(),
                timed_out_until: None,
            };
            let view = GuildView {
                member: Some(member),
                guild: None,
            };
            BTreeMap::from([(guild, Ok(view))])
        };
        let now = UnixSeconds(1_000);
        let ada = user(None);
        for views in [seen(&[]), BTreeMap::new()] {
            let nobody = new_member(&ada, &rules, &views, now).unwrap();
            assert!(nobody.permissions(&rules, now).is_empty());
        }
        let member = new_member(&ada, &rules, &seen(&[role]), now).unwrap();
        let permissions = member.permissions(&rules, now);
        assert!(permissions.names(MemberPermission::ManageBans));
        assert!(!permissions.allows(MemberPermission::Administrator));
        assert!(member.granted.is_empty());
    }
}
