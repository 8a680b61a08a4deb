//! One member: name, accounts, permissions, an invitation, and the end of their membership.

use askama::Template;
use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};

use shared::domain::error::ApiError;
use shared::domain::members::{
    INVITATION_VALID, Member, MemberId, MemberPermission, PermissionRule,
};
use shared::domain::rules::Meaning;

use super::done::DoneLine;
use super::last_administrator::{AuthorityChange, ConfirmView, with_changed};
use super::member_form::{TypedMember, words};
use super::tabs::{SettingsTab, TabView};
use crate::frame::Frame;
use crate::headers;
use crate::look::Look;
use crate::times::TimeTag;
use crate::visit::{self, Visit};

const NO_MEMBER: ApiError = ApiError::NotFound("this workspace has no member with this id");

const CHANGED: &str = "Not saved: another administrator changed this member since you opened the page. \
    The box below shows what is stored now. Save again to replace it with what you typed.";

#[derive(Template)]
#[template(path = "settings/member.html")]
struct MemberPage {
    look: Look,
    frame: Frame,
    tabs: Vec<TabView>,
    done: Option<DoneLine>,
    id: String,
    name: String,
    is_self: bool,
    added: TimeTag,
    removed: Option<TimeTag>,
    /// Permissions that rules give.
    by_rules: Vec<&'static str>,
    may_nothing: bool,
    typed: TypedMember,
    /// The state from which the form was made.
    seen: String,
    confirm: Option<ConfirmView>,
    /// What another administrator stored meanwhile.
    newer: Option<TypedMember>,
    note: Option<&'static str>,
    /// A new link to sign in, shown once.
    link: Option<LinkView>,
}

/// A link by which the member signs in.
struct LinkView {
    url: String,
    until: TimeTag,
}

/// A member, and what their permissions depend on.
struct Stored {
    member: Member,
    members: Vec<Member>,
    rules: Vec<PermissionRule>,
}

impl Stored {
    async fn read(visit: &Visit, id: MemberId) -> Result<Self, ApiError> {
        let (store, prefix) = (&visit.store, visit.prefix());
        let (members, rules) =
            tokio::try_join!(store.members(prefix), store.permission_rules(prefix))?;
        let member = members.iter().find(|member| member.id == id).cloned();
        Ok(Self {
            member: member.ok_or(NO_MEMBER)?,
            members,
            rules,
        })
    }

    /// What has to be typed before the member becomes this one.
    fn demand(
        &self,
        after: &Member,
        form: &crate::form::Submitted,
        visit: &Visit,
    ) -> Option<ConfirmView> {
        let members = with_changed(&self.members, after);
        let change = AuthorityChange {
            before: (&self.members, &self.rules),
            after: (&members, &self.rules),
        };
        change.demand(form, self.member.name.as_str(), visit.now())
    }
}

pub async fn show(visit: &Visit, id: MemberId) -> Result<Response<Body>, ApiError> {
    let stored = Stored::read(visit, id).await?;
    let mut page = MemberPage::new(visit, &stored);
    page.done = match visit.query().text("done") {
        "saved" => Some(DoneLine::new(
            "Saved. What changed holds from their next page on.",
        )),
        "restored" => Some(DoneLine::new(
            "A member again, with the permissions as before. They sign in with a new link.",
        )),
        _ => None,
    };
    visit::show(StatusCode::OK, &page)
}

