//! Whether a workspace keeps an administrator.

use super::{Member, MemberPermission, PermissionRule};
use crate::domain::clock::UnixSeconds;

/// Whether some member administrates the workspace. Without one, only the operator can change its
/// settings.
#[must_use]
pub fn has_administrator(members: &[Member], rules: &[PermissionRule], now: UnixSeconds) -> bool {
    members.iter().any(|member| {
        member
            .permissions(rules, now)
            .allows(MemberPermission::Administrator)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::UserId;
    use crate::domain::members::{MemberId, MemberPermissions, PermissionBasis, RuleId};

    const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

    fn member(granted: MemberPermission, removed: bool) -> Member {
        Member {
            id: MemberId::random(),
            name: "Ada".parse().unwrap(),
            discord: None,
            roblox: UserId::new(7),
            granted: MemberPermissions::default().with(granted),
            added: NOW,
            removed: removed.then_some(NOW),
            checked: Vec::new(),
        }
    }

    #[test]
    fn administrator_is_granted_or_given_by_a_rule() {
        let viewer = member(MemberPermission::View, false);
        let rule = PermissionRule {
            id: RuleId::random(),
            permission: MemberPermission::Administrator,
            basis: PermissionBasis::RobloxUser {
                user: UserId::new(7).unwrap(),
            },
            added: NOW,
        };
        let granted = member(MemberPermission::Administrator, false);
        assert!(has_administrator(&[viewer.clone(), granted], &[], NOW));
        assert!(!has_administrator(std::slice::from_ref(&viewer), &[], NOW));
        assert!(has_administrator(&[viewer], &[rule], NOW));
    }

    #[test]
    fn removed_member_administrates_nothing() {
        let removed = member(MemberPermission::Administrator, true);
        assert!(!has_administrator(&[removed], &[], NOW));
    }
}
