//! The calls of games whose servers run the module in `roblox/`.

use super::games::{Assumptions, Calls};
use super::measured::{CHECK, CallUsage, POLL_BANS, POLL_UNBANS, SNAPSHOT, SNAPSHOT_BUILD, SYNC};
use super::stack::{DAYS, HOURS};

/// Seconds between two polls of the one server that asks for changes: what `/sync` asks for, and the call.
const SYNC_SECONDS: f64 = 7.1;

/// The same for each of the two pending lists.
const PENDING_SECONDS: f64 = 60.0;

/// Of 100 servers that start, how many find no list in `MemoryStore`. Each fetches it, and then the changes. An
/// assumption.
const MISSES_PERCENT: f64 = 2.0;

/// How often the list is built, and fetched again.
const BUILDS_A_DAY: f64 = 24.0;
const REFRESHES_A_DAY: f64 = 1.0;

/// Bytes of a banned user in the answer with the list, when there are 100,000 among Roblox's accounts.
const LISTED_BYTES: f64 = 4.0;

/// What servers ask, instead of a check for each join and two polls for each server and minute.
#[must_use]
pub fn calls(games: &Assumptions) -> Vec<Calls> {
    let month = |a_day: u32| f64::from(a_day) * DAYS;
    let playing = if games.servers == 0 { 0.0 } else { 1.0 };
    let workers = playing * f64::from(games.experiences);
    let seconds = workers * HOURS * 3600.0;
    let listed = month(games.joins_per_day) * f64::from(games.listed_per_1000) / 1000.0;
    let misses = month(games.starts_per_day) * MISSES_PERCENT / 100.0;
    let fetches = workers * REFRESHES_A_DAY * DAYS + misses;
    let pending = seconds / PENDING_SECONDS;
    let row = |what, unit, kinds| Calls { what, unit, kinds };
    vec![
        row(
            "ban checks",
            "calls",
            // A player whom a ban names while they play is checked as well.
            vec![(CHECK, listed + month(games.bans_per_day))],
        ),
        row(
            "changes",
            "calls",
            vec![(SYNC, seconds / SYNC_SECONDS + misses)],
        ),
        row(
            "polls",
            "calls",
            vec![(POLL_BANS, pending), (POLL_UNBANS, pending)],
        ),
        row("lists", "calls", vec![(list(games.stored_bans), fetches)]),
        row(
            "builds of lists",
            "builds",
            vec![(SNAPSHOT_BUILD, playing * BUILDS_A_DAY * DAYS)],
        ),
    ]
}

/// The list of this many banned users.
fn list(users: u32) -> CallUsage {
    let mut list = SNAPSHOT;
    list.usage.answer_bytes += f64::from(users) * LISTED_BYTES;
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAMES: Assumptions = Assumptions {
        servers: 10,
        joins_per_day: 10_000,
        bans_per_day: 10,
        stored_bans: 1000,
        module: true,
        starts_per_day: 100,
        listed_per_1000: 2,
        ..Assumptions::QUIET
    };

    fn count(games: &Assumptions, what: &str) -> f64 {
        let rows = calls(games);
        let own = rows.iter().filter(|row| row.what == what);
        own.flat_map(|row| &row.kinds).map(|(_, count)| count).sum()
    }

    #[test]
    fn one_server_of_each_game_polls() {
        let more = Assumptions {
            servers: 1000,
            ..GAMES
        };
        for what in ["changes", "polls", "lists"] {
            let (few, many) = (count(&GAMES, what), count(&more, what));
            assert!((few - many).abs() < 1e-6, "{what}: {few}, {many}");
        }
        let games = Assumptions {
            experiences: 3,
            ..GAMES
        };
        assert!((count(&games, "polls") - 3.0 * count(&GAMES, "polls")).abs() < 1e-6);
    }

    #[test]
    fn only_listed_joins_and_players_who_get_banned_are_checked() {
        let a_day = count(&GAMES, "ban checks") / DAYS;
        assert!((a_day - (20.0 + 10.0)).abs() < 1e-6, "{a_day}");
    }

    #[test]
    fn nobody_playing_calls_nothing() {
        let nobody = Assumptions {
            servers: 0,
            joins_per_day: 0,
            bans_per_day: 0,
            starts_per_day: 0,
            ..GAMES
        };
        let all: f64 = calls(&nobody)
            .iter()
            .flat_map(|row| &row.kinds)
            .map(|(_, count)| count)
            .sum();
        assert!(all.abs() < 1e-9, "{all}");
    }

    #[test]
    fn the_list_grows_with_the_banned_users() {
        let bytes = |users| list(users).usage.answer_bytes;
        assert!((bytes(100_000) - bytes(0) - 400_000.0).abs() < 1e-6);
    }
}
