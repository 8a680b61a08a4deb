//! The members of the workspace and the rules that give them permissions.

use askama::Template;
use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};
use shared::domain::error::ApiError;
use shared::domain::ids::UserId;
use shared::domain::members::{Member, MemberId, PermissionRule};

use super::done::DoneLine;
use super::last_administrator::ConfirmView;
use super::member_form::{TypedMember, words};
use super::rules::{RuleView, TypedRule};
use super::tabs::{SettingsTab, TabView};
use super::{form_key, new_key, use_form};
use crate::frame::Frame;
use crate::headers;
use crate::look::Look;
use crate::times::TimeTag;
use crate::visit::{self, Visit};

#[derive(Template)]
#[template(path = "settings/members.html")]
struct MembersPage {
    look: Look,
    frame: Frame,
    tabs: Vec<TabView>,
    done: Option<DoneLine>,
    shows_removed: bool,
    members: Vec<MemberRow>,
    key: String,
    typed: TypedMember,
    rules: Vec<RuleView>,
    rule: TypedRule,
    /// The rule whose removal takes the last administrator's permission.
    confirm: Option<(String, ConfirmView)>,
}

/// A member in the list.
struct MemberRow {
    id: MemberId,
    name: String,
    class: &'static str,
    state: &'static str,
    /// What they may do, with the permissions that rules give.
    permissions: Vec<&'static str>,
    discord: Option<String>,
    roblox: Option<u64>,
    added: TimeTag,
    removed: Option<TimeTag>,
}

/// What a page shows besides the stored members and rules.
pub struct ShownMembers {
    pub done: Option<DoneLine>,
    pub typed: TypedMember,
    pub key: String,
    pub rule: TypedRule,
    pub confirm: Option<(String, ConfirmView)>,
}

impl Default for ShownMembers {
    fn default() -> Self {
        Self {
            done: None,
            typed: TypedMember::empty(),
            key: new_key(),
            rule: TypedRule::default(),
            confirm: None,
        }
    }
}

pub async fn show(visit: &Visit) -> Result<Response<Body>, ApiError> {
    page(visit, StatusCode::OK, ShownMembers::default()).await
}

/// The page with what was typed and what is wrong with it.
pub async fn page(
    visit: &Visit,
    status: StatusCode,
    shown: ShownMembers,
) -> Result<Response<Body>, ApiError> {
    let (store, prefix) = (&visit.store, visit.prefix());
    let (members, rules) = tokio::try_join!(store.members(prefix), store.permission_rules(prefix))?;
    let query = visit.query();
    let shows_removed = query.text("state") == "removed";
    let done = shown.done.or_else(|| done(&members, &query));
    let rows = members.iter();
    let rows = rows.filter(|member| member.removed.is_some() == shows_removed);
    let page = MembersPage {
        look: visit.look,
        frame: visit.frame(),
        tabs: SettingsTab::Members.tabs(),
        done,
        shows_removed,
        members: rows.map(|it| MemberRow::new(it, &rules, visit)).collect(),
        key: shown.key,
        typed: shown.typed,
        rules: rules.iter().map(RuleView::new).collect(),
        rule: shown.rule,
        confirm: shown.confirm,
    };
    visit::show(status, &page)
}

/// The line about what the query says was done to a member.
fn done(members: &[Member], query: &crate::form::Submitted) -> Option<DoneLine> {
    match query.text("done") {
        "rule-added" => return Some(DoneLine::new("The rule is added.")),
        "rule-removed" => {
            return Some(DoneLine::new(
                "The rule is removed. Who had a permission by it loses it within five minutes.",
            ));
        }
        _ => {}
    }
    let id: MemberId = query.parsed("of")?;
    let name = members.iter().find(|member| member.id == id)?.name.as_str();
    let action = format!("/console/settings/members/{id}");
    match query.text("done") {
        "added" => Some(DoneLine::new(format!(
            "{name} is a member. They sign in with a link: open their page to make one."
        ))),
        "removed" => {
            let line =
                format!("{name} is removed and signed out. Their decisions keep their name.");
            Some(DoneLine::new(line).undone_by(format!("{action}/restore"), Vec::new()))
        }
        _ => None,
    }
}

