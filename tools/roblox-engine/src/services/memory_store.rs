//! `MemoryStoreService`: hash maps and sorted maps that all servers share, with their limits.

mod maps;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use mlua::{Lua, Result, Value};
use serde_json::Value as Json;

use crate::bridge::{Waiter, function, number, raise};
use crate::budget::Window;
use crate::json;
use crate::object::{Instance, This};
use crate::server::Server;
use crate::universe::Universe;

const LATENCY: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(40));
const LONGEST_KEY: usize = 128;
const LONGEST_VALUE: usize = 32 * 1024;
/// 45 days.
const LONGEST_LIFE: f64 = 3_888_000.0;

/// What goes wrong in the memory store.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum MemoryFault {
    #[default]
    None,
    /// Every write raises, as the memory is full.
    Full,
    /// Every call raises.
    Unavailable,
    /// Each call raises with this probability.
    Flaky(f64),
}

/// An item with its end.
#[derive(Clone, Debug)]
struct Item {
    value: Json,
    sort_key: Json,
    until: Duration,
}

/// The memory store of a universe.
#[derive(Debug, Default)]
pub struct MemoryStore {
    /// By structure and key.
    items: RefCell<BTreeMap<(String, String), Item>>,
    fault: Cell<MemoryFault>,
    units: Window,
    calls: Cell<u64>,
    /// Calls that failed because a limit was reached.
    refused: Cell<u64>,
    most_users: Cell<u64>,
    users_elsewhere: Cell<u64>,
}

impl MemoryStore {
    /// Sets what goes wrong from now on.
    pub fn set_fault(&self, fault: MemoryFault) {
        self.fault.set(fault);
    }

    /// The most request units in any minute.
    pub fn busiest_minute(&self) -> u64 {
        self.units.most()
    }

    /// All calls.
    pub fn calls(&self) -> u64 {
        self.calls.get()
    }

    /// Calls that failed because a limit was reached.
    pub fn refused(&self) -> u64 {
        self.refused.get()
    }

    /// Deletes everything, as Roblox may.
    pub fn lose_everything(&self) {
        self.items.borrow_mut().clear();
    }

    /// The live items as structure, key and value.
    pub fn items(&self, now: Duration) -> Vec<(String, String, Json)> {
        let items = self.items.borrow();
        let live = items.iter().filter(|(_, item)| item.until > now);
        live.map(|((map, key), item)| (map.clone(), key.clone(), item.value.clone()))
            .collect()
    }

    /// Raises the limits by those of users in servers that do not run here.
    pub fn set_users_elsewhere(&self, users: u64) {
        self.users_elsewhere.set(users);
    }

    fn users(&self, universe: &Universe) -> u64 {
        let users = universe.player_count() as u64 + self.users_elsewhere.get();
        let users = users.max(self.most_users.get());
        self.most_users.set(users);
        users
    }

    fn refuse<T>(&self, text: &str) -> Result<T> {
        self.refused.set(self.refused.get() + 1);
        raise(text)
    }

    /// Takes the units of a call, or raises.
    fn begin(&self, universe: &Universe, units: u64, writes: bool) -> Result<()> {
        self.calls.set(self.calls.get() + 1);
        match self.fault.get() {
            MemoryFault::Unavailable => return raise("InternalError: Internal server error"),
            MemoryFault::Flaky(share) if universe.chance(share) => {
                return raise("InternalError: Internal server error");
            }
            MemoryFault::Full if writes => {
                return raise("DataStructureMemoryOverLimit: Memory quota exceeded");
            }
            _ => {}
        }
        let limit = 1000 + 120 * self.users(universe);
        match self.units.take(universe.elapsed(), units, limit) {
            true => Ok(()),
            false => self.refuse("TotalRequestsOverLimit: Requests exceed the limit"),
        }
    }

    fn get(&self, now: Duration, map: &str, key: &str) -> Option<Item> {
        let items = self.items.borrow();
        let item = items.get(&(map.to_owned(), key.to_owned()))?;
        (item.until > now).then(|| item.clone())
    }

    fn set(&self, universe: &Universe, map: &str, key: &str, item: Item) -> Result<()> {
        let now = universe.elapsed();
        let limit = 65_536 + 1_229 * self.users(universe);
        let mut items = self.items.borrow_mut();
        items.retain(|_, item| item.until > now);
        let new = (map.to_owned(), key.to_owned());
        let others = items.iter().filter(|(key, _)| **key != new);
        let used: usize = others.map(|((_, key), item)| size(key, &item.value)).sum();
        if (used + size(key, &item.value)) as u64 > limit {
            return self.refuse("DataStructureMemoryOverLimit: Memory quota exceeded");
        }
        items.insert(new, item);
        Ok(())
    }

    fn remove(&self, map: &str, key: &str) {
        let key = (map.to_owned(), key.to_owned());
        self.items.borrow_mut().remove(&key);
    }

    /// The live items of a structure.
    fn all(&self, now: Duration, map: &str) -> Vec<(String, Item)> {
        let items = self.items.borrow();
        let own = items
            .iter()
            .filter(|((of, _), item)| of == map && item.until > now);
        own.map(|((_, key), item)| (key.clone(), item.clone()))
            .collect()
    }
}

fn size(key: &str, value: &Json) -> usize {
    key.len() + value.to_string().len()
}

pub(crate) fn service(server: &Server) -> Result<Instance> {
    let members = super::service(server, "MemoryStoreService")?;
    for (method, sorted) in [("GetHashMap", false), ("GetSortedMap", true)] {
        let get = function(server, move |server, _, (_, name): (This, String)| {
            if name.is_empty() || name.len() > LONGEST_KEY {
                return raise("the name must have 1 to 128 characters");
            }
            maps::object(server, &name, sorted)
        })?;
        members.table.set(method, get)?;
    }
    Ok(Instance(members))
}

fn checked_key(key: &Value) -> Result<String> {
    let Value::String(key) = key else {
        return raise(format!("the key must be a string, not {}", key.type_name()));
    };
    let key = key.to_str()?.to_owned();
    if key.is_empty() || key.len() > LONGEST_KEY {
        return raise("InvalidRequest: the key must have 1 to 128 characters");
    }
    Ok(key)
}

fn checked_value(value: &Value) -> Result<Json> {
    if value.is_nil() {
        return raise("InvalidRequest: the value must not be nil");
    }
    let value = json::from_lua(value)?;
    if value.to_string().len() > LONGEST_VALUE {
        return raise("ItemValueSizeTooLarge: the value exceeds 32 KB");
    }
    Ok(value)
}

fn checked_life(life: &Value) -> Result<Duration> {
    let Some(life) = number(life) else {
        return raise("the expiration must be a number");
    };
    if !(0.0..=LONGEST_LIFE).contains(&life) {
        return raise("InvalidRequest: the expiration must be between 0 and 3888000 seconds");
    }
    Ok(Duration::from_secs_f64(life))
}

fn answer<R: mlua::IntoLuaMulti>(
    server: &Server,
    waiter: Waiter,
    act: impl FnOnce(&Universe, &Lua) -> Result<R> + 'static,
) {
    let latency = server.universe().between(LATENCY);
    waiter.after(latency, move |server, lua| act(&server.universe(), lua));
}
