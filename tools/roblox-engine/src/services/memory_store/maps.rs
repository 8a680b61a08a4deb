//! `MemoryStoreHashMap` and `MemoryStoreSortedMap`.

use std::cmp::Ordering;
use std::time::Duration;

use mlua::{Function, Lua, Result, Table, Value};
use serde_json::Value as Json;

use super::{Item, answer, checked_key, checked_life, checked_value};
use crate::bridge::{raise, yielding};
use crate::json::to_lua;
use crate::object::{Instance, Members, This, item};
use crate::server::Server;
use crate::universe::Universe;

/// The most items of a range.
const MOST_ITEMS: i64 = 200;

pub(super) fn object(server: &Server, name: &str, sorted: bool) -> Result<Instance> {
    let class = match sorted {
        true => "MemoryStoreSortedMap",
        false => "MemoryStoreHashMap",
    };
    let members = Members::new(server.lua(), class, name)?;
    let table = &members.table;
    // A hash map and a sorted map may have the same name.
    let map = format!("{class} {name}");
    let own = map.clone();
    let get = yielding(server, move |server, _, (_, key): (This, Value), waiter| {
        let (key, map) = (checked_key(&key)?, own.clone());
        answer(server, waiter, move |universe, lua| {
            universe.memory().begin(universe, 1, false)?;
            let found = universe.memory().get(universe.elapsed(), &map, &key);
            found.map_or(Ok((Value::Nil, Value::Nil)), |item| both(lua, &item))
        });
        Ok(())
    })?;
    table.set("GetAsync", get)?;
    let own = map.clone();
    type Set = (This, Value, Value, Value, Value);
    let set = yielding(
        server,
        move |server, _, (_, key, value, life, sort): Set, waiter| {
            let (key, map) = (checked_key(&key)?, own.clone());
            let (value, life) = (checked_value(&value)?, checked_life(&life)?);
            let sort_key = checked_sort_key(&sort, sorted)?;
            answer(server, waiter, move |universe, _| {
                universe.memory().begin(universe, 1, true)?;
                let until = universe.elapsed() + life;
                let item = Item {
                    value,
                    sort_key,
                    until,
                };
                universe.memory().set(universe, &map, &key, item)?;
                Ok(true)
            });
            Ok(())
        },
    )?;
    table.set("SetAsync", set)?;
    let own = map.clone();
    type Update = (This, Value, Function, Value);
    let update = yielding(
        server,
        move |server, _, (_, key, change, life): Update, waiter| {
            let (key, map) = (checked_key(&key)?, own.clone());
            let life = checked_life(&life)?;
            answer(server, waiter, move |universe, lua| {
                universe.memory().begin(universe, 2, true)?;
                updated(universe, lua, (&map, &key), &change, life, sorted)
            });
            Ok(())
        },
    )?;
    table.set("UpdateAsync", update)?;
    let own = map.clone();
    let remove = yielding(server, move |server, _, (_, key): (This, Value), waiter| {
        let (key, map) = (checked_key(&key)?, own.clone());
        answer(server, waiter, move |universe, _| {
            universe.memory().begin(universe, 1, false)?;
            universe.memory().remove(&map, &key);
            Ok(())
        });
        Ok(())
    })?;
    table.set("RemoveAsync", remove)?;
    if sorted {
        let own = map.clone();
        let size = yielding(server, move |server, _, _: This, waiter| {
            let map = own.clone();
            answer(server, waiter, move |universe, _| {
                universe.memory().begin(universe, 1, false)?;
                Ok(universe.memory().all(universe.elapsed(), &map).len())
            });
            Ok(())
        })?;
        table.set("GetSizeAsync", size)?;
        table.set("GetRangeAsync", range(server, map)?)?;
    }
    Ok(Instance(members))
}

fn checked_sort_key(value: &Value, sorted: bool) -> Result<Json> {
    match value {
        Value::Nil => Ok(Json::Null),
        _ if !sorted => raise("a hash map has no sort keys"),
        Value::Integer(_) | Value::Number(_) | Value::String(_) => crate::json::from_lua(value),
        _ => raise("a sort key must be a number or string"),
    }
}

