//! `task`: threads in virtual time.

use std::time::Duration;

use mlua::{Function, Lua, MultiValue, Result, Thread, Value};

use crate::bridge::{function, prelude, raise, yielding};
use crate::server::Server;
use crate::threads;

/// The engine resumes waiting threads once per frame.
const FRAME: Duration = Duration::from_micros(16_667);

pub(crate) fn install(server: &Server) -> Result<()> {
    let lua = server.lua();
    let task = lua.create_table()?;
    let spawn = function(
        server,
        |server, lua, (what, arguments): (Value, MultiValue)| {
            let thread = thread(lua, &what)?;
            threads::resume(server, &thread, arguments);
            Ok(thread)
        },
    )?;
    task.set("spawn", spawn)?;
    let defer = function(
        server,
        |server, lua, (what, arguments): (Value, MultiValue)| {
            later(server, lua, Duration::ZERO, &what, arguments)
        },
    )?;
    task.set("defer", defer)?;
    let delay = function(
        server,
        |server, lua, (time, what, arguments): (f64, Value, MultiValue)| {
            later(server, lua, pause(time)?, &what, arguments)
        },
    )?;
    task.set("delay", delay)?;
    let wait = yielding(server, |server, _, time: Option<f64>, waiter| {
        let began = server.universe().elapsed();
        waiter.after(pause(time.unwrap_or(0.0))?, move |server, _| {
            Ok((server.universe().elapsed() - began).as_secs_f64())
        });
        Ok(())
    })?;
    task.set("wait", wait)?;
    let cancel = function(server, |_, lua, thread: Thread| {
        prelude(lua, "cancel")?.call::<MultiValue>(thread)?;
        Ok(())
    })?;
    task.set("cancel", cancel)?;
    task.set_readonly(true);
    lua.globals().set("task", task)
}

fn pause(seconds: f64) -> Result<Duration> {
    if seconds.is_nan() || seconds > 1e9 {
        return raise(format!("a thread cannot wait {seconds} s"));
    }
    Ok(Duration::from_secs_f64(seconds.max(0.0)).max(FRAME))
}

fn thread(lua: &Lua, what: &Value) -> Result<Thread> {
    match what {
        Value::Function(function) => lua.create_thread(Function::clone(function)),
        Value::Thread(thread) => Ok(thread.clone()),
        other => raise(format!(
            "invalid argument (function or thread expected, got {})",
            other.type_name()
        )),
    }
}

fn later(
    server: &Server,
    lua: &Lua,
    delay: Duration,
    what: &Value,
    arguments: MultiValue,
) -> Result<Thread> {
    let thread = thread(lua, what)?;
    let own = thread.clone();
    server.after(delay, move |server| {
        threads::resume(server, &own, arguments)
    });
    Ok(thread)
}