pub async fn add(visit: &Visit) -> Result<Response<Body>, ApiError> {
    let form = visit.form()?;
    let key = form_key(&form);
    let (typed, fields) = TypedMember::read(visit, &form).await;
    let shown = |typed| ShownMembers {
        typed,
        key: key.clone(),
        ..ShownMembers::default()
    };
    let Some(fields) = fields else {
        return page(visit, StatusCode::UNPROCESSABLE_ENTITY, shown(typed)).await;
    };
    let prefix = visit.prefix();
    let mut member = Member {
        id: MemberId::random(),
        name: fields.name.clone(),
        discord: None,
        roblox: None,
        granted: fields.granted.clone(),
        added: visit.now(),
        removed: None,
        checked: Vec::new(),
    };
    fields.apply(&mut member);
    if !use_form(visit, "member", &key).await? {
        return Ok(headers::see_other("/console/settings/members"));
    }
    if visit.store.add_member(prefix, &member).await?.is_err() {
        let shown = ShownMembers {
            typed: typed.taken(),
            ..ShownMembers::default()
        };
        return page(visit, StatusCode::CONFLICT, shown).await;
    }
    let id = member.id;
    let list = format!("/console/settings/members?done=added&of={id}");
    Ok(headers::see_other(&list))
}

impl MemberRow {
    fn new(member: &Member, rules: &[PermissionRule], visit: &Visit) -> Self {
        let now = visit.now();
        let permissions = member.permissions(rules, now);
        let (class, state) = match member.removed {
            Some(_) => ("s-expired", "Removed"),
            None if permissions.is_empty() => ("s-timed", "May do nothing"),
            None => ("s-free", "Member"),
        };
        Self {
            id: member.id,
            name: member.name.to_string(),
            class,
            state,
            permissions: permissions.iter().map(words).collect(),
            discord: member.discord.map(|id| id.to_string()),
            roblox: member.roblox.map(UserId::get),
            added: TimeTag::new(member.added, now),
            removed: member.removed.map(|at| TimeTag::new(at, now)),
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::domain::clock::UnixSeconds;
    use shared::domain::members::{MemberPermission, PermissionBasis, RuleId};

    use super::*;
    use crate::ban_view::tests::{HOSTILE, NOW};
    use crate::form::TypedField;

    #[test]
    fn hostile_names_are_escaped() {
        let rule = PermissionRule {
            id: RuleId::random(),
            permission: MemberPermission::ManageBans,
            basis: PermissionBasis::DiscordUser {
                user: "80351110224678912".parse().unwrap(),
            },
            added: UnixSeconds(0),
        };
        let row = MemberRow {
            id: MemberId::random(),
            name: HOSTILE.to_owned(),
            class: "s-free",
            state: "Member",
            permissions: vec!["Sees bans"],
            discord: None,
            roblox: Some(156),
            added: TimeTag::new(NOW, NOW),
            removed: None,
        };
        let hostile = TypedField {
            text: HOSTILE.to_owned(),
            error: Some("Wrong".to_owned()),
        };
        let page = MembersPage {
            look: Look::default(),
            frame: Frame::example(true),
            tabs: SettingsTab::Members.tabs(),
            done: Some(DoneLine::new(HOSTILE)),
            shows_removed: false,
            members: vec![row],
            key: "key".to_owned(),
            typed: TypedMember {
                name: hostile.clone(),
                ..TypedMember::empty()
            },
            rule: TypedRule {
                value: hostile,
                ..TypedRule::default()
            },
            confirm: Some((
                rule.id.to_string(),
                ConfirmView {
                    name: HOSTILE.to_owned(),
                    typed: HOSTILE.to_owned(),
                },
            )),
            rules: vec![RuleView::new(&rule)],
        };
        let html = page.render().unwrap();
        assert!(!html.contains("<img"), "{html}");
        assert!(html.contains("Discord user 80351110224678912"), "{html}");
    }
}
