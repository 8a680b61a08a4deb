//! `ConfigService`: settings that reach servers within a minute.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use mlua::{Result, Value};
use serde_json::Value as Json;

use crate::bridge::{function, yielding};
use crate::json::to_lua;
use crate::object::{Instance, Members, This};
use crate::server::{Server, WeakServer};
use crate::universe::Universe;
use crate::values::signal::Signal;

const LATENCY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(300));
/// How long a change takes to reach a server.
const SPREAD: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(60));

type Values = BTreeMap<String, Json>;

/// The settings of a universe.
#[derive(Default)]
pub struct Configs {
    values: RefCell<Values>,
    snapshots: RefCell<Vec<(WeakServer, Rc<Snapshot>)>>,
    broken: Cell<bool>,
}

impl std::fmt::Debug for Configs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Configs({:?})", self.values.borrow())
    }
}

/// What a script holds: the values as of its last refresh.
#[derive(Default)]
struct Snapshot {
    shown: RefCell<Values>,
    arrived: RefCell<Values>,
    available: Signal,
    changed: RefCell<BTreeMap<String, Signal>>,
}

impl Configs {
    /// Lets `GetConfigAsync` raise.
    pub fn set_broken(&self, broken: bool) {
        self.broken.set(broken);
    }

    pub(crate) fn set(universe: &Universe, key: &str, value: Json) {
        let configs = &universe.0.configs;
        configs.values.borrow_mut().insert(key.to_owned(), value);
        let values = configs.values.borrow().clone();
        for (server, snapshot) in configs.snapshots.borrow().iter() {
            let Ok(server) = server.upgrade() else {
                continue;
            };
            let (snapshot, values) = (Rc::clone(snapshot), values.clone());
            server.after(universe.between(SPREAD), move |server| {
                *snapshot.arrived.borrow_mut() = values;
                if let Err(error) = snapshot.available.fire(server, ()) {
                    server.record_error(&error);
                }
            });
        }
    }
}

impl Universe {
    pub fn configs(&self) -> &Configs {
        &self.0.configs
    }
}

pub(crate) fn service(server: &Server) -> Result<Instance> {
    let members = super::service(server, "ConfigService")?;
    let get = yielding(server, |server, _, _: This, waiter| {
        let latency = server.universe().between(LATENCY);
        waiter.after(latency, |server, _| {
            let universe = server.universe();
            let configs = &universe.0.configs;
            if configs.broken.get() {
                return crate::bridge::raise("GetConfigAsync: request failed");
            }
            let snapshot = Rc::new(Snapshot::default());
            *snapshot.shown.borrow_mut() = configs.values.borrow().clone();
            *snapshot.arrived.borrow_mut() = configs.values.borrow().clone();
            let entry = (server.downgrade(), Rc::clone(&snapshot));
            configs.snapshots.borrow_mut().push(entry);
            object(server, &snapshot)
        });
        Ok(())
    })?;
    members.table.set("GetConfigAsync", get)?;
    Ok(Instance(members))
}

fn object(server: &Server, snapshot: &Rc<Snapshot>) -> Result<Instance> {
    let members = Members::new(server.lua(), "ConfigSnapshot", "ConfigSnapshot")?;
    let table = &members.table;
    table.set(
        "UpdateAvailable",
        snapshot.available.object(server, "UpdateAvailable")?,
    )?;
    let own = Rc::clone(snapshot);
    let value = function(server, move |_, lua, (_, key): (This, String)| {
        let shown = own.shown.borrow();
        shown
            .get(&key)
            .map_or(Ok(Value::Nil), |value| to_lua(lua, value))
    })?;
    table.set("GetValue", value)?;
    let own = Rc::clone(snapshot);
    let changed = function(server, move |server, _, (_, key): (This, String)| {
        let signal = own
            .changed
            .borrow_mut()
            .entry(key.clone())
            .or_default()
            .clone();
        signal.object(server, &key)
    })?;
    table.set("GetValueChangedSignal", changed)?;
    let own = Rc::clone(snapshot);
    let refresh = function(server, move |server, lua, _: This| {
        let new = own.arrived.borrow().clone();
        let old = own.shown.replace(new.clone());
        for (key, signal) in own.changed.borrow().iter() {
            if old.get(key) != new.get(key) {
                let value = |of: &Values| of.get(key).map_or(Ok(Value::Nil), |v| to_lua(lua, v));
                signal.fire(server, (value(&new)?, value(&old)?))?;
            }
        }
        Ok(())
    })?;
    table.set("Refresh", refresh)?;
    Ok(Instance(members))
}
