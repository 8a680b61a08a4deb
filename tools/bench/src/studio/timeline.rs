//! What happens in a game in a day: the same for each server, and the decisions of the studio's moderators.

use std::time::Duration;

use end_to_end::Ban;

pub const DAY: Duration = Duration::from_hours(24);

/// Joins of a server in a day.
pub const JOINS: u32 = 1000;

/// Of this many joins, one is by a user whom the list has.
pub const JOINS_PER_LISTED: u64 = 500;

/// How long a player stays.
const STAY: Duration = Duration::from_mins(20);

/// How long a server runs before another takes its place.
const LIFE: Duration = Duration::from_hours(6);

/// How often a moderator bans a player who is in a server, outside of the game. Every other ban is lifted
/// after half of this.
pub const BAN_EVERY: Duration = Duration::from_mins(10);

/// Players whom one bulk call bans, at the beginning of a special time.
pub const WAVE: usize = 100;

const WAVE_AT: Duration = Duration::from_mins(5);

/// When the API cannot be reached, in a special time.
const OUTAGE: [Duration; 2] = [Duration::from_mins(20), Duration::from_mins(80)];

/// How long the wave, the outage and what follows from them take.
pub const SPECIAL: Duration = Duration::from_mins(140);

/// The first user of those who are on no list.
pub const FIRST_GUEST: u64 = 9_000_000_000;

/// Players of a server on average.
#[must_use]
pub fn players_of_a_server() -> f64 {
    f64::from(JOINS) * STAY.as_secs_f64() / DAY.as_secs_f64()
}

/// Starts of servers in a day for each that runs.
#[must_use]
pub fn starts_per_server() -> f64 {
    DAY.as_secs_f64() / LIFE.as_secs_f64()
}

/// Something that happens. A slot is one of the servers that run at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Join {
        slot: usize,
        user: u64,
    },
    /// One of the listed users, by number.
    JoinListed {
        slot: usize,
        number: u64,
    },
    Leave {
        slot: usize,
        user: u64,
    },
    Restart {
        slot: usize,
    },
    Ban,
    /// Lifts the latest ban.
    Unban,
    Wave,
    OutageBegins,
    OutageEnds,
}

/// What to play: a quiet time, and a special one after it.
#[derive(Clone, Copy, Debug)]
pub struct Stretch {
    pub servers: usize,
    pub quiet: Duration,
    /// Whether there are a special time and servers that end.
    pub has_special: bool,
}

impl Stretch {
    pub fn time(&self) -> Duration {
        if self.has_special {
            self.quiet + SPECIAL
        } else {
            self.quiet
        }
    }

    /// All acts in their order.
    pub fn acts(&self) -> Vec<(Duration, Act)> {
        let mut acts = Vec::new();
        for slot in 0..self.servers {
            self.add_joins(slot, &mut acts);
            if self.has_special {
                let starts = every(LIFE, self.share(slot, LIFE), self.time());
                acts.extend(starts.map(|at| (at, Act::Restart { slot })));
            }
        }
        let [outage, healed] = OUTAGE.map(|at| self.quiet + at);
        let can_decide = |at: Duration| !(self.has_special && (outage..healed).contains(&at));
        let bans = every(BAN_EVERY, BAN_EVERY / 4, self.time()).filter(|at| can_decide(*at));
        for (number, at) in bans.enumerate() {
            acts.push((at, Act::Ban));
            let lifted = at + BAN_EVERY / 2;
            if number % 2 == 1 && can_decide(lifted) {
                acts.push((lifted, Act::Unban));
            }
        }
        if self.has_special {
            acts.push((self.quiet + WAVE_AT, Act::Wave));
            acts.push((outage, Act::OutageBegins));
            acts.push((healed, Act::OutageEnds));
        }
        acts.retain(|(at, _)| *at < self.time());
        acts.sort_by_key(|(at, _)| *at);
        acts
    }

    fn add_joins(&self, slot: usize, acts: &mut Vec<(Duration, Act)>) {
        let each = DAY / JOINS;
        let first = FIRST_GUEST + slot as u64 * 1_000_000;
        for (number, at) in (0_u64..).zip(every(each, self.share(slot, each), self.time())) {
            // By all servers, so that their share is the same in each time.
            let of_all = number * self.servers as u64 + slot as u64;
            if of_all % JOINS_PER_LISTED == JOINS_PER_LISTED / 2 {
                let number = of_all / JOINS_PER_LISTED;
                acts.push((at, Act::JoinListed { slot, number }));
                continue;
            }
            let user = first + number;
            acts.push((at, Act::Join { slot, user }));
            acts.push((at + STAY, Act::Leave { slot, user }));
        }
    }

    /// A slot's share of a time, so that the servers do not act in step.
    fn share(&self, slot: usize, time: Duration) -> Duration {
        let servers = u32::try_from(self.servers.max(1)).unwrap_or(u32::MAX);
        time / servers * u32::try_from(slot).unwrap_or(u32::MAX)
    }
}

fn every(each: Duration, first: Duration, until: Duration) -> impl Iterator<Item = Duration> {
    let times = std::iter::successors(Some(first), move |at| Some(*at + each));
    times.take_while(move |at| *at < until)
}

/// The ban of a moderator.
pub fn ban(user: u64, place: u64) -> Ban {
    Ban::of(user, place)
        .permanent()
        .reasons("https://evidence.example.com/clips/1.mp4", "Cheating")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acts(servers: usize, has_special: bool) -> Vec<(Duration, Act)> {
        let quiet = Duration::from_hours(12);
        let stretch = Stretch {
            servers,
            quiet,
            has_special,
        };
        stretch.acts()
    }

    fn count(acts: &[(Duration, Act)], is_it: fn(&Act) -> bool) -> usize {
        acts.iter().filter(|(_, act)| is_it(act)).count()
    }

    #[test]
    fn each_server_has_the_same_joins() {
        for servers in [1, 3, 20] {
            let acts = acts(servers, false);
            let listed = count(&acts, |act| matches!(act, Act::JoinListed { .. }));
            let joins = count(&acts, |act| matches!(act, Act::Join { .. })) + listed;
            assert_eq!((joins, listed), (servers * 500, servers));
        }
    }

    #[test]
    fn servers_end_in_turns() {
        let starts = |servers| {
            let acts = acts(servers, true);
            count(&acts, |act| matches!(act, Act::Restart { .. }))
        };
        // Two each in twelve hours, and then some.
        assert_eq!(starts(1), 3);
        assert!((45..=49).contains(&starts(20)), "{}", starts(20));
    }

    #[test]
    fn decisions_do_not_depend_on_servers() {
        let of = |servers| {
            let acts = acts(servers, true);
            let bans = count(&acts, |act| matches!(act, Act::Ban));
            let unbans = count(&acts, |act| matches!(act, Act::Unban));
            (bans, unbans)
        };
        assert_eq!(of(1), of(50));
        // Every 10 minutes of 14 hours and 20 minutes, without the hour of the outage.
        assert_eq!(of(1).0, 80);
    }

    #[test]
    fn a_quiet_time_has_neither_outage_nor_wave() {
        let acts = acts(2, false);
        let special = count(&acts, |act| {
            matches!(act, Act::Wave | Act::OutageBegins | Act::Restart { .. })
        });
        assert_eq!(special, 0);
    }
}
