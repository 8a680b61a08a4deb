//! A game of one place that uses the module, in virtual time.

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use end_to_end::{AppNetwork, Ban, Call, TestApp, Unban, Workspace, repository};
use roblox_engine::mlua::{FromLuaMulti, Function, IntoLuaMulti, Table, Value};
use roblox_engine::{Mode, Server, Universe};

use super::ARENA;

/// A private reason, which no player may ever read.
pub const NOTE: &str = "note for moderators";

/// When a user was banned, in virtual time.
#[derive(Clone, Copy, Debug)]
pub struct Period {
    pub user: u64,
    pub from: Duration,
    pub until: Option<Duration>,
}

/// The game, with what its workspace has decided.
pub struct Game<'a> {
    pub app: &'a Arc<TestApp>,
    pub workspace: Workspace<'a>,
    pub universe: Universe,
    pub(super) banned: RefCell<Vec<Period>>,
    /// When the API could not be used, in virtual time.
    pub(super) outages: RefCell<Vec<(Duration, Duration)>>,
}

/// A server that runs the module.
pub struct Gate {
    pub server: Server,
    gate: Table,
}

impl<'a> Game<'a> {
    /// A game whose workspace has a snapshot.
    pub async fn new(app: &'a Arc<TestApp>) -> Self {
        let game = Self::of(app, app.workspace().await);
        game.build_snapshot().await;
        game
    }

    pub fn of(app: &'a Arc<TestApp>, workspace: Workspace<'a>) -> Self {
        let universe = Universe::new(1, AppNetwork::new(app).settling());
        universe.set_secret("portcullis", workspace.secret_key(), "127.0.0.1");
        Self {
            app,
            workspace,
            universe,
            banned: RefCell::default(),
            outages: RefCell::default(),
        }
    }

    /// Starts a server with the module's defaults.
    pub fn server(&self) -> Gate {
        self.server_with(Mode::Live, |_| {})
    }

    /// Starts a server with other options.
    pub fn server_with(&self, mode: Mode, change: impl FnOnce(&Table)) -> Gate {
        let server = self.universe.start_as(ARENA, mode);
        let options = server.lua().create_table().unwrap();
        options.set("url", self.app.address()).unwrap();
        change(&options);
        let gate = self.start_on(&server, options);
        Gate { server, gate }
    }

    /// Runs the game's script on a server, and returns the gate.
    pub fn start_on(&self, server: &Server, options: Table) -> Table {
        server.run_file(&script(), options).wait()
    }

    /// Lets virtual time pass, with the schedules that the API needs.
    pub async fn run(&self, time: Duration) {
        let end = self.universe.elapsed() + time;
        loop {
            let left = end.saturating_sub(self.universe.elapsed());
            if left.is_zero() {
                return;
            }
            self.universe.run_for(left.min(Duration::from_secs(60)));
            self.schedules().await;
        }
    }

    /// What runs each minute: a tick comes through the stream, and snapshots that are due are built.
    /// The functions' clock is that of the universe.
    pub async fn schedules(&self) {
        self.app.set_clock(self.universe.now());
        self.app.run_schedule("expire-bans", "EachMinute").await;
        self.app.settle().await;
        self.app.run_schedule("build-snapshots", "EachMinute").await;
        self.app.background_settled().await;
    }

    /// Orders the first snapshot, and builds it.
    pub async fn build_snapshot(&self) {
        self.app.set_clock(self.universe.now());
        let ordered = self.workspace.send(Call::get("/snapshot")).await;
        ordered.assert_error(503, "unavailable");
        self.schedules().await;
    }

    /// A moderator bans elsewhere.
    pub async fn ban(&self, ban: Ban) {
        self.app.set_clock(self.universe.now());
        let user = ban.body()["userId"].as_u64().unwrap();
        let public = ban.body()["banPublicReason"].as_str().unwrap().to_owned();
        self.workspace.ban(ban.reasons(NOTE, &public)).await;
        self.app.settle().await;
        self.expect_ban(user);
    }

    /// A moderator lifts a ban elsewhere.
    pub async fn unban(&self, user: u64) {
        self.app.set_clock(self.universe.now());
        self.workspace.unban(Unban::of(user, ARENA)).await;
        self.app.settle().await;
        self.expect_unban(user);
    }

    /// From now on, the user is banned.
    pub fn expect_ban(&self, user: u64) {
        self.banned.borrow_mut().push(Period {
            user,
            from: self.universe.elapsed(),
            until: None,
        });
    }

    /// From now on, the user is not banned.
    pub fn expect_unban(&self, user: u64) {
        let now = self.universe.elapsed();
        let mut banned = self.banned.borrow_mut();
        let open = banned
            .iter_mut()
            .filter(|p| p.user == user && p.until.is_none());
        for period in open {
            period.until = Some(now);
        }
    }

    /// The API cannot be used for a time: nothing is promised about decisions of that time until it
    /// is over.
    pub fn expect_outage(&self, time: Duration) {
        let now = self.universe.elapsed();
        self.outages.borrow_mut().push((now, now + time));
    }

    /// Publishes the messages that the app has sent through Open Cloud, and any other.
    pub fn drop_message(&self, user: u64) {
        let message = format!(r#"{{"Command":"DropPlayer","UserId":{user}}}"#);
        self.universe.publish("SentinelAPI", &message);
    }
}

impl Gate {
    /// Calls a method of the gate.
    #[track_caller]
    pub fn call<R: FromLuaMulti>(&self, method: &str, arguments: impl IntoLuaMulti) -> R {
        let mut values = arguments.into_lua_multi(self.server.lua()).unwrap();
        values.push_front(Value::Table(self.gate.clone()));
        let function: Function = self.gate.get(method).unwrap();
        self.server.call(&function, values).wait()
    }

    /// A table from a Luau expression, such as the arguments of a method.
    pub fn table(&self, source: &str) -> Table {
        self.server
            .lua()
            .load(format!("return {source}"))
            .eval()
            .unwrap()
    }

    pub fn health(&self, field: &str) -> Value {
        self.call::<Table>("health", ()).get(field).unwrap()
    }

    /// Whether the server runs the calls for all servers.
    pub fn is_worker(&self) -> bool {
        self.health("worker") == Value::Boolean(true)
    }

    pub fn has(&self, user: u64) -> bool {
        self.server.players().contains(&user)
    }
}

fn script() -> PathBuf {
    repository("tests/end-to-end/tests/roblox/server.luau")
}
