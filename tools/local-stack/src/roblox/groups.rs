//! Groups: their roles, their members, and the changes of a member's roles.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::answer::{self, Answer};
use super::faults::too_many;
use super::restrictions::page;
use super::routes::Call;
use super::state::State;

const GUEST: u64 = 0;
const OWNER: u64 = 255;
const WINDOW: Duration = Duration::from_mins(1);

/// A role of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    pub name: String,
    pub rank: u64,
}

/// A group: its roles by id, and the roles that each member holds.
#[derive(Clone, Debug, Default)]
pub struct Group {
    pub roles: BTreeMap<u64, Role>,
    pub members: BTreeMap<u64, BTreeSet<u64>>,
}

impl Group {
    /// A group with these roles, by id and rank.
    pub fn new(roles: &[(u64, u64)]) -> Self {
        let role = |(id, rank): &(u64, u64)| {
            let name = format!("Role {id}");
            (*id, Role { name, rank: *rank })
        };
        Self {
            roles: roles.iter().map(role).collect(),
            members: BTreeMap::new(),
        }
    }

    /// The same with a member who holds these roles.
    #[must_use]
    pub fn with(mut self, user: u64, roles: &[u64]) -> Self {
        self.members.insert(user, roles.iter().copied().collect());
        self
    }

    fn rank(&self, role: u64) -> u64 {
        self.roles.get(&role).map_or(GUEST, |role| role.rank)
    }

    /// The highest rank of a user.
    fn rank_of(&self, user: u64) -> u64 {
        let held = self.members.get(&user).into_iter().flatten();
        held.map(|role| self.rank(*role)).max().unwrap_or(GUEST)
    }

    /// Why Roblox refuses that `by` changes this role of a user.
    fn refusal(&self, by: u64, user: u64, role: u64) -> Option<Answer> {
        let denied = |text| Some(answer::refusal(403, "PERMISSION_DENIED", text));
        match self.roles.get(&role).map(|role| role.rank) {
            None => {
                return Some(answer::refusal(
                    404,
                    "NOT_FOUND",
                    "The role does not exist.",
                ));
            }
            Some(GUEST | OWNER) => {
                return Some(answer::invalid(
                    "The role cannot be assigned or unassigned.",
                ));
            }
            Some(_) if by == user => return denied("You cannot change your own role."),
            Some(rank) if rank >= self.rank_of(by) => {
                return denied("You cannot manage a role of your own rank or above.");
            }
            Some(_) => {}
        }
        if self.rank_of(user) >= self.rank_of(by) {
            return denied("You are not permitted to manage this member.");
        }
        None
    }
}

/// The calls of each owner of keys within the last minute.
#[derive(Debug)]
pub struct OwnerCalls {
    pub per_minute: usize,
    calls: HashMap<u64, VecDeque<Instant>>,
}

impl Default for OwnerCalls {
    /// The documented limit.
    fn default() -> Self {
        Self {
            per_minute: 300,
            calls: HashMap::new(),
        }
    }
}

impl OwnerCalls {
    /// Counts a call, or returns in how many seconds the next one is allowed.
    fn count(&mut self, owner: u64) -> Result<(), u64> {
        let (now, calls) = (Instant::now(), self.calls.entry(owner).or_default());
        while calls
            .front()
            .is_some_and(|at| now.duration_since(*at) >= WINDOW)
        {
            calls.pop_front();
        }
        if calls.len() < self.per_minute {
            calls.push_back(now);
            return Ok(());
        }
        let since = calls.front().map_or(Duration::ZERO, Instant::elapsed);
        Err(WINDOW.saturating_sub(since).as_secs().saturating_add(1))
    }
}

pub fn answer(state: &mut State, call: &Call, path: &[&str]) -> Answer {
    let key = call.key.as_ref().and_then(|key| state.keys.get(key));
    let Some(key) = key.filter(|key| key.alive) else {
        return answer::gateway(401, "Invalid API Key");
    };
    let (owner, writes) = (key.owner, key.scopes.contains("group:write"));
    let groups = key.groups.clone();
    if let Err(after) = state.group_calls.count(owner) {
        return too_many(state.limits.limits().says_when.then_some(after));
    }
    let [id, rest @ ..] = path else {
        return answer::gateway(404, "Not Found");
    };
    let Ok(id) = id.parse::<u64>() else {
        return answer::invalid("The group is not a number.");
    };
    let Some(group) = state.groups.get_mut(&id) else {
        return answer::refusal(404, "NOT_FOUND", "The group does not exist.");
    };
    match (call.method.as_str(), rest) {
        ("GET", ["roles"]) => {
            let roles: Vec<u64> = group.roles.keys().copied().collect();
            page(call, &roles, 20, "groupRoles", |role| {
                role_json(id, group, *role)
            })
        }
        ("GET", ["memberships"]) => memberships(call, id, group),
        ("POST", ["memberships", member]) => {
            if !writes || !(groups.is_empty() || groups.contains(&id)) {
                let text =
                    "The caller does not have permission to execute the specified operation.";
                return answer::refusal(403, "PERMISSION_DENIED", text);
            }
            let (answer, change) = change(call, id, group, member, owner);
            state.role_changes.extend(change);
            answer
        }
        _ => answer::gateway(404, "Not Found"),
    }
}

