//! Scripts' threads. What a thread raises is recorded and ends only that thread.

use std::cell::RefCell;
use std::rc::Rc;

use mlua::{Error, FromLuaMulti, Function, IntoLuaMulti, MultiValue, Result, Thread};

use crate::server::Server;

/// A thread that a test waits for.
#[derive(Clone, Debug)]
pub struct Running {
    server: Server,
    result: Rc<RefCell<Option<Result<MultiValue>>>>,
}

impl Running {
    pub(crate) fn failed(server: &Server, error: Error) -> Self {
        Self {
            server: server.clone(),
            result: Rc::new(RefCell::new(Some(Err(error)))),
        }
    }

    pub fn is_done(&self) -> bool {
        self.result.borrow().is_some()
    }

    /// Lets virtual time pass until the thread is done, and returns its values.
    ///
    /// # Panics
    /// If the thread raises an error or does not end within a virtual day.
    #[track_caller]
    pub fn wait<R: FromLuaMulti>(&self) -> R {
        self.try_wait().unwrap_or_else(|error| panic!("{error}"))
    }

    /// Like [`Running::wait`], but returns the error.
    #[track_caller]
    pub fn try_wait<R: FromLuaMulti>(&self) -> Result<R> {
        let universe = self.server.universe();
        let day = std::time::Duration::from_secs(86_400);
        assert!(
            universe.run_until(day, || self.is_done()),
            "the thread does not end"
        );
        let result = self.result.borrow_mut().take();
        let values = result.unwrap_or_else(|| Err(Error::runtime("the result was taken")))?;
        R::from_lua_multi(values, self.server.lua())
    }
}

/// Runs a function in a thread of its own, up to its first yield.
pub(crate) fn spawn(server: &Server, function: Function, arguments: MultiValue) -> Result<Thread> {
    let thread = server.lua().create_thread(function)?;
    resume(server, &thread, arguments);
    Ok(thread)
}

/// Runs a function in a thread of its own, whose result a test wants.
pub(crate) fn run(server: &Server, function: Function, arguments: MultiValue) -> Running {
    let running = Running {
        server: server.clone(),
        result: Rc::default(),
    };
    match server.lua().create_thread(function) {
        Ok(thread) => {
            let result = Rc::clone(&running.result);
            server.watch(&thread, result);
            resume(server, &thread, arguments);
        }
        Err(error) => *running.result.borrow_mut() = Some(Err(error)),
    }
    running
}

/// Resumes a thread unless it ended or was cancelled meanwhile.
pub(crate) fn resume(server: &Server, thread: &Thread, arguments: impl IntoLuaMulti) {
    if !server.is_alive() || !thread.is_resumable() {
        return;
    }
    let result = thread.resume::<MultiValue>(arguments);
    if result.is_ok() && thread.is_resumable() {
        return;
    }
    if let Some(watched) = server.watched(thread) {
        *watched.borrow_mut() = Some(result);
    } else if let Err(error) = result {
        server.record_error(&error);
    }
}
