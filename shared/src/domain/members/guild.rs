//! A Discord guild, and what a member may do in it.

use super::DiscordId;
use crate::domain::clock::UnixSeconds;

/// The bit of the permission that includes all others.
const ADMINISTRATOR: u8 = 3;

/// What a member in a timeout may do: see channels and read what was written.
const IN_TIMEOUT: u64 = 1 << 10 | 1 << 16;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guild {
    /// The owner may do everything.
    pub owner: DiscordId,
    /// The one with the guild's own id is everyone's.
    pub roles: Vec<GuildRole>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuildRole {
    pub id: DiscordId,
    /// Bits, as Discord numbers them.
    pub permissions: u64,
    /// Higher ones are above others.
    pub position: u32,
}

impl Guild {
    /// The position of the highest of these roles.
    #[must_use]
    pub fn rank(&self, roles: &[DiscordId]) -> u32 {
        let held = self.roles.iter().filter(|role| roles.contains(&role.id));
        held.map(|role| role.position).max().unwrap_or_default()
    }
}

/// A user as a member of a guild.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuildMember {
    /// Without everyone's.
    pub roles: Vec<DiscordId>,
    /// Until then they are in a timeout.
    pub timed_out_until: Option<UnixSeconds>,
}

/// What was seen of a user in a guild.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GuildView {
    /// None if they are no member.
    pub member: Option<GuildMember>,
    /// Only where a rule is about permissions.
    pub guild: Option<Guild>,
}

impl GuildView {
    #[must_use]
    pub fn has_role(&self, role: DiscordId) -> bool {
        let member = self.member.as_ref();
        member.is_some_and(|member| member.roles.contains(&role))
    }

    /// Whether a user has a permission in the whole guild, apart from what channels change.
    #[must_use]
    pub fn may(&self, id: DiscordId, user: DiscordId, bit: u8, now: UnixSeconds) -> bool {
        let (Some(member), Some(guild)) = (&self.member, &self.guild) else {
            return false;
        };
        let roles = guild.roles.iter();
        let held = roles.filter(|role| role.id == id || member.roles.contains(&role.id));
        let granted = held.fold(0, |all, role| all | role.permissions);
        let has = |granted: u64, bit| granted.checked_shr(bit).is_some_and(|it| it & 1 == 1);
        let is_limited = member.timed_out_until.is_some_and(|until| now < until);
        let left = if is_limited { IN_TIMEOUT } else { u64::MAX };
        guild.owner == user || has(granted, ADMINISTRATOR.into()) || has(granted & left, bit.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BAN_MEMBERS: u8 = 2;
    const NOW: UnixSeconds = UnixSeconds(1_000);

    fn id(number: u64) -> DiscordId {
        DiscordId::new(80_351_110_224_678_912 + number).unwrap()
    }

    /// Guild 0, in which user 1 has these roles.
    fn view(roles: &[u64]) -> GuildView {
        let role = |number, permissions| GuildRole {
            id: id(number),
            permissions,
            position: 0,
        };
        GuildView {
            member: Some(GuildMember {
                roles: roles.iter().copied().map(id).collect(),
                timed_out_until: None,
            }),
            guild: Some(Guild {
                owner: id(9),
                roles: vec![role(0, 1 << 10), role(2, 1 << 2 | 1 << 40), role(3, 1 << 3)],
            }),
        }
    }

    fn may(view: &GuildView, user: u64, bit: u8) -> bool {
        view.may(id(0), id(user), bit, NOW)
    }

    #[test]
    fn permissions_are_those_of_all_roles_and_of_everyone() {
        assert!(may(&view(&[]), 1, 10));
        assert!(!may(&view(&[]), 1, BAN_MEMBERS));
        assert!(may(&view(&[2]), 1, BAN_MEMBERS) && may(&view(&[2]), 1, 40));
        assert!(!may(&view(&[2]), 1, 5));
        assert!(
            !may(&view(&[4]), 1, BAN_MEMBERS),
            "a role that no longer exists"
        );
        assert!(!may(&view(&[2]), 1, 200));
    }

    #[test]
    fn owner_and_administrators_may_do_everything() {
        assert!(may(&view(&[3]), 1, BAN_MEMBERS));
        assert!(may(&view(&[]), 9, BAN_MEMBERS));
    }

    #[test]
    fn timeout_takes_all_but_reading_from_others() {
        let timed_out = |roles: &[u64], until| {
            let mut view = view(roles);
            view.member.as_mut().unwrap().timed_out_until = Some(UnixSeconds(until));
            view
        };
        assert!(!may(&timed_out(&[2], 1_001), 1, BAN_MEMBERS));
        assert!(may(&timed_out(&[2], 1_001), 1, 10));
        assert!(may(&timed_out(&[2], 1_000), 1, BAN_MEMBERS));
        assert!(may(&timed_out(&[3], 1_001), 1, BAN_MEMBERS));
    }

    #[test]
    fn others_than_members_have_nothing() {
        let view = GuildView {
            member: None,
            ..view(&[2])
        };
        assert!(!may(&view, 9, BAN_MEMBERS) && !view.has_role(id(2)));
        let unknown = GuildView {
            guild: None,
            ..self::view(&[3])
        };
        assert!(!may(&unknown, 1, BAN_MEMBERS) && unknown.has_role(id(3)));
    }
}
