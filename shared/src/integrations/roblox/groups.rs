//! Roles in groups: the roles of a group, the roles of a member, and their changes.
//!
//! The deprecated update of a membership is never used: it is not documented whether it replaces all
//! roles of a member.

use lambda_http::http::Method;
use serde_json::{Value, json};

use super::answer::RobloxError;
use super::client::{Roblox, RobloxKey, json_object};
use crate::domain::ids::{GroupId, RoleId, UserId};
use crate::domain::rules::group_roles::{GroupRole, Rank, RoleStep};

/// The largest page of roles that Roblox returns.
const PAGE: &str = "20";

/// Some roles of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRolePage {
    pub roles: Vec<GroupRole>,
    /// The token of the next page, if there is one.
    pub next: Option<String>,
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMember {
    /// Roblox's id of the membership, which is not the user's.
    id: String,
    /// All roles that they hold.
    pub roles: Vec<RoleId>,
}

impl GroupRolePage {
    fn read(answer: &Value) -> Result<Self, RobloxError> {
        let roles = answer.get("groupRoles").and_then(Value::as_array);
        let roles = roles.into_iter().flatten().map(read_role);
        let next = answer.get("nextPageToken").and_then(Value::as_str);
        Ok(Self {
            roles: roles
                .collect::<Option<_>>()
                .ok_or_else(|| unintelligible("a role"))?,
            next: next.filter(|token| !token.is_empty()).map(str::to_owned),
        })
    }
}

fn read_role(role: &Value) -> Option<GroupRole> {
    let id = match role.get("id") {
        Some(id) => id.as_str()?.parse().ok()?,
        None => last_id(role.get("path")?)?,
    };
    // A rank of 0 may be left out.
    let rank = role.get("rank").map_or(Some(0), Value::as_u64)?;
    let name = role.get("displayName").and_then(Value::as_str);
    Some(GroupRole {
        id,
        name: name.unwrap_or_default().to_owned(),
        rank: Rank::new(rank)?,
    })
}

/// The id at the end of a path such as `groups/7/roles/99`.
fn last_id(path: &Value) -> Option<RoleId> {
    path.as_str()?.rsplit('/').next()?.parse().ok()
}

impl GroupMember {
    fn read(membership: &Value) -> Option<Self> {
        let id = membership.get("path")?.as_str()?.rsplit('/').next()?;
        let is_id = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '=');
        let roles = match membership.get("roles").and_then(Value::as_array) {
            Some(roles) => roles.iter().map(last_id).collect::<Option<Vec<_>>>()?,
            None => vec![last_id(membership.get("role")?)?],
        };
        let is_sound = !id.is_empty() && id.chars().all(is_id) && !roles.is_empty();
        is_sound.then(|| Self {
            id: id.to_owned(),
            roles,
        })
    }
}

fn unintelligible(what: &str) -> RobloxError {
    RobloxError::Unavailable(format!("the answer contains {what} that is unintelligible"))
}

impl Roblox {
    /// A page of a group's roles.
    pub async fn group_roles(
        &self,
        key: &RobloxKey,
        group: GroupId,
        after: Option<&str>,
    ) -> Result<GroupRolePage, RobloxError> {
        let mut url = self.url(&format!("cloud/v2/groups/{group}/roles"));
        url.query_pairs_mut().append_pair("maxPageSize", PAGE);
        if let Some(token) = after {
            url.query_pairs_mut().append_pair("pageToken", token);
        }
        let answer = self.send(Method::GET, url, Some(key), None).await?;
        GroupRolePage::read(&json_object(&answer)?)
    }

    /// A user as a member of a group, if they are one.
    pub async fn group_member(
        &self,
        key: &RobloxKey,
        group: GroupId,
        user: UserId,
    ) -> Result<Option<GroupMember>, RobloxError> {
        let mut url = self.url(&format!("cloud/v2/groups/{group}/memberships"));
        url.query_pairs_mut()
            .append_pair("maxPageSize", "1")
            .append_pair("filter", &format!("user == 'users/{user}'"));
        let answer = self.send(Method::GET, url, Some(key), None).await?;
        let answer = json_object(&answer)?;
        let found = answer.pointer("/groupMemberships/0");
        let read = |found| GroupMember::read(found).ok_or_else(|| unintelligible("a membership"));
        found.map(read).transpose()
    }

    /// Assigns a role to a member or removes one, and returns the member afterwards.
    pub async fn change_roles(
        &self,
        key: &RobloxKey,
        group: GroupId,
        member: &GroupMember,
        step: RoleStep,
    ) -> Result<GroupMember, RobloxError> {
        let (action, role) = match step {
            RoleStep::Assign(role) => ("assignRole", role),
            RoleStep::Unassign(role) => ("unassignRole", role),
        };
        let id = &member.id;
        let url = self.url(&format!(
            "cloud/v2/groups/{group}/memberships/{id}:{action}"
        ));
        let body = json!({ "role": format!("groups/{group}/roles/{role}") });
        let answer = self.send(Method::POST, url, Some(key), Some(body)).await?;
        GroupMember::read(&json_object(&answer)?).ok_or_else(|| unintelligible("a membership"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(id: u64) -> RoleId {
        RoleId::new(id).unwrap()
    }

    #[test]
    fn roles_are_read_with_their_ranks() {
        let answer = json!({ "nextPageToken": "t", "groupRoles": [
            { "path": "groups/7/roles/99", "id": "99", "displayName": "Member", "rank": 1 },
            { "path": "groups/7/roles/98" },
        ]});
        let page = GroupRolePage::read(&answer).unwrap();
        let shown: Vec<_> = page
            .roles
            .iter()
            .map(|role| (role.id, role.rank.get()))
            .collect();
        assert_eq!(shown, [(id(99), 1), (id(98), 0)]);
        assert_eq!(page.next.as_deref(), Some("t"));
        let last = GroupRolePage::read(&json!({ "nextPageToken": "" })).unwrap();
        assert_eq!((last.roles.len(), last.next), (0, None));
        let strange = json!({ "groupRoles": [{ "id": "99", "rank": 256 }] });
        assert!(GroupRolePage::read(&strange).is_err());
    }

    #[test]
    fn member_has_all_roles_that_roblox_lists() {
        let read = |it: Value| GroupMember::read(&it).map(|member| (member.id, member.roles));
        let path = "groups/7/memberships/MTU2";
        let all = json!({ "path": path, "role": "groups/7/roles/2",
            "roles": ["groups/7/roles/1", "groups/7/roles/2"] });
        assert_eq!(read(all), Some(("MTU2".to_owned(), vec![id(1), id(2)])));
        let one = json!({ "path": path, "role": "groups/7/roles/2" });
        assert_eq!(read(one), Some(("MTU2".to_owned(), vec![id(2)])));
        for strange in [
            json!({ "path": path }),
            json!({ "path": path, "roles": [] }),
            json!({ "path": path, "roles": ["groups/7/roles/x"] }),
            json!({ "path": "groups/7/memberships/..%2f", "role": "groups/7/roles/2" }),
            json!({ "role": "groups/7/roles/2" }),
        ] {
            assert_eq!(read(strange.clone()), None, "{strange}");
        }
    }
}
