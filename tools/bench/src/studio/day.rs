//! Plays a stretch of a day with all that happens in it.

use std::collections::HashMap;
use std::iter::Peekable;
use std::time::Duration;

use anyhow::{Context, ensure};
use end_to_end::{Bulk, Unban};
use roblox_engine::{End, Fault, Server};

use super::game::{Game, PLACE};
use super::timeline::{self, Act, Stretch};
use super::usage::{Counter, Totals};

/// After the start of all servers, before anything counts.
const WARM_UP: Duration = Duration::from_mins(10);

const MINUTE: Duration = Duration::from_mins(1);

/// What a stretch has shown.
#[derive(Debug)]
pub struct Played {
    pub quiet: Totals,
    pub special: Totals,
    /// From a decision elsewhere to the kick, in seconds.
    pub kicks: Vec<f64>,
    /// How long banned users who joined stayed, in seconds.
    pub listed_stays: Vec<f64>,
    pub starts: u32,
    /// The build of a list from all bans.
    pub first_build: Totals,
}

/// A game whose day is played.
struct Day<'a> {
    game: &'a Game<'a>,
    slots: Vec<Server>,
    /// The user and the time of each decision that must lead to a kick.
    decided: Vec<(u64, Duration)>,
    latest: Option<u64>,
    starts: u32,
}

/// Plays it with a new game.
pub async fn play(game: &Game<'_>, stretch: Stretch) -> anyhow::Result<Played> {
    let mut day = Day {
        game,
        slots: Vec::new(),
        decided: Vec::new(),
        latest: None,
        starts: 0,
    };
    day.warm_up(stretch.servers).await?;
    let begin = game.universe.elapsed();
    let mut acts = stretch.acts().into_iter().peekable();
    let counter = Counter::begin(game);
    day.play(begin, stretch.quiet, &mut acts).await?;
    let quiet = counter.end(game).await?;
    let mut special = Totals::default();
    if stretch.has_special {
        let counter = Counter::begin(game);
        day.play(begin, stretch.time(), &mut acts).await?;
        special = counter.end(game).await?;
    }
    game.check_scripts()?;
    day.played(begin, quiet, special)
}