/// Saves name, accounts and permissions, unless another administrator changed them meanwhile.
pub async fn change(visit: &Visit, id: MemberId) -> Result<Response<Body>, ApiError> {
    let form = visit.form()?;
    let stored = Stored::read(visit, id).await?;
    let (typed, fields) = TypedMember::read(visit, &form).await;
    let Some(fields) = fields else {
        let page = MemberPage::new(visit, &stored).with_typed(typed, form.text("seen"));
        return visit::show(StatusCode::UNPROCESSABLE_ENTITY, &page);
    };
    let mut after = stored.member.clone();
    fields.apply(&mut after);
    if let Some(confirm) = stored.demand(&after, &form, visit) {
        let mut page = MemberPage::new(visit, &stored).with_typed(typed, form.text("seen"));
        page.confirm = Some(confirm);
        return visit::show(StatusCode::UNPROCESSABLE_ENTITY, &page);
    }
    let save = |member: &mut Member| {
        if seen(member) == form.text("seen") {
            fields.apply(member);
        }
    };
    let changed = visit.store.change_member(visit.prefix(), id, save).await?;
    let Ok(changed) = changed.ok_or(NO_MEMBER)? else {
        let page = MemberPage::new(visit, &stored).with_typed(typed.taken(), form.text("seen"));
        return visit::show(StatusCode::CONFLICT, &page);
    };
    if !fields.are_of(&changed) {
        let stored = Stored::read(visit, id).await?;
        let newest = seen(&stored.member);
        let mut page = MemberPage::new(visit, &stored).with_typed(typed, &newest);
        page.newer = Some(TypedMember::stored(&stored.member));
        page.note = Some(CHANGED);
        return visit::show(StatusCode::CONFLICT, &page);
    }
    let page = format!("/console/settings/members/{id}?done=saved");
    Ok(headers::see_other(&page))
}

/// Makes a link to sign in and shows it once.
pub async fn invite(visit: &Visit, id: MemberId) -> Result<Response<Body>, ApiError> {
    visit.form()?;
    let stored = Stored::read(visit, id).await?;
    let mut page = MemberPage::new(visit, &stored);
    if stored.member.removed.is_some() {
        page.note = Some("No link: this person was removed. Make them a member again first.");
        return visit::show(StatusCode::CONFLICT, &page);
    }
    let now = visit.now();
    let token = visit.store.invite(visit.prefix(), id, now).await?;
    let host = visit.request.host().unwrap_or("localhost");
    page.link = Some(LinkView {
        url: format!("{}/console/sign-in/{}", origin(host), token.reveal()),
        until: TimeTag::exact(now.plus(INVITATION_VALID)),
    });
    visit::show(StatusCode::OK, &page)
}

pub async fn remove(visit: &Visit, id: MemberId) -> Result<Response<Body>, ApiError> {
    let form = visit.form()?;
    let stored = Stored::read(visit, id).await?;
    let now = visit.now();
    let end = |member: &mut Member| member.removed = member.removed.or(Some(now));
    let mut after = stored.member.clone();
    end(&mut after);
    if let Some(confirm) = stored.demand(&after, &form, visit) {
        let mut page = MemberPage::new(visit, &stored);
        page.confirm = Some(confirm);
        return visit::show(StatusCode::UNPROCESSABLE_ENTITY, &page);
    }
    let (store, prefix) = (&visit.store, visit.prefix());
    store
        .change_member(prefix, id, end)
        .await?
        .ok_or(NO_MEMBER)?
        .ok();
    store.end_all_sessions(prefix, id).await?;
    let list = format!("/console/settings/members?done=removed&of={id}");
    Ok(headers::see_other(&list))
}

/// Makes a removed person a member again.
pub async fn restore(visit: &Visit, id: MemberId) -> Result<Response<Body>, ApiError> {
    visit.form()?;
    let again = |member: &mut Member| member.removed = None;
    let changed = visit.store.change_member(visit.prefix(), id, again).await?;
    if changed.ok_or(NO_MEMBER)?.is_err() {
        let stored = Stored::read(visit, id).await?;
        let mut page = MemberPage::new(visit, &stored);
        page.note = Some(
            "Not restored: another member has their Discord account or their Roblox user now.",
        );
        return visit::show(StatusCode::CONFLICT, &page);
    }
    let page = format!("/console/settings/members/{id}?done=restored");
    Ok(headers::see_other(&page))
}

