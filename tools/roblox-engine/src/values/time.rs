//! Clocks, all on virtual time.

use mlua::{Function, Result, Table, Value};

use crate::bridge::function;
use crate::object::{DateTime, Members};
use crate::server::Server;

pub(crate) fn install(server: &Server) -> Result<()> {
    let lua = server.lua();
    let globals = lua.globals();
    let original: Table = globals.get("os")?;
    let os = lua.create_table()?;
    let time: Function = original.get("time")?;
    let time = function(server, move |server, _, parts: Option<Table>| match parts {
        Some(parts) => time.call::<Value>(parts),
        None => Ok(number(server.universe().now().as_secs())),
    })?;
    os.set("time", time)?;
    let date: Function = original.get("date")?;
    let date = function(
        server,
        move |server, _, (format, at): (Option<String>, Option<f64>)| {
            let at = at.map_or_else(|| number(server.universe().now().as_secs()), Value::Number);
            date.call::<Value>((format, at))
        },
    )?;
    os.set("date", date)?;
    os.set("difftime", original.get::<Function>("difftime")?)?;
    let clock = function(server, |server, _, ()| {
        Ok(server.universe().elapsed().as_secs_f64())
    })?;
    os.set("clock", clock.clone())?;
    os.set_readonly(true);
    globals.set("os", os)?;
    let since_start = function(server, |server, _, ()| Ok(server.age().as_secs_f64()))?;
    globals.set("time", since_start)?;

    let library = lua.create_table()?;
    let now = function(server, |server, _, ()| {
        date_time(server, server.universe().now().as_secs_f64())
    })?;
    library.set("now", now)?;
    let from = function(server, |server, _, seconds: f64| date_time(server, seconds))?;
    library.set("fromUnixTimestamp", from)?;
    globals.set("DateTime", library)
}

fn number(seconds: u64) -> Value {
    Value::Number(seconds as f64)
}

fn date_time(server: &Server, seconds: f64) -> Result<DateTime> {
    let members = Members::new(server.lua(), "DateTime", "DateTime")?;
    members.table.set("UnixTimestamp", seconds.floor())?;
    let millis = (seconds * 1000.0).floor();
    members.table.set("UnixTimestampMillis", millis)?;
    Ok(DateTime(members))
}
