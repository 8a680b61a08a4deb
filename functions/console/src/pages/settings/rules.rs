//! Rules that give permissions.

use lambda_http::http::StatusCode;
use lambda_http::{Body, Response};
use shared::domain::error::ApiError;
use shared::domain::members::{
    BasisKind, MemberPermission, PermissionBasis, PermissionRule, RuleId,
};

use super::last_administrator::AuthorityChange;
use super::member_form::words;
use super::members::{self, ShownMembers};
use crate::form::{Submitted, TypedField};
use crate::headers;
use crate::look::Choice;
use crate::visit::Visit;

/// The longest text that names a basis, in bytes.
const LONGEST: usize = 200;

/// A rule in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleView {
    pub id: String,
    pub permission: &'static str,
    pub basis: String,
}

/// A rule as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypedRule {
    pub permission: Option<MemberPermission>,
    pub kind: Option<BasisKind>,
    pub value: TypedField,
}

impl RuleView {
    pub fn new(rule: &PermissionRule) -> Self {
        Self {
            id: rule.id.to_string(),
            permission: words(rule.permission),
            basis: rule.basis.to_string(),
        }
    }
}

impl TypedRule {
    fn read(form: &Submitted) -> (Self, Option<(MemberPermission, PermissionBasis)>) {
        let mut typed = Self {
            permission: form.parsed("rule-permission"),
            kind: BasisKind::named(form.text("basis")),
            value: form.required("value", LONGEST, "Say who gets the permission."),
        };
        let (Some(permission), Some(kind)) = (typed.permission, typed.kind) else {
            typed.value.error = Some("Choose a permission and who gets it.".to_owned());
            return (typed, None);
        };
        if !typed.value.is_fine() {
            return (typed, None);
        }
        match PermissionBasis::parse(kind, typed.value.value()) {
            Ok(basis) => (typed, Some((permission, basis))),
            Err(expected) => {
                typed.value.error = Some(super::super::message::sentence(&expected));
                (typed, None)
            }
        }
    }

    pub fn permissions(&self) -> Vec<Choice> {
        let chosen = self.permission.unwrap_or(MemberPermission::ManageBans);
        let choice = |it| Choice::new(MemberPermission::as_str(it), words(it), it == chosen);
        MemberPermission::ALL.into_iter().map(choice).collect()
    }

    pub fn kinds(&self) -> Vec<Choice> {
        let chosen = self.kind.unwrap_or(BasisKind::DiscordRole);
        let choice = |it| Choice::new(BasisKind::as_str(it), title(it), it == chosen);
        BasisKind::ALL.into_iter().map(choice).collect()
    }
}

const fn title(kind: BasisKind) -> &'static str {
    match kind {
        BasisKind::DiscordRole => "Everyone with a Discord role (GUILD/ROLE)",
        BasisKind::GuildPermission => "Everyone with a Discord permission (GUILD/ban_members)",
        BasisKind::DiscordUser => "The member with a Discord id",
        BasisKind::RobloxUser => "The member with a Roblox user id",
        BasisKind::RobloxGroup => "Everyone with a rank in a Roblox group (GROUP/RANK)",
    }
}

pub async fn add(visit: &Visit) -> Result<Response<Body>, ApiError> {
    let form = visit.form()?;
    let (mut typed, read) = TypedRule::read(&form);
    if let Some((permission, basis)) = read {
        let rule = PermissionRule {
            id: RuleId::random(),
            permission,
            basis,
            added: visit.now(),
        };
        match visit.store.add_rule(visit.prefix(), &rule).await? {
            Ok(()) => {
                let list = "/console/settings/members?done=rule-added#rules";
                return Ok(headers::see_other(list));
            }
            Err(full) => {
                typed.value.error = Some(super::super::message::sentence(&full.to_string()));
            }
        }
    }
    let shown = ShownMembers {
        rule: typed,
        ..ShownMembers::default()
    };
    members::page(visit, StatusCode::UNPROCESSABLE_ENTITY, shown).await
}

pub async fn remove(visit: &Visit, rule: &RuleId) -> Result<Response<Body>, ApiError> {
    let form = visit.form()?;
    let (store, prefix, now) = (&visit.store, visit.prefix(), visit.now());
    let (members, before) =
        tokio::try_join!(store.members(prefix), store.permission_rules(prefix))?;
    let mut after = before.clone();
    after.retain(|known| known.id != *rule);
    let change = AuthorityChange {
        before: (&members, &before),
        after: (&members, &after),
    };
    let own_name = visit.signed_in.member.name.as_str();
    if let Some(confirm) = change.demand(&form, own_name, now) {
        let shown = ShownMembers {
            confirm: Some((rule.to_string(), confirm)),
            ..ShownMembers::default()
        };
        return members::page(visit, StatusCode::UNPROCESSABLE_ENTITY, shown).await;
    }
    let without = |rules: &mut Vec<PermissionRule>| rules.retain(|known| known.id != *rule);
    store.change_rules(prefix, without).await?;
    let list = "/console/settings/members?done=rule-removed#rules";
    Ok(headers::see_other(list))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(permission: &str, basis: &str, value: &str) -> (TypedRule, bool) {
        let fields = [
            ("rule-permission", permission),
            ("basis", basis),
            ("value", value),
        ];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let (typed, read) = TypedRule::read(&Submitted::new(fields.to_vec()));
        (typed, read.is_some())
    }

    #[test]
    fn rule_names_a_permission_and_its_basis() {
        let (_, is_rule) = read("view", "roblox-user", "156");
        assert!(is_rule);
        for (permission, basis, value) in [
            ("fly", "roblox-user", "156"),
            ("view", "all", "156"),
            ("view", "roblox-user", ""),
            ("view", "discord-role", "156"),
        ] {
            let (typed, is_rule) = read(permission, basis, value);
            assert!(!is_rule && !typed.value.is_fine(), "{value}");
            assert_eq!(typed.value.text, value);
        }
    }
}
