//! One experience: its servers, and what they share.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::modules::Modules;
use crate::network::{Network, Traffic};
use crate::schedule::Schedule;
use crate::server::{Mode, Server};
use crate::services::bans::BanLists;
use crate::services::config::Configs;
use crate::services::data_store::DataStores;
use crate::services::http::Secrets;
use crate::services::memory_store::MemoryStore;
use crate::services::messaging::Messaging;
use crate::stays::Stays;

/// An experience with its servers, in virtual time.
#[derive(Clone)]
pub struct Universe(pub(crate) Rc<State>);

pub(crate) struct State {
    pub schedule: Schedule,
    /// The Unix time at which virtual time began.
    pub began: Duration,
    pub random: RefCell<fastrand::Rng>,
    pub servers: RefCell<Vec<Server>>,
    pub modules: Modules,
    pub traffic: Traffic,
    pub bans: BanLists,
    pub stays: Stays,
    pub memory: MemoryStore,
    pub messaging: Messaging,
    pub data: DataStores,
    pub configs: Configs,
    pub secrets: Secrets,
    pub game_id: u64,
}

impl fmt::Debug for Universe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Universe({})", self.0.game_id)
    }
}

impl Universe {
    /// An experience whose clock begins now; `seed` determines everything random.
    pub fn new(seed: u64, network: impl Network + 'static) -> Self {
        let began = SystemTime::now().duration_since(UNIX_EPOCH);
        Self(Rc::new(State {
            schedule: Schedule::default(),
            began: began.unwrap_or_default(),
            random: RefCell::new(fastrand::Rng::with_seed(seed)),
            servers: RefCell::default(),
            modules: Modules::default(),
            traffic: Traffic::new(network),
            bans: BanLists::default(),
            stays: Stays::default(),
            memory: MemoryStore::default(),
            messaging: Messaging::default(),
            data: DataStores::default(),
            configs: Configs::default(),
            secrets: Secrets::default(),
            game_id: 4_000_000 + seed,
        }))
    }

    /// Starts a server of a place; no script runs yet.
    pub fn start(&self, place: u64) -> Server {
        self.start_as(place, Mode::Live)
    }

    /// Starts a server in another mode.
    pub fn start_as(&self, place: u64, mode: Mode) -> Server {
        let number = self.0.servers.borrow().len();
        let server = Server::start(self, number, place, mode);
        self.0.servers.borrow_mut().push(server.clone());
        server
    }

    /// Every server that was ever started.
    pub fn servers(&self) -> Vec<Server> {
        self.0.servers.borrow().clone()
    }

    pub(crate) fn alive(&self) -> Vec<Server> {
        let servers = self.0.servers.borrow();
        servers.iter().filter(|s| s.is_alive()).cloned().collect()
    }

    /// How many players are in the experience.
    pub fn player_count(&self) -> usize {
        let servers = self.0.servers.borrow();
        servers.iter().map(|server| server.players().len()).sum()
    }

    /// The virtual time since the universe began.
    pub fn elapsed(&self) -> Duration {
        self.0.schedule.elapsed()
    }

    /// The virtual Unix time.
    pub fn now(&self) -> Duration {
        self.0.began + self.0.schedule.elapsed()
    }

    /// Lets virtual time pass.
    pub fn run_for(&self, time: Duration) {
        self.0.schedule.run_until(self.elapsed() + time);
    }

    /// Lets virtual time pass until a condition holds; returns false if it does not in time.
    pub fn run_until(&self, patience: Duration, mut condition: impl FnMut() -> bool) -> bool {
        let end = self.elapsed() + patience;
        while !condition() {
            if !self.0.schedule.step(end) {
                self.0.schedule.run_until(end);
                return condition();
            }
        }
        true
    }

    /// Does something after a virtual time.
    pub fn after(&self, delay: Duration, action: impl FnOnce() + 'static) {
        self.0.schedule.after(delay, action);
    }

    /// Raised errors of all scripts' threads, each with its server and time.
    pub fn errors(&self) -> Vec<String> {
        let servers = self.0.servers.borrow();
        servers.iter().flat_map(Server::errors).collect()
    }

    /// A random duration between two.
    pub(crate) fn between(&self, range: (Duration, Duration)) -> Duration {
        let (low, high) = range;
        let share = self.0.random.borrow_mut().f64();
        low + high.saturating_sub(low).mul_f64(share)
    }

    /// Whether something happens that has this probability.
    pub(crate) fn chance(&self, probability: f64) -> bool {
        probability > 0.0 && self.0.random.borrow_mut().f64() < probability
    }

    /// The traffic with the API: faults, latency and counts.
    pub fn traffic(&self) -> &Traffic {
        &self.0.traffic
    }

    /// Roblox's ban lists.
    pub fn bans(&self) -> &BanLists {
        &self.0.bans
    }

    /// Who was in which server, and why they left.
    pub fn stays(&self) -> &Stays {
        &self.0.stays
    }

    pub fn memory(&self) -> &MemoryStore {
        &self.0.memory
    }

    pub fn messaging(&self) -> &Messaging {
        &self.0.messaging
    }

    pub fn data(&self) -> &DataStores {
        &self.0.data
    }

    /// Sets a configuration value, which reaches each server within a minute.
    pub fn configure(&self, key: &str, value: serde_json::Value) {
        Configs::set(self, key, value);
    }

    /// Publishes a message as Open Cloud does.
    pub fn publish(&self, topic: &str, message: &str) {
        Messaging::publish(self, topic, serde_json::Value::from(message));
    }
}