/// What a form was made from.
fn seen(member: &Member) -> String {
    let typed = TypedMember::stored(member);
    let granted: Vec<_> = member
        .granted
        .iter()
        .map(MemberPermission::as_str)
        .collect();
    let (discord, roblox) = (&typed.discord.text, &typed.roblox.text);
    let parts = [&typed.name.text, discord, roblox, &granted.join(" ")];
    Meaning::of_parts(&parts.map(String::as_str))
        .as_str()
        .to_owned()
}

/// The scheme and host that a browser asks for. Only this machine is reached without TLS.
fn origin(host: &str) -> String {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let is_local = matches!(name, "localhost" | "127.0.0.1" | "[::1]");
    let scheme = if is_local { "http" } else { "https" };
    format!("{scheme}://{host}")
}

impl MemberPage {
    fn new(visit: &Visit, stored: &Stored) -> Self {
        let Stored { member, rules, .. } = stored;
        let now = visit.now();
        let given = rules.iter().filter(|rule| rule.gives(member, now));
        Self {
            look: visit.look,
            frame: visit.frame(),
            tabs: SettingsTab::Members.tabs(),
            done: None,
            id: member.id.to_string(),
            name: member.name.to_string(),
            is_self: member.id == visit.signed_in.member.id,
            added: TimeTag::new(member.added, now),
            removed: member.removed.map(|at| TimeTag::new(at, now)),
            by_rules: given.map(|rule| words(rule.permission)).collect(),
            may_nothing: member.permissions(rules, now).is_empty(),
            typed: TypedMember::stored(member),
            seen: seen(member),
            confirm: None,
            newer: None,
            note: None,
            link: None,
        }
    }

    fn with_typed(self, typed: TypedMember, seen: &str) -> Self {
        let seen = seen.to_owned();
        Self {
            typed,
            seen,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::member_form::tests::member;
    use super::*;
    use crate::ban_view::tests::{HOSTILE, NOW};
    use crate::form::TypedField;

    #[test]
    fn hostile_text_is_escaped_and_the_last_administrator_is_asked_for() {
        let hostile = TypedField {
            text: HOSTILE.to_owned(),
            error: Some(HOSTILE.to_owned()),
        };
        let typed = TypedMember {
            name: hostile.clone(),
            discord: hostile.clone(),
            roblox: hostile,
            ..TypedMember::empty()
        };
        let page = MemberPage {
            look: Look::default(),
            frame: Frame::example(true),
            tabs: SettingsTab::Members.tabs(),
            done: None,
            id: MemberId::random().to_string(),
            name: HOSTILE.to_owned(),
            is_self: true,
            added: TimeTag::exact(NOW),
            removed: None,
            by_rules: vec!["Sees bans"],
            may_nothing: false,
            newer: Some(typed.clone()),
            typed,
            seen: "seen".to_owned(),
            confirm: Some(ConfirmView {
                name: HOSTILE.to_owned(),
                typed: HOSTILE.to_owned(),
            }),
            note: Some(CHANGED),
            link: Some(LinkView {
                url: "https://console.example/console/sign-in/x".to_owned(),
                until: TimeTag::exact(NOW),
            }),
        };
        let html = page.render().unwrap();
        assert!(!html.contains("<img"), "{html}");
        assert!(html.contains("last administrator"), "{html}");
    }

    #[test]
    fn form_is_made_from_one_state_of_a_member() {
        let ada = member("Ada");
        let mut changed = ada.clone();
        assert_eq!(seen(&ada), seen(&changed));
        changed.roblox = None;
        assert_ne!(seen(&ada), seen(&changed));
    }

    #[test]
    fn links_to_this_machine_alone_are_without_tls() {
        assert_eq!(origin("console.example"), "https://console.example");
        assert_eq!(origin("localhost:3000"), "http://localhost:3000");
        assert_eq!(origin("127.0.0.1:3000"), "http://127.0.0.1:3000");
        assert_eq!(
            origin("localhost.evil.example"),
            "https://localhost.evil.example"
        );
    }
}
