//! A game server: a Luau machine with `game`, players, and a life.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::c_void;
use std::fmt;
use std::path::Path;
use std::rc::{Rc, Weak};
use std::time::Duration;

use mlua::{Error, Function, IntoLuaMulti, Lua, MultiValue, Result, Thread};

use crate::budget::Window;
use crate::players::Roster;
use crate::services;
use crate::stays::End;
use crate::threads::{self, Running};
use crate::universe::{State as UniverseState, Universe};
use crate::values::{enums, random, task, time};
use crate::{bridge, modules};

/// How long all `BindToClose` handlers together may take.
const CLOSING: Duration = Duration::from_secs(30);

/// Where a server runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Live,
    /// A play test in Studio: no `JobId`, no messages, no bans, three requests at once, and only
    /// local secrets.
    Studio,
}

/// A game server.
#[derive(Clone)]
pub struct Server(pub(crate) Rc<State>);

#[derive(Clone)]
pub(crate) struct WeakServer(Weak<State>);

type Watched = Rc<RefCell<Option<Result<MultiValue>>>>;

pub(crate) struct State {
    universe: Weak<UniverseState>,
    number: usize,
    place: u64,
    mode: Mode,
    lua: Lua,
    started: Duration,
    alive: Cell<bool>,
    closing: Cell<bool>,
    errors: RefCell<Vec<String>>,
    log: RefCell<Vec<String>>,
    watched: RefCell<HashMap<*const c_void, Watched>>,
    globals: RefCell<Vec<String>>,
    pub roster: Roster,
    pub close_handlers: RefCell<Vec<Function>>,
    pub requests: Window,
    /// Requests without an answer yet.
    pub outstanding: Cell<u64>,
    pub messages_sent: Window,
    pub subscribed: Window,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server({})", self.0.number)
    }
}

impl WeakServer {
    pub fn upgrade(&self) -> Result<Server> {
        let server = self.0.upgrade().map(Server);
        server.ok_or_else(|| Error::runtime("the server is gone"))
    }
}

impl Server {
    pub(crate) fn start(universe: &Universe, number: usize, place: u64, mode: Mode) -> Self {
        let server = Self(Rc::new(State {
            universe: Rc::downgrade(&universe.0),
            number,
            place,
            mode,
            lua: Lua::new(),
            started: universe.elapsed(),
            alive: Cell::new(true),
            closing: Cell::new(false),
            errors: RefCell::default(),
            log: RefCell::default(),
            watched: RefCell::default(),
            globals: RefCell::default(),
            roster: Roster::default(),
            close_handlers: RefCell::default(),
            requests: Window::default(),
            outstanding: Cell::default(),
            messages_sent: Window::default(),
            subscribed: Window::default(),
        }));
        if let Err(error) = server.install() {
            server.record_error(&error);
        }
        *server.0.globals.borrow_mut() = server.global_names();
        server
    }

    fn install(&self) -> Result<()> {
        let lua = self.lua();
        bridge::install(lua)?;
        enums::install(lua)?;
        task::install(self)?;
        time::install(self)?;
        random::install(self)?;
        self.universe().0.modules.install(lua)?;
        for name in ["print", "warn"] {
            let print = bridge::function(self, |server, _, values: MultiValue| {
                let texts = values.iter().map(mlua::Value::to_string);
                let texts = texts.collect::<Result<Vec<_>>>()?;
                server.0.log.borrow_mut().push(texts.join(" "));
                Ok(())
            })?;
            lua.globals().set(name, print)?;
        }
        lua.globals().set("game", services::game(self)?)
    }

    /// Runs a script in a thread of its own.
    pub fn run(&self, name: &str, source: &str) -> Running {
        self.run_with(name, source, ())
    }

    /// Runs a script with arguments, which it gets as `...`.
    pub fn run_with(&self, name: &str, source: &str, arguments: impl IntoLuaMulti) -> Running {
        let chunk = modules::compile(source)
            .and_then(|code| self.lua().load(code).set_name(name).into_function());
        self.run_chunk(chunk, arguments)
    }

    /// Runs a script file, whose `require` is relative to it.
    pub fn run_file(&self, path: &Path, arguments: impl IntoLuaMulti) -> Running {
        let chunk = self.universe().0.modules.load(self.lua(), path);
        self.run_chunk(chunk, arguments)
    }

    /// Calls a function in a thread of its own.
    pub fn call(&self, function: &Function, arguments: impl IntoLuaMulti) -> Running {
        self.run_chunk(Ok(function.clone()), arguments)
    }

