//! Game servers of a test: an experience of one place, and servers that run [`PUBLISHED_SDK`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use end_to_end::{AppNetwork, PUBLISHED_SDK, TestApp, now};
use roblox_engine::mlua::{FromLuaMulti, Function, IntoLuaMulti, Table};
use roblox_engine::{Listed, Server, Universe};

/// An experience of one place, with its ban list.
#[derive(Debug)]
pub struct Experience {
    pub place: u64,
    universe: Universe,
}

impl Experience {
    pub fn new(app: &Arc<TestApp>, place: u64) -> Self {
        let universe = Universe::new(place, AppNetwork::new(app));
        // Bans of seconds end in real time: see `catch_up`.
        universe
            .traffic()
            .set_latency(Duration::ZERO, Duration::ZERO);
        Self { place, universe }
    }

    pub fn server(&self) -> Server {
        self.universe.start(self.place)
    }

    /// The ban list with its entries.
    pub fn list(&self) -> BTreeMap<u64, Listed> {
        self.universe.bans().list()
    }

    /// The banned users.
    pub fn listed(&self) -> Vec<u64> {
        self.universe.bans().users()
    }
}

/// A server that runs [`PUBLISHED_SDK`].
pub struct GameServer<'a> {
    script: Table,
    server: Server,
    universe: &'a Universe,
}

impl<'a> GameServer<'a> {
    pub fn start(app: &TestApp, experience: &'a Experience, key: &str) -> Self {
        let server = experience.server();
        Self {
            script: script(app, &server, key),
            server,
            universe: &experience.universe,
        }
    }

    /// Calls a function of the script.
    #[track_caller]
    pub fn call<R: FromLuaMulti>(&self, function: &str, arguments: impl IntoLuaMulti) -> R {
        let function: Function = self.script.get(function).unwrap();
        self.run(&function, arguments)
    }

    /// Calls another function in the same machine.
    #[track_caller]
    pub fn run<R: FromLuaMulti>(&self, function: &Function, arguments: impl IntoLuaMulti) -> R {
        self.catch_up();
        self.server.call(function, arguments).wait()
    }

    /// A function in the script's machine.
    pub fn function(&self, source: &str) -> Function {
        self.server.lua().load(source).into_function().unwrap()
    }

    /// A player joins; returns the kick message if the script keeps them out.
    pub fn join(&self, user: u64) -> Option<String> {
        self.call("join", user)
    }

    /// Fetches and applies both lists.
    pub fn cycle(&self) {
        self.call::<()>("cycle", ());
    }

    /// The API's clock is real in these tests, so virtual time must not be behind it.
    fn catch_up(&self) {
        let real = Duration::from_secs(now());
        self.universe
            .run_for(real.saturating_sub(self.universe.now()));
    }
}

/// The functions of [`PUBLISHED_SDK`].
pub fn script(app: &TestApp, server: &Server, key: &str) -> Table {
    let entry = format!("{}/api/v1", app.address());
    server
        .run_with("published_sdk", PUBLISHED_SDK, (entry, key))
        .wait()
}
