//! `HttpService`.

mod options;

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use mlua::{Result, Table, Value};

use crate::bridge::{Waiter, function, raise, yielding};
use crate::json;
use crate::network::{Request, Response, Traffic};
use crate::object::{Instance, This};
use crate::server::Server;
use crate::universe::Universe;
use crate::values::secret::{LONGEST, Secret};

/// Requests of a server per minute.
const PER_MINUTE: u64 = 500;
/// How long a request over the limit stalls before it raises.
const STALL: Duration = Duration::from_secs(30);
/// Requests at once in Studio.
const AT_ONCE_IN_STUDIO: u64 = 3;
/// How often a waiting request in Studio looks for room.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// The secrets of an experience.
#[derive(Debug, Default)]
pub(crate) struct Secrets {
    live: RefCell<HashMap<String, Secret>>,
    local: RefCell<HashMap<String, Secret>>,
}

impl Universe {
    /// Sets a secret, which only requests to a domain may carry.
    pub fn set_secret(&self, name: &str, text: &str, domain: &str) {
        set(&self.0.secrets.live, name, text, domain);
    }

    /// Sets a local secret of Studio.
    pub fn set_local_secret(&self, name: &str, text: &str, domain: &str) {
        set(&self.0.secrets.local, name, text, domain);
    }

    /// Deletes all secrets.
    pub fn delete_secrets(&self) {
        self.0.secrets.live.borrow_mut().clear();
    }
}

fn set(secrets: &RefCell<HashMap<String, Secret>>, name: &str, text: &str, domain: &str) {
    assert!(text.len() <= LONGEST, "too long for a secret");
    let (text, domain) = (text.to_owned(), domain.to_owned());
    let secret = Secret { text, domain };
    secrets.borrow_mut().insert(name.to_owned(), secret);
}

pub(crate) fn service(server: &Server) -> Result<Instance> {
    let members = super::service(server, "HttpService")?;
    let table = &members.table;
    table.set("HttpEnabled", true)?;
    let encode = function(server, |_, _, (_, value): (This, Value)| {
        json::encode(&value)
    })?;
    table.set("JSONEncode", encode)?;
    let decode = function(server, |_, lua, (_, text): (This, Value)| match &text {
        Value::String(text) => json::decode(lua, &text.to_string_lossy()),
        _ => raise("Can't parse JSON"),
    })?;
    table.set("JSONDecode", decode)?;
    let guid = function(server, |server, _, (_, braces): (This, Option<bool>)| {
        let random = server.universe().0.random.borrow_mut().u128(..);
        let digits = format!("{random:032X}");
        let parts = [
            &digits[..8],
            &digits[8..12],
            &digits[13..16],
            &digits[17..20],
            &digits[20..],
        ];
        let guid = format!(
            "{}-{}-4{}-8{}-{}",
            parts[0], parts[1], parts[2], parts[3], parts[4]
        );
        Ok(if braces.unwrap_or(true) {
            format!("{{{guid}}}")
        } else {
            guid
        })
    })?;
    table.set("GenerateGUID", guid)?;
    let escape = function(server, |_, _, (_, text): (This, String)| {
        Ok(url_encode(&text))
    })?;
    table.set("UrlEncode", escape)?;
    let secret = function(server, |server, _, (_, name): (This, String)| {
        let universe = server.universe();
        let secrets = &universe.0.secrets;
        let secrets = if server.is_studio() {
            &secrets.local
        } else {
            &secrets.live
        };
        let found = secrets.borrow().get(&name).cloned();
        found.map_or_else(
            || raise(format!("Can't find secret with given key {name}")),
            Ok,
        )
    })?;
    table.set("GetSecret", secret)?;
    let request = yielding(server, |server, _, (_, options): (This, Table), waiter| {
        let (request, timeout) = options::parse(server, &options)?;
        let now = server.universe().elapsed();
        if !server.0.requests.take(now, 1, PER_MINUTE) {
            waiter.after(STALL, |_, _| {
                raise::<()>("Number of requests exceeded limit")
            });
            return Ok(());
        }
        send(server, request, timeout, waiter);
        Ok(())
    })?;
    table.set("RequestAsync", request)?;
    Ok(Instance(members))
}

fn send(server: &Server, request: Request, timeout: Duration, waiter: Waiter) {
    let outstanding = &server.0.outstanding;
    if server.is_studio() && outstanding.get() >= AT_ONCE_IN_STUDIO {
        return server.after(LOOK_AGAIN, move |server| {
            send(server, request, timeout, waiter);
        });
    }
    outstanding.set(outstanding.get() + 1);
    let deliver = Box::new(
        |server: &Server, result: std::result::Result<Response, String>| {
            let outstanding = &server.0.outstanding;
            outstanding.set(outstanding.get() - 1);
            waiter.now(server, |_, lua| match result {
                Ok(response) => shown(lua, &response),
                Err(error) => raise(error),
            });
        },
    );
    Traffic::send(server, request, timeout, deliver);
}

/// The response as a script sees it.
fn shown(lua: &mlua::Lua, response: &Response) -> Result<Table> {
    let headers = lua.create_table()?;
    for (name, value) in &response.headers {
        headers.set(name.to_ascii_lowercase(), value.as_str())?;
    }
    let table = lua.create_table()?;
    table.set("Success", (200..300).contains(&response.status))?;
    table.set("StatusCode", response.status)?;
    table.set("StatusMessage", format!("HTTP {}", response.status))?;
    table.set("Headers", headers)?;
    table.set("Body", lua.create_string(&response.body)?)?;
    Ok(table)
}

fn url_encode(text: &str) -> String {
    let encoded = text.bytes().map(|byte| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    });
    encoded.collect()
}