    fn run_chunk(&self, chunk: Result<Function>, arguments: impl IntoLuaMulti) -> Running {
        let ready = chunk.and_then(|chunk| Ok((chunk, arguments.into_lua_multi(self.lua())?)));
        match ready {
            Ok((chunk, arguments)) => threads::run(self, chunk, arguments),
            Err(error) => Running::failed(self, error),
        }
    }

    /// The machine, to convert values.
    pub fn lua(&self) -> &Lua {
        &self.0.lua
    }

    pub fn number(&self) -> usize {
        self.0.number
    }

    pub fn place(&self) -> u64 {
        self.0.place
    }

    pub(crate) fn is_studio(&self) -> bool {
        self.0.mode == Mode::Studio
    }

    /// The id of the running server; empty in Studio.
    pub fn job_id(&self) -> String {
        match self.0.mode {
            Mode::Studio => String::new(),
            Mode::Live => format!("00000000-0000-4000-8000-{:012x}", self.0.number + 1),
        }
    }

    pub fn is_alive(&self) -> bool {
        self.0.alive.get()
    }

    pub(crate) fn age(&self) -> Duration {
        self.universe().elapsed() - self.0.started
    }

    /// # Panics
    /// If the universe was dropped.
    pub(crate) fn universe(&self) -> Universe {
        let universe = self.0.universe.upgrade();
        universe.map_or_else(|| panic!("a server outlives its universe"), Universe)
    }

    pub(crate) fn downgrade(&self) -> WeakServer {
        WeakServer(Rc::downgrade(&self.0))
    }

    /// Does something after a virtual time, if the server is alive then.
    pub(crate) fn after(&self, delay: Duration, action: impl FnOnce(&Self) + 'static) {
        let weak = self.downgrade();
        self.universe().after(delay, move || {
            if let Ok(server) = weak.upgrade()
                && server.is_alive()
            {
                action(&server);
            }
        });
    }

    /// What the scripts' threads raised.
    pub fn errors(&self) -> Vec<String> {
        self.0.errors.borrow().clone()
    }

    pub(crate) fn record_error(&self, error: &Error) {
        let at = self.universe().elapsed().as_secs_f64();
        let error = format!("server {} at {at:.1} s: {error}", self.0.number);
        self.0.errors.borrow_mut().push(error);
    }

    /// What the scripts printed.
    pub fn log(&self) -> Vec<String> {
        self.0.log.borrow().clone()
    }

    /// Globals that scripts have set.
    pub fn new_globals(&self) -> Vec<String> {
        let mut names = self.global_names();
        names.retain(|name| !self.0.globals.borrow().contains(name));
        names
    }

    fn global_names(&self) -> Vec<String> {
        let globals = self.lua().globals();
        let pairs = globals.pairs::<String, mlua::Value>();
        pairs.filter_map(|pair| Some(pair.ok()?.0)).collect()
    }

    /// The most requests in any minute.
    pub fn busiest_minute(&self) -> u64 {
        self.0.requests.most()
    }

    pub(crate) fn watch(&self, thread: &Thread, result: Watched) {
        let mut watched = self.0.watched.borrow_mut();
        watched.insert(thread.to_pointer(), result);
    }

    pub(crate) fn watched(&self, thread: &Thread) -> Option<Watched> {
        self.0.watched.borrow_mut().remove(&thread.to_pointer())
    }

    /// Shuts down as Roblox does: the players leave, the `BindToClose` handlers run, and 30 s later
    /// at the latest nothing runs.
    pub fn close(&self, reason: &str) {
        if self.0.closing.replace(true) {
            return;
        }
        for user in self.players() {
            self.remove(user, End::ServerClosed);
        }
        self.after(CLOSING, Self::kill);
        let handlers = self.0.close_handlers.take();
        let reason = enums::item(self.lua(), "CloseReason", reason);
        let reason = reason.unwrap_or_else(|error| panic!("{error}"));
        let running: Vec<_> = handlers
            .iter()
            .map(|handler| self.call(handler, reason.clone()))
            .collect();
        self.wait_for_handlers(running);
    }

    fn wait_for_handlers(&self, running: Vec<Running>) {
        if running.iter().all(Running::is_done) {
            for handler in running {
                if let Err(error) = handler.try_wait::<MultiValue>() {
                    self.record_error(&error);
                }
            }
            return self.kill();
        }
        let again = Duration::from_millis(50);
        self.after(again, move |server| server.wait_for_handlers(running));
    }

    /// Ends without any warning, as a crashed server does.
    pub fn kill(&self) {
        for user in self.players() {
            self.remove(user, End::ServerClosed);
        }
        self.0.alive.set(false);
        self.0.roster.clear();
    }
}