/// The groups of a user, which everybody may read.
pub fn of_user(state: &State, user: &str) -> Answer {
    let Ok(user) = user.parse::<u64>() else {
        return answer::gateway(404, "Not Found");
    };
    let mut data = Vec::new();
    for (id, group) in &state.groups {
        for role in group.members.get(&user).into_iter().flatten() {
            let name = group.roles.get(role).map_or("", |role| role.name.as_str());
            data.push(json!({
                "group": { "id": id, "name": format!("Group {id}") },
                "role": { "id": role, "name": name, "rank": group.rank(*role) },
            }));
        }
    }
    Answer::json(200, &json!({ "data": data }))
}

fn role_json(group: u64, of: &Group, id: u64) -> Value {
    let role = of.roles.get(&id);
    let name = role.map_or("", |role| role.name.as_str());
    let mut json = json!({
        "path": format!("groups/{group}/roles/{id}"),
        "id": id.to_string(),
        "displayName": name,
        "rank": of.rank(id),
    });
    if of.rank(id) != GUEST
        && let Some(object) = json.as_object_mut()
    {
        let holders = of.members.values().filter(|held| held.contains(&id));
        object.insert("memberCount".to_owned(), json!(holders.count()));
    }
    json
}

/// The list of members, filtered to one user.
fn memberships(call: &Call, id: u64, group: &Group) -> Answer {
    let users: Vec<u64> = match call.query.get("filter") {
        None => group.members.keys().copied().collect(),
        Some(filter) => {
            let user = filter
                .strip_prefix("user == 'users/")
                .and_then(|rest| rest.strip_suffix('\''))
                .and_then(|user| user.parse().ok());
            let Some(user) = user else {
                return answer::invalid("The filter is invalid.");
            };
            let found = group.members.contains_key(&user).then_some(user);
            found.into_iter().collect()
        }
    };
    page(call, &users, 100, "groupMemberships", |user| {
        member_json(id, group, *user)
    })
}

/// Memberships have ids of their own.
fn membership_id(user: u64) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(user.to_string())
}

fn member_json(id: u64, group: &Group, user: u64) -> Value {
    let held = group.members.get(&user).cloned().unwrap_or_default();
    let path = |role: &u64| format!("groups/{id}/roles/{role}");
    let highest = held.iter().max_by_key(|role| group.rank(**role));
    json!({
        "path": format!("groups/{id}/memberships/{}", membership_id(user)),
        "createTime": "2026-01-02T03:04:05Z",
        "updateTime": "2026-01-02T03:04:05Z",
        "user": format!("users/{user}"),
        "role": highest.map(path).unwrap_or_default(),
        "roles": held.iter().map(path).collect::<Vec<_>>(),
    })
}

/// Assigns or unassigns a role. A change that is already made does nothing.
fn change(
    call: &Call,
    id: u64,
    group: &mut Group,
    member: &str,
    by: u64,
) -> (Answer, Option<String>) {
    let Some((member, action)) = member.rsplit_once(':') else {
        return (answer::gateway(404, "Not Found"), None);
    };
    let mut users = group.members.keys().copied();
    let Some(user) = users.find(|user| membership_id(*user) == member) else {
        let refusal = answer::refusal(404, "NOT_FOUND", "The membership does not exist.");
        return (refusal, None);
    };
    let body = call.json().unwrap_or_default();
    let prefix = format!("groups/{id}/roles/");
    let role = body.get("role").and_then(Value::as_str);
    let role = role.and_then(|role| role.strip_prefix(&prefix)?.parse::<u64>().ok());
    let Some(role) = role else {
        return (answer::invalid("The role is invalid."), None);
    };
    if let Some(refusal) = group.refusal(by, user, role) {
        return (refusal, None);
    }
    let held = group.members.entry(user).or_default();
    let changed = match action {
        "assignRole" => held.insert(role).then(|| format!("assign {role} {user}")),
        "unassignRole" => held
            .remove(&role)
            .then(|| format!("unassign {role} {user}")),
        _ => return (answer::gateway(404, "Not Found"), None),
    };
    (Answer::json(200, &member_json(id, group, user)), changed)
}
