//! Functions of the engine for scripts: they raise plain text, as Roblox's do, and may yield.

use std::time::Duration;

use mlua::{Error, FromLuaMulti, Function, IntoLuaMulti, Lua, MultiValue, Result, Table, Thread};

use crate::server::{Server, WeakServer};
use crate::threads;

/// Turns the engine's functions into ones that raise text and yield.
const PRELUDE: &str = r#"
local function settle(ok, ...)
    if ok then
        return ...
    end
    error(..., 0)
end
return {
    raising = function(call)
        return function(...)
            return settle(call(...))
        end
    end,
    yielding = function(start)
        return function(...)
            settle(start(...))
            return settle(coroutine.yield())
        end
    end,
    cancel = coroutine.close,
}
"#;

/// The key of the prelude among a machine's named values.
const PRELUDE_KEY: &str = "engine prelude";

pub(crate) fn install(lua: &Lua) -> Result<()> {
    let prelude: Table = lua.load(PRELUDE).set_name("=engine").eval()?;
    lua.set_named_registry_value(PRELUDE_KEY, prelude)
}

pub(crate) fn prelude(lua: &Lua, name: &str) -> Result<Function> {
    lua.named_registry_value::<Table>(PRELUDE_KEY)?.get(name)
}

/// An error for a script.
pub(crate) fn raise<T>(text: impl Into<String>) -> Result<T> {
    Err(Error::runtime(text.into()))
}

/// The text that a script sees.
pub(crate) fn text(error: &Error) -> String {
    match error {
        Error::RuntimeError(text) => text.clone(),
        Error::CallbackError { cause, .. } => text(cause),
        other => other.to_string(),
    }
}

/// A number, which Luau may hand over as an integer.
pub(crate) fn number(value: &mlua::Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_i64().map(|n| n as f64))
}

/// `true` and the values, or `false` and the text.
fn outcome(lua: &Lua, result: Result<MultiValue>) -> Result<MultiValue> {
    match result {
        Ok(mut values) => {
            values.push_front(mlua::Value::Boolean(true));
            Ok(values)
        }
        Err(error) => (false, text(&error)).into_lua_multi(lua),
    }
}

/// A function that returns at once.
pub(crate) fn function<A: FromLuaMulti, R: IntoLuaMulti>(
    server: &Server,
    call: impl Fn(&Server, &Lua, A) -> Result<R> + 'static,
) -> Result<Function> {
    let weak = server.downgrade();
    let lua = server.lua();
    let native = lua.create_function(move |lua, arguments: MultiValue| {
        let server = weak.upgrade()?;
        let result = A::from_lua_multi(arguments, lua)
            .and_then(|arguments| call(&server, lua, arguments))
            .and_then(|values| values.into_lua_multi(lua));
        outcome(lua, result)
    })?;
    prelude(lua, "raising")?.call(native)
}

/// A function that yields: it starts something that resumes the [`Waiter`], once.
pub(crate) fn yielding<A: FromLuaMulti>(
    server: &Server,
    start: impl Fn(&Server, &Lua, A, Waiter) -> Result<()> + 'static,
) -> Result<Function> {
    let weak = server.downgrade();
    let lua = server.lua();
    let native = lua.create_function(move |lua, arguments: MultiValue| {
        let server = weak.upgrade()?;
        let waiter = Waiter {
            server: weak.clone(),
            thread: lua.current_thread(),
        };
        let result = A::from_lua_multi(arguments, lua)
            .and_then(|arguments| start(&server, lua, arguments, waiter));
        outcome(lua, result.map(|()| MultiValue::new()))
    })?;
    prelude(lua, "yielding")?.call(native)
}

/// A thread that waits for the engine.
pub(crate) struct Waiter {
    server: WeakServer,
    thread: Thread,
}

impl Waiter {
    /// Resumes the thread after a time with what `result` then returns.
    pub fn after<R: IntoLuaMulti>(
        self,
        delay: Duration,
        result: impl FnOnce(&Server, &Lua) -> Result<R> + 'static,
    ) {
        let Ok(server) = self.server.upgrade() else {
            return;
        };
        server.after(delay, move |server| self.now(server, result));
    }

    /// Resumes the thread with what `result` returns.
    pub fn now<R: IntoLuaMulti>(
        self,
        server: &Server,
        result: impl FnOnce(&Server, &Lua) -> Result<R>,
    ) {
        let lua = server.lua();
        let result = result(server, lua).and_then(|values| values.into_lua_multi(lua));
        if let Ok(values) = outcome(lua, result) {
            threads::resume(server, &self.thread, values);
        }
    }
}
