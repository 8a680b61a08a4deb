//! `Players:BanAsync` and `UnbanAsync`, and the experience's ban lists.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use mlua::{Result, Table, Value};

use crate::bridge::{number, raise, yielding};
use crate::object::This;
use crate::server::Server;
use crate::stays::End;

/// The most users of a call.
const MOST_USERS: usize = 50;
/// How long Roblox takes to ban or unban users.
const LATENCY: (Duration, Duration) = (Duration::from_millis(200), Duration::from_millis(600));
/// How long until a banned player is removed from their server.
const REMOVAL: Duration = Duration::from_secs(1);

const BAN_FIELDS: [&str; 7] = [
    "UserIds",
    "ApplyToUniverse",
    "Duration",
    "DisplayReason",
    "PrivateReason",
    "ExcludeAltAccounts",
    "ApplyDeviceBlock",
];

/// An entry of Roblox's ban list.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// In seconds; -1 is permanent.
    pub duration: f64,
    pub display_reason: String,
    pub private_reason: String,
    /// Whether it applies to the whole universe, and not only the place.
    pub universe: bool,
    pub exclude_alts: bool,
    /// When it was made, since the universe began.
    pub since: Duration,
}

impl Listed {
    fn holds(&self, now: Duration) -> bool {
        self.duration < 0.0 || now < self.since + Duration::from_secs_f64(self.duration)
    }
}

/// The lists of the universe and its places. An entry stays after its end, which shows whether a
/// server removed it.
#[derive(Default)]
pub struct BanLists {
    /// By user and place; no place for the universe.
    entries: RefCell<BTreeMap<(u64, Option<u64>), Listed>>,
    changes: RefCell<Vec<String>>,
    inappropriate: RefCell<Option<Test<str>>>,
    failing: RefCell<Option<Test<u64>>>,
}

type Test<T> = Box<dyn Fn(&T) -> bool>;

impl std::fmt::Debug for BanLists {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BanLists({:?})", self.entries.borrow())
    }
}

impl BanLists {
    /// The entries by user; of a user who is on several lists, the universe's.
    pub fn list(&self) -> BTreeMap<u64, Listed> {
        let entries = self.entries.borrow();
        let newest_last = entries.iter().rev();
        newest_last
            .map(|((user, _), entry)| (*user, entry.clone()))
            .collect()
    }

    /// The users on the lists.
    pub fn users(&self) -> Vec<u64> {
        self.list().into_keys().collect()
    }

    /// Each accepted call, such as `ban 1 2` or `unban 1`.
    pub fn changes(&self) -> Vec<String> {
        self.changes.borrow().clone()
    }

    /// Sets which display reasons Roblox's filter refuses.
    pub fn set_inappropriate(&self, test: impl Fn(&str) -> bool + 'static) {
        *self.inappropriate.borrow_mut() = Some(Box::new(test));
    }

    /// Sets for which users every call fails.
    pub fn set_failing(&self, test: impl Fn(&u64) -> bool + 'static) {
        *self.failing.borrow_mut() = Some(Box::new(test));
    }

    /// Whether the lists keep a user out of a place: the reason shown.
    pub(crate) fn refusal(&self, user: u64, place: u64, now: Duration) -> Option<String> {
        let entries = self.entries.borrow();
        let mut lists = [None, Some(place)].into_iter();
        let entry = lists.find_map(|list| entries.get(&(user, list)).filter(|e| e.holds(now)))?;
        Some(entry.display_reason.clone())
    }

    /// The users for whom a call succeeds, and the text about the others.
    fn split(&self, users: &[u64]) -> (Vec<u64>, String) {
        let failing = self.failing.borrow();
        let fails = |user: &u64| failing.as_ref().is_some_and(|test| test(user));
        let (failed, fine): (Vec<u64>, Vec<u64>) = users.iter().partition(|user| fails(user));
        let text = failed
            .iter()
            .map(|user| format!("failure for UserId {user}: HTTP 500"));
        (fine, text.collect::<Vec<_>>().join("; "))
    }

    fn change(&self, what: &str, users: &[u64]) {
        let users: Vec<_> = users.iter().map(u64::to_string).collect();
        self.changes
            .borrow_mut()
            .push(format!("{what} {}", users.join(" ")));
    }
}

pub(crate) fn install(server: &Server, players: &Table) -> Result<()> {
    let ban = yielding(server, |server, _, (_, config): (This, Table), waiter| {
        let (users, entry) = checked(&config)?;
        let latency = server.universe().between(LATENCY);
        waiter.after(latency, move |server, _| apply(server, &users, &entry));
        Ok(())
    })?;
    players.set("BanAsync", ban)?;
    let unban = yielding(server, |server, _, (_, config): (This, Table), waiter| {
        only_fields("UnbanAsync", &config, &["UserIds", "ApplyToUniverse"])?;
        let (users, universe) = (user_ids(&config)?, flag(&config, "ApplyToUniverse", true)?);
        let latency = server.universe().between(LATENCY);
        waiter.after(latency, move |server, _| lift(server, &users, universe));
        Ok(())
    })?;
    players.set("UnbanAsync", unban)
}

