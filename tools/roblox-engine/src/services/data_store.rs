//! `DataStoreService`: data that outlives servers, with the experience's budgets.

mod store;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use mlua::{Lua, Result};
use serde_json::Value as Json;

use crate::bridge::{Waiter, function, raise};
use crate::budget::Window;
use crate::object::{Instance, This};
use crate::server::Server;
use crate::universe::Universe;

const LATENCY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(250));
const LONGEST_NAME: usize = 50;
/// How long a throttled request waits in the queue before it looks again.
const QUEUED: Duration = Duration::from_secs(5);
/// The most requests that wait.
const QUEUE: u64 = 30;

/// The data stores of a universe.
#[derive(Debug, Default)]
pub struct DataStores {
    /// By store, with its scope, and key.
    items: RefCell<BTreeMap<(String, String), Json>>,
    failing: Cell<f64>,
    reads: Window,
    writes: Window,
    waiting: Cell<u64>,
    refused: Cell<u64>,
}

impl DataStores {
    /// Lets this share of the calls raise.
    pub fn set_failing(&self, share: f64) {
        self.failing.set(share);
    }

    /// Calls that failed because a limit was reached.
    pub fn refused(&self) -> u64 {
        self.refused.get()
    }

    /// The most reads and writes in any minute.
    pub fn busiest_minutes(&self) -> (u64, u64) {
        (self.reads.most(), self.writes.most())
    }

    /// All items as store, key and value.
    pub fn items(&self) -> Vec<(String, String, Json)> {
        let items = self.items.borrow();
        let items = items.iter();
        items
            .map(|((store, key), value)| (store.clone(), key.clone(), value.clone()))
            .collect()
    }
}

pub(crate) fn service(server: &Server) -> Result<Instance> {
    let members = super::service(server, "DataStoreService")?;
    type Get = (This, String, Option<String>);
    let get = function(server, |server, _, (_, name, scope): Get| {
        let scope = scope.unwrap_or_else(|| "global".to_owned());
        for text in [&name, &scope] {
            if text.is_empty() || text.len() > LONGEST_NAME {
                return raise("DataStore name must have 1 to 50 characters");
            }
        }
        store::object(server, &format!("{name}/{scope}"))
    })?;
    members.table.set("GetDataStore", get)?;
    Ok(Instance(members))
}

/// Does something within the budget; over it, the request waits in a queue that may be full.
fn answer<R: mlua::IntoLuaMulti + 'static>(
    server: &Server,
    waiter: Waiter,
    writes: bool,
    act: impl FnOnce(&Server, &Lua) -> Result<R> + 'static,
) {
    let universe = server.universe();
    let data = universe.data();
    if !data.take(&universe, writes) {
        if data.waiting.get() >= QUEUE {
            data.refused.set(data.refused.get() + 1);
            waiter.after(Duration::ZERO, |_, _| {
                raise::<()>("301: Request was throttled, and the queue is full")
            });
            return;
        }
        data.waiting.set(data.waiting.get() + 1);
        return server.after(QUEUED, move |server| {
            let waiting = &server.universe().0.data.waiting;
            waiting.set(waiting.get() - 1);
            answer(server, waiter, writes, act);
        });
    }
    let failing = universe.chance(data.failing.get());
    waiter.after(universe.between(LATENCY), move |server, lua| {
        if failing {
            return raise("502: API Services rejected request with error");
        }
        act(server, lua)
    });
}

impl DataStores {
    fn take(&self, universe: &Universe, writes: bool) -> bool {
        let users = universe.player_count() as u64;
        let (window, limit) = match writes {
            true => (&self.writes, 300 + 20 * users),
            false => (&self.reads, 300 + 40 * users),
        };
        window.take(universe.elapsed(), 1, limit)
    }
}
