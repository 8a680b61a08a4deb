//! `DataStore`, and the pages of its keys.

use std::cell::RefCell;
use std::rc::Rc;

use mlua::{Function, Lua, Result, Value};

use super::{LONGEST_NAME, answer};
use crate::bridge::{function, raise, yielding};
use crate::json::{from_lua, to_lua};
use crate::object::{Instance, Members, This};
use crate::server::Server;

/// The largest value, in bytes of JSON.
const LONGEST_VALUE: usize = 4_194_304;

pub(super) fn object(server: &Server, store: &str) -> Result<Instance> {
    let members = Members::new(server.lua(), "DataStore", store)?;
    let table = &members.table;
    let own = store.to_owned();
    let get = yielding(server, move |server, _, (_, key): (This, Value), waiter| {
        let key = (own.clone(), checked_key(&key)?);
        answer(server, waiter, false, move |server, lua| {
            read(server, lua, &key)
        });
        Ok(())
    })?;
    table.set("GetAsync", get)?;
    let own = store.to_owned();
    let set = yielding(
        server,
        move |server, _, (_, key, value): (This, Value, Value), waiter| {
            let key = (own.clone(), checked_key(&key)?);
            let value = checked_value(&value)?;
            answer(server, waiter, true, move |server, _| {
                server
                    .universe()
                    .0
                    .data
                    .items
                    .borrow_mut()
                    .insert(key, value);
                Ok("version")
            });
            Ok(())
        },
    )?;
    table.set("SetAsync", set)?;
    let own = store.to_owned();
    type Update = (This, Value, Function);
    let update = yielding(
        server,
        move |server, _, (_, key, change): Update, waiter| {
            let key = (own.clone(), checked_key(&key)?);
            answer(server, waiter, true, move |server, lua| {
                // The transform must not yield, and returns nil to change nothing.
                let new: Value = change.call(read(server, lua, &key)?)?;
                if !new.is_nil() {
                    let value = checked_value(&new)?;
                    server
                        .universe()
                        .0
                        .data
                        .items
                        .borrow_mut()
                        .insert(key, value);
                }
                Ok(new)
            });
            Ok(())
        },
    )?;
    table.set("UpdateAsync", update)?;
    let own = store.to_owned();
    let remove = yielding(server, move |server, _, (_, key): (This, Value), waiter| {
        let key = (own.clone(), checked_key(&key)?);
        answer(server, waiter, true, move |server, lua| {
            let old = read(server, lua, &key)?;
            server.universe().0.data.items.borrow_mut().remove(&key);
            Ok(old)
        });
        Ok(())
    })?;
    table.set("RemoveAsync", remove)?;
    table.set("ListKeysAsync", list(server, store.to_owned())?)?;
    Ok(Instance(members))
}

fn read(server: &Server, lua: &Lua, key: &(String, String)) -> Result<Value> {
    let universe = server.universe();
    let items = universe.0.data.items.borrow();
    items
        .get(key)
        .map_or(Ok(Value::Nil), |value| to_lua(lua, value))
}

fn checked_key(key: &Value) -> Result<String> {
    let Value::String(key) = key else {
        return raise(format!(
            "101: the key must be a string, not {}",
            key.type_name()
        ));
    };
    let key = key.to_str()?.to_owned();
    if key.is_empty() || key.len() > LONGEST_NAME {
        return raise("102: the key must have 1 to 50 characters");
    }
    Ok(key)
}

fn checked_value(value: &Value) -> Result<serde_json::Value> {
    if value.is_nil() {
        return raise("103: the value must not be nil");
    }
    let value = from_lua(value)?;
    if value.to_string().len() > LONGEST_VALUE {
        return raise("105: the value exceeds 4 MB");
    }
    Ok(value)
}

/// `ListKeysAsync(prefix, pageSize)`.
fn list(server: &Server, store: String) -> Result<Function> {
    type List = (This, Option<String>, Option<usize>);
    yielding(server, move |server, _, (_, prefix, size): List, waiter| {
        let (store, prefix) = (store.clone(), prefix.unwrap_or_default());
        let size = size.unwrap_or(50).clamp(1, 100);
        answer(server, waiter, false, move |server, _| {
            let universe = server.universe();
            let items = universe.0.data.items.borrow();
            let keys = items
                .keys()
                .filter(|(of, key)| *of == store && key.starts_with(&prefix));
            let keys: Vec<_> = keys.map(|(_, key)| key.clone()).collect();
            let pages = keys.chunks(size).map(<[_]>::to_vec).collect();
            self::pages(server, pages)
        });
        Ok(())
    })
}

/// `DataStoreKeyPages`.
fn pages(server: &Server, mut pages: Vec<Vec<String>>) -> Result<Instance> {
    let members = Members::new(server.lua(), "DataStoreKeyPages", "DataStoreKeyPages")?;
    let table = members.table.clone();
    pages.reverse();
    let left = Rc::new(RefCell::new(pages));
    let current = Rc::new(RefCell::new(left.borrow_mut().pop().unwrap_or_default()));
    table.set("IsFinished", left.borrow().is_empty())?;
    let own = Rc::clone(&current);
    let page = function(server, move |_, lua, _: This| {
        let keys = own.borrow().clone().into_iter().map(|key| {
            let entry = lua.create_table()?;
            entry.set("KeyName", key)?;
            Ok(entry)
        });
        keys.collect::<Result<Vec<_>>>()
    })?;
    table.set("GetCurrentPage", page)?;
    let own = table.clone();
    let advance = yielding(server, move |server, _, _: This, waiter| {
        let (left, current, own) = (Rc::clone(&left), Rc::clone(&current), own.clone());
        answer(server, waiter, false, move |_, _| {
            let Some(next) = left.borrow_mut().pop() else {
                return raise("No pages to advance to");
            };
            *current.borrow_mut() = next;
            own.set("IsFinished", left.borrow().is_empty())
        });
        Ok(())
    })?;
    table.set("AdvanceToNextPageAsync", advance)?;
    Ok(Instance(members))
}