fn apply(server: &Server, users: &[u64], entry: &Listed) -> Result<()> {
    if server.is_studio() {
        return Ok(());
    }
    let universe = server.universe();
    let lists = universe.bans();
    let filter = lists.inappropriate.borrow();
    if filter
        .as_ref()
        .is_some_and(|test| test(&entry.display_reason))
    {
        return raise("DisplayReason was deemed inappropriate");
    }
    let (users, failed) = lists.split(users);
    let place = (!entry.universe).then(|| server.place());
    let entry = Listed {
        since: universe.elapsed(),
        ..entry.clone()
    };
    for user in &users {
        lists
            .entries
            .borrow_mut()
            .insert((*user, place), entry.clone());
    }
    lists.change("ban", &users);
    for other in universe.alive() {
        if entry.universe || other.place() == server.place() {
            let (users, reason) = (users.clone(), entry.display_reason.clone());
            other.after(REMOVAL, move |other| {
                for user in users {
                    other.remove(user, End::Banned(reason.clone()));
                }
            });
        }
    }
    if failed.is_empty() {
        Ok(())
    } else {
        raise(failed)
    }
}

fn lift(server: &Server, users: &[u64], whole: bool) -> Result<()> {
    if server.is_studio() {
        return Ok(());
    }
    let universe = server.universe();
    let lists = universe.bans();
    let (users, failed) = lists.split(users);
    let place = (!whole).then(|| server.place());
    for user in &users {
        lists.entries.borrow_mut().remove(&(*user, place));
    }
    lists.change("unban", &users);
    if failed.is_empty() {
        Ok(())
    } else {
        raise(failed)
    }
}

fn checked(config: &Table) -> Result<(Vec<u64>, Listed)> {
    only_fields("BanAsync", config, &BAN_FIELDS)?;
    let entry = Listed {
        duration: duration(config)?,
        display_reason: text(config, "DisplayReason", 400)?,
        private_reason: text(config, "PrivateReason", 1000)?,
        universe: flag(config, "ApplyToUniverse", true)?,
        exclude_alts: flag(config, "ExcludeAltAccounts", false)?,
        since: Duration::ZERO,
    };
    flag(config, "ApplyDeviceBlock", false)?;
    if entry.duration != -1.0 && (entry.duration < 1.0 || entry.duration.fract() != 0.0) {
        return raise("BanAsync: Duration must be -1 or a positive whole number");
    }
    Ok((user_ids(config)?, entry))
}

fn only_fields(function: &str, config: &Table, allowed: &[&str]) -> Result<()> {
    for pair in config.pairs::<String, Value>() {
        let (name, _) = pair?;
        if !allowed.contains(&name.as_str()) {
            return raise(format!("{function}: {name} is not a valid field"));
        }
    }
    Ok(())
}

fn duration(config: &Table) -> Result<f64> {
    let value = config.get::<Value>("Duration")?;
    number(&value).map_or_else(|| raise("Duration must be a number"), Ok)
}

fn text(config: &Table, name: &str, longest: usize) -> Result<String> {
    let Value::String(text) = config.get::<Value>(name)? else {
        return raise(format!("{name} must be a string"));
    };
    let text = text.to_str()?.to_owned();
    if text.is_empty() || text.chars().count() > longest {
        return raise(format!("{name} must have 1 to {longest} characters"));
    }
    Ok(text)
}

fn flag(config: &Table, name: &str, default: bool) -> Result<bool> {
    match config.get(name)? {
        Value::Boolean(flag) => Ok(flag),
        Value::Nil => Ok(default),
        // A number does not count as a flag.
        other => raise(format!(
            "{name} must be a boolean, not {}",
            other.type_name()
        )),
    }
}

fn user_ids(config: &Table) -> Result<Vec<u64>> {
    let ids = config.get::<Table>("UserIds")?;
    let ids = ids.sequence_values::<f64>().map(|id| {
        let id = id?;
        if id.fract() != 0.0 || id < 1.0 {
            return raise(format!("{id} is no user id"));
        }
        Ok(id as u64)
    });
    let ids = ids.collect::<Result<Vec<_>>>()?;
    if ids.is_empty() || ids.len() > MOST_USERS {
        return raise(format!("UserIds must have 1 to {MOST_USERS} ids"));
    }
    Ok(ids)
}
