//! Whether a member of a workspace may ban a user in a guild, as far as the guild's roles decide.

use crate::domain::members::{DiscordId, Guild, GuildMember};

/// Why a user is not banned, as a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unbannable {
    #[error("You cannot ban yourself.")]
    Oneself,
    #[error("Portcullis does not ban its own bot.")]
    Bot,
    #[error("Nobody can ban the owner of the server.")]
    Owner,
    #[error("You can only ban people whose highest role is below yours.")]
    NotBelow,
}

/// Who bans, with their roles.
#[derive(Clone, Copy, Debug)]
pub struct GuildModerator<'a> {
    pub user: DiscordId,
    pub roles: &'a [DiscordId],
}

/// `member` is none if the target is not in the guild; then no roles protect them.
pub fn judge_guild_ban(
    guild: &Guild,
    by: GuildModerator<'_>,
    bot: DiscordId,
    target: DiscordId,
    member: Option<&GuildMember>,
) -> Result<(), Unbannable> {
    if target == by.user {
        return Err(Unbannable::Oneself);
    }
    if target == bot {
        return Err(Unbannable::Bot);
    }
    if target == guild.owner {
        return Err(Unbannable::Owner);
    }
    let is_below = |member: &GuildMember| guild.rank(&member.roles) < guild.rank(by.roles);
    if by.user == guild.owner || member.is_none_or(is_below) {
        Ok(())
    } else {
        Err(Unbannable::NotBelow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::members::GuildRole;

    fn id(number: u64) -> DiscordId {
        DiscordId::new(80_351_110_224_678_912 + number).unwrap()
    }

    /// In guild 0 of user 9: user `by` with these roles bans user `target`.
    fn judged(by: (u64, &[u64]), target: u64, roles: Option<&[u64]>) -> Result<(), Unbannable> {
        let role = |number, position| GuildRole {
            id: id(number),
            permissions: 0,
            position,
        };
        let guild = Guild {
            owner: id(9),
            roles: vec![role(0, 0), role(21, 1), role(22, 2), role(23, 2)],
        };
        let ids = |roles: &[u64]| roles.iter().copied().map(id).collect::<Vec<_>>();
        let member = roles.map(|roles| GuildMember {
            roles: ids(roles),
            timed_out_until: None,
        });
        let own = ids(by.1);
        let by = GuildModerator {
            user: id(by.0),
            roles: &own,
        };
        judge_guild_ban(&guild, by, id(8), id(target), member.as_ref())
    }

    #[test]
    fn only_people_below_are_banned() {
        assert_eq!(judged((1, &[22]), 2, Some(&[21])), Ok(()));
        assert_eq!(judged((1, &[21]), 2, Some(&[])), Ok(()));
        assert_eq!(judged((1, &[]), 2, None), Ok(()));
        for (own, theirs) in [(&[22][..], &[23][..]), (&[21], &[21, 22]), (&[], &[])] {
            let judged = judged((1, own), 2, Some(theirs));
            assert_eq!(judged, Err(Unbannable::NotBelow), "{own:?}");
        }
    }

    #[test]
    fn nobody_bans_themselves_the_bot_or_the_owner() {
        assert_eq!(judged((1, &[22]), 1, Some(&[])), Err(Unbannable::Oneself));
        assert_eq!(judged((9, &[]), 9, Some(&[])), Err(Unbannable::Oneself));
        assert_eq!(judged((1, &[22]), 8, Some(&[])), Err(Unbannable::Bot));
        assert_eq!(judged((1, &[22]), 9, Some(&[])), Err(Unbannable::Owner));
    }

    #[test]
    fn owner_is_above_all_roles() {
        assert_eq!(judged((9, &[]), 2, Some(&[22])), Ok(()));
    }
}