fn both(lua: &Lua, item: &Item) -> Result<(Value, Value)> {
    Ok((to_lua(lua, &item.value)?, to_lua(lua, &item.sort_key)?))
}

/// The transform must not yield, and returns nil to change nothing.
fn updated(
    universe: &Universe,
    lua: &Lua,
    (map, key): (&str, &str),
    change: &Function,
    life: Duration,
    sorted: bool,
) -> Result<(Value, Value)> {
    let memory = universe.memory();
    let old = memory.get(universe.elapsed(), map, key);
    let arguments = old
        .as_ref()
        .map_or(Ok((Value::Nil, Value::Nil)), |old| both(lua, old))?;
    let (value, sort): (Value, Value) = change.call(arguments)?;
    if value.is_nil() {
        return Ok((Value::Nil, Value::Nil));
    }
    let item = Item {
        value: checked_value(&value)?,
        sort_key: checked_sort_key(&sort, sorted)?,
        until: universe.elapsed() + life,
    };
    let result = both(lua, &item);
    memory.set(universe, map, key, item)?;
    result
}

fn range(server: &Server, map: String) -> Result<Function> {
    type Range = (This, Value, i64, Option<Table>, Option<Table>);
    yielding(
        server,
        move |server, _, (_, direction, count, low, high): Range, waiter| {
            let descending = match item(&direction).as_deref() {
                Some("Ascending") => false,
                Some("Descending") => true,
                _ => return raise("the direction must be an Enum.SortDirection"),
            };
            if !(1..=MOST_ITEMS).contains(&count) {
                return raise("InvalidRequest: the count must be between 1 and 200");
            }
            let (low, high, map) = (bound(low)?, bound(high)?, map.clone());
            answer(server, waiter, move |universe, lua| {
                let mut items = universe.memory().all(universe.elapsed(), &map);
                items.sort_by(|a, b| order(&a.0, &a.1.sort_key, &b.0, &b.1.sort_key));
                items.retain(|(key, item)| {
                    let compared = |bound: &Bound| order(key, &item.sort_key, &bound.0, &bound.1);
                    low.as_ref()
                        .is_none_or(|low| compared(low) == Ordering::Greater)
                        && high
                            .as_ref()
                            .is_none_or(|high| compared(high) == Ordering::Less)
                });
                if descending {
                    items.reverse();
                }
                items.truncate(usize::try_from(count).unwrap_or_default());
                universe
                    .memory()
                    .begin(universe, items.len().max(1) as u64, false)?;
                let list = items.iter().map(|(key, item)| {
                    let entry = lua.create_table()?;
                    entry.set("key", key.as_str())?;
                    entry.set("value", to_lua(lua, &item.value)?)?;
                    entry.set("sortKey", to_lua(lua, &item.sort_key)?)?;
                    Ok(entry)
                });
                list.collect::<Result<Vec<_>>>()
            });
            Ok(())
        },
    )
}

/// A key and its sort key.
type Bound = (String, Json);

fn bound(table: Option<Table>) -> Result<Option<Bound>> {
    let Some(table) = table else {
        return Ok(None);
    };
    let key = table.get::<Option<String>>("key")?.unwrap_or_default();
    let sort_key = checked_sort_key(&table.get("sortKey")?, true)?;
    Ok(Some((key, sort_key)))
}

/// Numbers come before texts, and both before items without a sort key; equal ones are ordered by key.
fn order(key: &str, sort: &Json, other_key: &str, other_sort: &Json) -> Ordering {
    let rank = |sort: &Json| match sort {
        Json::Number(_) => 0,
        Json::String(_) => 1,
        _ => 2,
    };
    let number = |sort: &Json| sort.as_f64().unwrap_or_default();
    rank(sort)
        .cmp(&rank(other_sort))
        .then(number(sort).total_cmp(&number(other_sort)))
        .then_with(|| sort.as_str().cmp(&other_sort.as_str()))
        .then_with(|| key.cmp(other_key))
}
