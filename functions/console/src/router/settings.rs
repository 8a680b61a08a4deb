//! The paths of the settings, below `/console/settings`.

use shared::domain::ids::UserId;
use shared::domain::members::{MemberId, RuleId};
use shared::domain::webhooks::EndpointId;

/// A page of the settings, or an action on one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingsRoute {
    Home,
    Members,
    AddMember,
    Member(MemberId),
    ChangeMember(MemberId),
    InviteMember(MemberId),
    RemoveMember(MemberId),
    RestoreMember(MemberId),
    AddRule,
    RemoveRule(RuleId),
    Keys,
    CreateKey,
    RevokeForm(String),
    RevokeKey(String),
    Presets,
    SavePreset,
    RemovePreset,
    RequirePresets,
    Webhooks,
    AddWebhook,
    Webhook(EndpointId),
    PauseWebhook(EndpointId),
    ResumeWebhook(EndpointId),
    TestWebhook(EndpointId),
    ReplayWebhook(EndpointId),
    RemoveWebhook(EndpointId),
    Protected,
    Protect,
    Unprotect(UserId),
}

impl SettingsRoute {
    /// The page of these parts of a path after `settings`.
    pub fn of(post: bool, parts: &[&str]) -> Option<Self> {
        match (post, parts) {
            (false, []) => Some(Self::Home),
            (_, ["members", rest @ ..]) => Self::of_member(post, rest),
            (true, ["rules"]) => Some(Self::AddRule),
            (true, ["rules", rule, "remove"]) => Some(Self::RemoveRule(rule.parse().ok()?)),
            (false, ["keys"]) => Some(Self::Keys),
            (true, ["keys"]) => Some(Self::CreateKey),
            (false, ["keys", key, "revoke"]) => Some(Self::RevokeForm((*key).to_owned())),
            (true, ["keys", key, "revoke"]) => Some(Self::RevokeKey((*key).to_owned())),
            (false, ["presets"]) => Some(Self::Presets),
            (true, ["presets"]) => Some(Self::SavePreset),
            (true, ["presets", "remove"]) => Some(Self::RemovePreset),
            (true, ["presets", "compulsory"]) => Some(Self::RequirePresets),
            (_, ["webhooks", rest @ ..]) => Self::of_webhook(post, rest),
            (false, ["protected"]) => Some(Self::Protected),
            (true, ["protected"]) => Some(Self::Protect),
            (true, ["protected", user, "remove"]) => Some(Self::Unprotect(user.parse().ok()?)),
            _ => None,
        }
    }

    fn of_member(post: bool, parts: &[&str]) -> Option<Self> {
        match (post, parts) {
            (false, []) => Some(Self::Members),
            (true, []) => Some(Self::AddMember),
            (false, [id]) => Some(Self::Member(id.parse().ok()?)),
            (true, [id]) => Some(Self::ChangeMember(id.parse().ok()?)),
            (true, [id, "invite"]) => Some(Self::InviteMember(id.parse().ok()?)),
            (true, [id, "remove"]) => Some(Self::RemoveMember(id.parse().ok()?)),
            (true, [id, "restore"]) => Some(Self::RestoreMember(id.parse().ok()?)),
            _ => None,
        }
    }

    fn of_webhook(post: bool, parts: &[&str]) -> Option<Self> {
        match (post, parts) {
            (false, []) => Some(Self::Webhooks),
            (true, []) => Some(Self::AddWebhook),
            (false, [id]) => Some(Self::Webhook(id.parse().ok()?)),
            (true, [id, "pause"]) => Some(Self::PauseWebhook(id.parse().ok()?)),
            (true, [id, "resume"]) => Some(Self::ResumeWebhook(id.parse().ok()?)),
            (true, [id, "test"]) => Some(Self::TestWebhook(id.parse().ok()?)),
            (true, [id, "replay"]) => Some(Self::ReplayWebhook(id.parse().ok()?)),
            (true, [id, "remove"]) => Some(Self::RemoveWebhook(id.parse().ok()?)),
            _ => None,
        }
    }

    /// The page's name in the log, without what a person chose.
    pub const fn pattern(&self) -> &'static str {
        match self {
            Self::Home => "/console/settings",
            Self::Members | Self::AddMember => "/console/settings/members",
            Self::Member(_) | Self::ChangeMember(_) => "/console/settings/members/{id}",
            Self::InviteMember(_) => "/console/settings/members/{id}/invite",
            Self::RemoveMember(_) => "/console/settings/members/{id}/remove",
            Self::RestoreMember(_) => "/console/settings/members/{id}/restore",
            Self::AddRule => "/console/settings/rules",
            Self::RemoveRule(_) => "/console/settings/rules/{id}/remove",
            Self::Keys | Self::CreateKey => "/console/settings/keys",
            Self::RevokeForm(_) | Self::RevokeKey(_) => "/console/settings/keys/{id}/revoke",
            Self::Presets | Self::SavePreset => "/console/settings/presets",
            Self::RemovePreset => "/console/settings/presets/remove",
            Self::RequirePresets => "/console/settings/presets/compulsory",
            Self::Webhooks | Self::AddWebhook => "/console/settings/webhooks",
            Self::Webhook(_) => "/console/settings/webhooks/{id}",
            Self::PauseWebhook(_) => "/console/settings/webhooks/{id}/pause",
            Self::ResumeWebhook(_) => "/console/settings/webhooks/{id}/resume",
            Self::TestWebhook(_) => "/console/settings/webhooks/{id}/test",
            Self::ReplayWebhook(_) => "/console/settings/webhooks/{id}/replay",
            Self::RemoveWebhook(_) => "/console/settings/webhooks/{id}/remove",
            Self::Protected | Self::Protect => "/console/settings/protected",
            Self::Unprotect(_) => "/console/settings/protected/{user}/remove",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(path: &str) -> Option<SettingsRoute> {
        let parts: Vec<_> = path.split('/').filter(|part| !part.is_empty()).collect();
        SettingsRoute::of(false, &parts)
    }

    #[test]
    fn every_path_leads_to_its_page() {
        let id = MemberId::random();
        let member = format!("members/{id}");
        for (path, route) in [
            ("", SettingsRoute::Home),
            ("members", SettingsRoute::Members),
            (member.as_str(), SettingsRoute::Member(id)),
            ("keys", SettingsRoute::Keys),
            (
                "keys/0123456789ab/revoke",
                SettingsRoute::RevokeForm("0123456789ab".to_owned()),
            ),
            ("presets", SettingsRoute::Presets),
            ("webhooks", SettingsRoute::Webhooks),
            ("protected", SettingsRoute::Protected),
        ] {
            assert_eq!(get(path), Some(route), "{path}");
        }
    }

    #[test]
    fn reading_changes_nothing_and_other_paths_are_no_pages() {
        let member = format!("members/{}/invite", MemberId::random());
        for path in [
            member.as_str(),
            "rules",
            "rules/0123abcd/remove",
            "presets/remove",
            "protected/156/remove",
            "webhooks/we_0123456789ab/test",
            "members/x",
            "keys/0123456789ab",
            "others",
        ] {
            assert_eq!(get(path), None, "{path}");
        }
    }
}
