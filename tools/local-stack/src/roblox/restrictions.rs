//! User restrictions. Each user has one at each level, and a change replaces it whole.

use std::hash::{Hash, Hasher};

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::answer::{self, Answer};
use super::faults::too_many;
use super::limits::Verdict;
use super::routes::Call;
use super::state::{LogEntry, Restriction, State};

/// The longest accepted duration, in seconds.
const LONGEST: u64 = 315_576_000_000;

type Level = (u64, Option<u64>);

pub fn get(state: &State, universe: u64, place: Option<u64>, user: &str) -> Answer {
    match user.parse() {
        Ok(user) => Answer::json(200, &resource(state, (universe, place), user)),
        Err(_) => answer::invalid("The user is not a number."),
    }
}

/// A restriction as the API shows it: a place shows the universe's restriction while that is in force.
fn resource(state: &State, (universe, place): Level, user: u64) -> Value {
    let now = jiff::Timestamp::now();
    let at = |place| state.restrictions.get(&(universe, place, user));
    let of_universe = at(None).filter(|it| it.holds(now));
    let (found, inherited) = match (place, of_universe) {
        (Some(_), Some(of_universe)) => (Some(of_universe), true),
        _ => (at(place), false),
    };
    let restriction = found.cloned().unwrap_or_default();
    let path = match place {
        Some(place) => format!("universes/{universe}/places/{place}/user-restrictions/{user}"),
        None => format!("universes/{universe}/user-restrictions/{user}"),
    };
    let mut json = json!({
        "path": path,
        "user": format!("users/{user}"),
        "gameJoinRestriction": restriction.json(inherited, now),
    });
    if let (Some(object), Some(updated)) = (json.as_object_mut(), restriction.updated) {
        object.insert("updateTime".to_owned(), json!(updated.to_string()));
    }
    json
}

pub fn update(
    state: &mut State,
    call: &Call,
    (universe, place): Level,
    user: &str,
    moderator: u64,
) -> Answer {
    let Ok(user) = user.parse::<u64>() else {
        return answer::invalid("The user is not a number.");
    };
    let now = jiff::Timestamp::now();
    let restriction = match read(call, now) {
        Ok(restriction) => restriction,
        Err(why) => return answer::invalid(why),
    };
    let name = call.query.get("idempotencyKey.key").cloned();
    let name = name.map(|name| (call.path.clone(), name));
    if let Some(first) = name.as_ref().and_then(|name| state.answered.get(name)) {
        let mut answer = Answer::empty();
        answer.body = first.clone();
        return answer;
    }
    let left = match state.limits.change(universe, user) {
        Verdict::Full(after) => return too_many(after),
        Verdict::Room(left) => left,
    };
    state.note(LogEntry {
        universe,
        place,
        user,
        moderator,
        at: now,
        restriction: restriction.clone(),
    });
    let at = (universe, place, user);
    state.restrictions.insert(at, restriction);
    let body = resource(state, (universe, place), user);
    if let Some(name) = name {
        let first = Bytes::from(body.to_string());
        state.answered.insert(name, first);
    }
    let limit = state.limits.limits().per_universe;
    Answer::json(200, &body)
        .with("x-ratelimit-limit", limit)
        .with("x-ratelimit-remaining", left)
}

/// The restriction that a call sets. Missing fields are reset.
fn read(call: &Call, now: jiff::Timestamp) -> Result<Restriction, &'static str> {
    match call.query.get("updateMask").map(String::as_str) {
        None | Some("gameJoinRestriction" | "game_join_restriction") => {}
        Some(_) => return Err("The update mask is not supported."),
    }
    if let Some(sent) = call.query.get("idempotencyKey.firstSent") {
        let sent: jiff::Timestamp = sent.parse().map_err(|_| "firstSent is not a time.")?;
        if sent.duration_until(now) > jiff::SignedDuration::from_hours(1) {
            return Err("firstSent is too long ago.");
        }
    }
    let body = call.json().ok_or("The body is not JSON.")?;
    let body = body.as_object().ok_or("The body is not an object.")?;
    if body.keys().any(|name| name != "gameJoinRestriction") {
        return Err("Unknown field.");
    }
    let empty = Map::new();
    let wanted = match body.get("gameJoinRestriction") {
        Some(Value::Object(wanted)) => wanted,
        None | Some(Value::Null) => &empty,
        Some(_) => return Err("gameJoinRestriction is not an object."),
    };
    let text = |name: &str, most: usize| match wanted.get(name) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) if text.encode_utf16().count() <= most => Ok(text.clone()),
        Some(_) => Err("A reason is no text, or too long."),
    };
    let flag = |name: &str| match wanted.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err("A flag is not a boolean."),
    };
    let seconds = match wanted.get("duration") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(duration(text).ok_or("The duration is invalid.")?),
        Some(_) => return Err("The duration is not a text."),
    };
    let active = flag("active")?;
    Ok(Restriction {
        active,
        start: active.then_some(now),
        seconds,
        private_reason: text("privateReason", 1000)?,
        display_reason: text("displayReason", 400)?,
        exclude_alts: flag("excludeAltAccounts")?,
        updated: Some(now),
    })
}

/// Parses `86400s`; fractions are invalid.
fn duration(text: &str) -> Option<u64> {
    let seconds: u64 = text.strip_suffix('s')?.parse().ok()?;
    (1..=LONGEST).contains(&seconds).then_some(seconds)
}

pub fn list(state: &State, call: &Call, universe: u64, place: Option<u64>) -> Answer {
    let users: Vec<u64> = state
        .restrictions
        .keys()
        .filter(|(of, at, _)| *of == universe && *at == place)
        .map(|(_, _, user)| *user)
        .collect();
    page(call, &users, 100, "userRestrictions", |user| {
        resource(state, (universe, place), *user)
    })
}

/// One page of a list. A page token is valid only for the same path and page size.
pub fn page(
    call: &Call,
    all: &[u64],
    most: usize,
    name: &str,
    json: impl Fn(&u64) -> Value,
) -> Answer {
    let size = call.query.get("maxPageSize").map_or(Ok(10), |n| n.parse());
    let Ok(size) = size.map(|size: usize| size.clamp(1, most)) else {
        return answer::invalid("maxPageSize is not a number.");
    };
    let mut hasher = std::hash::DefaultHasher::new();
    (&call.path, size).hash(&mut hasher);
    let list = format!("{:x}", hasher.finish());
    let token = call.query.get("pageToken").filter(|text| !text.is_empty());
    let start = match token.map(|token| token.split_once('-')) {
        None => 0,
        Some(Some((start, of))) if of == list => start.parse().unwrap_or(0),
        Some(_) => return answer::invalid("The page token belongs to another list."),
    };
    let found: Vec<Value> = all.iter().skip(start).take(size).map(json).collect();
    let next = start + found.len();
    let token = if next < all.len() {
        format!("{next}-{list}")
    } else {
        String::new()
    };
    let mut body = json!({ "nextPageToken": token });
    if let Some(object) = body.as_object_mut() {
        object.insert(name.to_owned(), Value::Array(found));
    }
    Answer::json(200, &body)
}