impl Day<'_> {
    /// Starts the servers a second apart, and lets them find their worker and their list.
    async fn warm_up(&mut self, servers: usize) -> anyhow::Result<()> {
        let end = self.game.universe.elapsed() + WARM_UP;
        for _ in 0..servers {
            self.slots.push(self.game.start()?);
            self.game.universe.run_for(Duration::from_secs(1));
        }
        let mut minute = self.game.universe.elapsed();
        while minute < end {
            minute += MINUTE;
            self.game.run_until(minute);
            self.game.schedules().await;
        }
        Ok(())
    }

    /// Performs the acts of the time up to `until`, with the schedules of each minute.
    async fn play(
        &mut self,
        begin: Duration,
        until: Duration,
        acts: &mut Peekable<impl Iterator<Item = (Duration, Act)>>,
    ) -> anyhow::Result<()> {
        let end = begin + until;
        let mut minute = self.game.universe.elapsed();
        while minute < end {
            minute = (minute + MINUTE).min(end);
            while let Some((at, act)) = acts.next_if(|(at, _)| begin + *at < minute) {
                self.game.run_until(begin + at);
                self.perform(act).await?;
            }
            self.game.run_until(minute);
            self.game.schedules().await;
        }
        Ok(())
    }

    async fn perform(&mut self, act: Act) -> anyhow::Result<()> {
        match act {
            Act::Join { slot, user } => self.join(slot, user),
            Act::JoinListed { slot, number } => self.join(slot, self.game.dataset.user_of(number)),
            Act::Leave { slot, user } => {
                let server = self.slot(slot)?;
                if server.players().contains(&user) {
                    server.leave(user);
                }
                Ok(())
            }
            Act::Restart { slot } => self.restart(slot),
            Act::Ban => self.ban().await,
            Act::Unban => self.unban().await,
            Act::Wave => self.wave().await,
            Act::OutageBegins => {
                let traffic = self.game.universe.traffic();
                traffic.set_fault(|_| Some(Fault::Unreachable));
                Ok(())
            }
            Act::OutageEnds => {
                self.game.universe.traffic().heal();
                Ok(())
            }
        }
    }

    fn slot(&self, slot: usize) -> anyhow::Result<&Server> {
        self.slots.get(slot).context("a slot")
    }

    fn join(&self, slot: usize, user: u64) -> anyhow::Result<()> {
        let server = self.slot(slot)?;
        if !server.players().contains(&user) {
            server.join(user);
        }
        Ok(())
    }

    fn restart(&mut self, slot: usize) -> anyhow::Result<()> {
        let server = self.slots.get_mut(slot).context("a slot")?;
        server.close("DeveloperShutdown");
        *server = self.game.start()?;
        self.starts += 1;
        Ok(())
    }

    /// The players who came last into this many servers: they stay for longest.
    fn newest(&self, number: usize) -> Vec<u64> {
        let turn = self.decided.len() * 7;
        let servers = self.slots.len();
        let mut rosters: Vec<_> = (0..servers)
            .filter_map(|at| self.slots.get((at + turn) % servers))
            .map(Server::players)
            .collect();
        let mut users = Vec::new();
        while users.len() < number {
            let before = users.len();
            users.extend(rosters.iter_mut().filter_map(Vec::pop));
            if users.len() == before {
                break;
            }
        }
        users.truncate(number);
        users
    }

    async fn ban(&mut self) -> anyhow::Result<()> {
        let Some(user) = self.newest(1).into_iter().next() else {
            return Ok(());
        };
        self.decide(user);
        self.game.clock();
        let ban = timeline::ban(user, PLACE);
        self.game.workspace.ban(ban).await;
        self.game.app.settle().await;
        self.latest = Some(user);
        Ok(())
    }

    fn decide(&mut self, user: u64) {
        self.decided.push((user, self.game.universe.elapsed()));
    }

    async fn unban(&mut self) -> anyhow::Result<()> {
        if let Some(user) = self.latest.take() {
            self.game.clock();
            self.game.workspace.unban(Unban::of(user, PLACE)).await;
            self.game.app.settle().await;
        }
        Ok(())
    }

    async fn wave(&mut self) -> anyhow::Result<()> {
        let users = self.newest(timeline::WAVE);
        for user in &users {
            self.decide(*user);
        }
        self.game.clock();
        let bulk = Bulk::bans(PLACE, users);
        self.game.workspace.send(bulk.call()).await.success();
        self.game.app.settle().await;
        Ok(())
    }

    /// What the stays show. Fails if a banned player was not kicked, or anyone else was.
    fn played(&self, begin: Duration, quiet: Totals, special: Totals) -> anyhow::Result<Played> {
        let universe = &self.game.universe;
        let now = universe.elapsed();
        let decided: HashMap<u64, Duration> = self.decided.iter().copied().collect();
        let mut kicks = Vec::new();
        let mut listed_stays = Vec::new();
        for stay in universe.stays().all() {
            let is_removed = matches!(
                stay.end,
                Some((_, End::Kicked(_) | End::Banned(_) | End::Refused(_)))
            );
            if let Some(at) = decided.get(&stay.user) {
                ensure!(is_removed, "{stay:?} was banned at {at:?}");
                kicks.push(stay.until(now).saturating_sub(*at).as_secs_f64());
            } else if stay.user < timeline::FIRST_GUEST && stay.from >= begin {
                ensure!(is_removed, "{stay:?} of a banned user");
                listed_stays.push(stay.until(now).saturating_sub(stay.from).as_secs_f64());
            } else {
                ensure!(!is_removed, "{stay:?} of a user who is not banned");
            }
        }
        Ok(Played {
            quiet,
            special,
            kicks,
            listed_stays,
            starts: self.starts,
            first_build: Counter::first_build(self.game.app),
        })
    }
}
