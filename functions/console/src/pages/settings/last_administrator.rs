//! Guards the last administrator: a change that leaves a workspace without one needs a typed name.

use shared::domain::clock::UnixSeconds;
use shared::domain::members::{Member, PermissionRule, has_administrator};

use crate::form::Submitted;

/// The members and rules before and after a change.
#[derive(Clone, Copy, Debug)]
pub struct AuthorityChange<'a> {
    pub before: (&'a [Member], &'a [PermissionRule]),
    pub after: (&'a [Member], &'a [PermissionRule]),
}

/// What has to be typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfirmView {
    pub name: String,
    pub typed: String,
}

impl AuthorityChange<'_> {
    /// Whether the change takes away the last administrator.
    pub fn leaves_nobody(&self, now: UnixSeconds) -> bool {
        let (members, rules) = self.before;
        let (members_after, rules_after) = self.after;
        has_administrator(members, rules, now)
            && !has_administrator(members_after, rules_after, now)
    }

    /// What still has to be typed, if the change needs it and the form has not got it.
    pub fn demand(&self, form: &Submitted, name: &str, now: UnixSeconds) -> Option<ConfirmView> {
        let typed = form.text("confirm");
        (self.leaves_nobody(now) && typed != name).then(|| ConfirmView {
            name: name.to_owned(),
            typed: typed.to_owned(),
        })
    }
}

/// The members with this one changed.
pub fn with_changed(members: &[Member], changed: &Member) -> Vec<Member> {
    let replace = |member: &Member| {
        let is_it = member.id == changed.id;
        if is_it { changed } else { member }.clone()
    };
    members.iter().map(replace).collect()
}

#[cfg(test)]
mod tests {
    use shared::domain::members::{MemberId, MemberPermission, MemberPermissions};

    use super::*;

    const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

    fn administrator(name: &str) -> Member {
        Member {
            id: MemberId::random(),
            name: name.parse().unwrap(),
            discord: None,
            roblox: None,
            granted: MemberPermissions::default().with(MemberPermission::Administrator),
            added: NOW,
            removed: None,
            checked: Vec::new(),
        }
    }

    fn demanded(members: &[Member], typed: &str) -> Option<ConfirmView> {
        let mut after = members[0].clone();
        after.granted = MemberPermissions::default();
        let changed = with_changed(members, &after);
        let change = AuthorityChange {
            before: (members, &[]),
            after: (&changed, &[]),
        };
        let form = Submitted::new(vec![("confirm".to_owned(), typed.to_owned())]);
        change.demand(&form, "Ada", NOW)
    }

    #[test]
    fn last_administrator_goes_only_by_name() {
        let alone = [administrator("Ada")];
        assert_eq!(demanded(&alone, "ada").unwrap().typed, "ada");
        assert_eq!(demanded(&alone, "Ada"), None);
    }

    #[test]
    fn one_of_two_administrators_goes_without_a_question() {
        let two = [administrator("Ada"), administrator("Kim")];
        assert_eq!(demanded(&two, ""), None);
    }
}
