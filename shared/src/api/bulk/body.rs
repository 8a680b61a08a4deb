//! The body of a bulk call: what all users share, and the fields of each.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::api::{ApiRequest, Fields};
use crate::domain::error::{ApiError, FieldError};
use crate::domain::ids::PlaceId;
use crate::domain::number::integer;

/// The largest body in bytes: 100 users with reasons of their own.
const LARGEST_BODY: usize = 256 * 1024;

/// The most users of one call.
const USERS: usize = 100;

const USER: &str = "userId";
const PLACE: &str = "experienceId";
const OVERWRITE: &str = "overwrite";

/// A bulk call with the parsed call of each user, in the order of the body.
#[derive(Debug)]
pub struct BulkCall<T> {
    pub place: PlaceId,
    pub calls: Vec<T>,
    /// Nothing is written.
    pub is_dry_run: bool,
}

impl<T> BulkCall<T> {
    /// Parses the body. `read` parses the fields of one user, like the body of a single call; an
    /// error names every invalid field of every user.
    pub fn parse(
        request: &ApiRequest,
        query: Fields,
        read: impl Fn(Fields) -> Result<T, ApiError>,
    ) -> Result<Self, ApiError> {
        let mut body = request.body_up_to(LARGEST_BODY)?;
        body.take_errors_of(query);
        let place = body.id::<PlaceId>(PLACE);
        let overwrite = body.optional_flag(OVERWRITE).unwrap_or(false);
        let is_dry_run = body.optional_flag("dryRun").unwrap_or(false);
        let defaults = object(body.value("defaults").unwrap_or(&Value::Null));
        if defaults.is_none() {
            body.reject(
                "defaults",
                "must be an object with fields of the single call",
            );
        }
        let users = body.value("users").and_then(Value::as_array).cloned();
        let users = users.filter(|users| (1..=USERS).contains(&users.len()));
        if users.is_none() {
            body.reject("users", "is required and must be a list of 1 to 100 users");
        }
        // Without either, the errors of users would only hide the one that matters.
        let (Some(users), Some(defaults)) = (users, defaults) else {
            return body.build(|| None);
        };
        let shared = Shared {
            // If it is invalid, the call is refused for that alone.
            place: place.map_or(1, PlaceId::get),
            overwrite,
            defaults,
        };
        let mut errors = Errors::default();
        let entries: Vec<_> = users.into_iter().enumerate().map(Entry::of).collect();
        let read = |entry: &Entry| match read(shared.fields_of(entry, &mut errors)) {
            Ok(call) => Some(call),
            Err(ApiError::InvalidRequest(wrong)) => {
                errors.extend(wrong.into_iter().map(|error| shared.named(entry, error)));
                None
            }
            Err(error) => {
                errors.first = errors.first.take().or(Some(error));
                None
            }
        };
        let calls: Vec<_> = entries.iter().filter_map(read).collect();
        errors.extend(repeated(&entries));
        errors.move_to(&mut body)?;
        body.build(|| {
            Some(Self {
                place: place?,
                calls,
                is_dry_run,
            })
        })
    }
}

/// The fields that users share.
struct Shared {
    place: u64,
    overwrite: bool,
    defaults: Map<String, Value>,
}

/// One element of `users`.
struct Entry {
    index: usize,
    fields: Map<String, Value>,
    /// Whether it is an id and not an object.
    is_id: bool,
}

impl Entry {
    fn of((index, sent): (usize, Value)) -> Self {
        let fields = object(&sent);
        let is_id = fields.is_none();
        let of_id = || Map::from_iter([(USER.to_owned(), sent)]);
        Self {
            index,
            fields: fields.unwrap_or_else(of_id),
            is_id,
        }
    }

    fn name(&self, field: &str) -> String {
        if self.is_id && field == USER {
            format!("users[{}]", self.index)
        } else {
            format!("users[{}].{field}", self.index)
        }
    }
}

impl Shared {
    /// The fields of one user: their own, else the defaults.
    fn fields_of(&self, entry: &Entry, errors: &mut Errors) -> Fields {
        let mut fields = Map::from_iter([(OVERWRITE.to_owned(), self.overwrite.into())]);
        let of_defaults = self.defaults.iter().filter(|(name, _)| *name != USER);
        for (name, value) in of_defaults.chain(&entry.fields) {
            if !value.is_null() {
                fields.insert(name.clone(), value.clone());
            }
        }
        let place = fields.insert(PLACE.to_owned(), self.place.into());
        if place.is_some_and(|own| integer(&own) != Some(self.place)) {
            errors.extend([self.named(
                entry,
                FieldError {
                    field: PLACE.into(),
                    message: "must be absent or that of the whole call".to_owned(),
                },
            )]);
        }
        Fields::new(fields)
    }

    /// Names where the field was sent, or where it is missing.
    fn named(&self, entry: &Entry, error: FieldError) -> FieldError {
        let FieldError { field, message } = error;
        let is_in = |fields: &Map<_, Value>| fields.get(&*field).is_some_and(|v| !v.is_null());
        let is_default = field != USER && !is_in(&entry.fields) && is_in(&self.defaults);
        let field = if is_default {
            format!("defaults.{field}")
        } else {
            entry.name(&field)
        };
        FieldError {
            field: field.into(),
            message,
        }
    }
}

/// The errors of all users; one in the defaults is listed once.
#[derive(Default)]
struct Errors {
    listed: Vec<FieldError>,
    names: BTreeSet<String>,
    /// An error that concerns no field.
    first: Option<ApiError>,
}

impl Errors {
    fn extend(&mut self, errors: impl IntoIterator<Item = FieldError>) {
        let new = |error: &FieldError| self.names.insert(error.field.to_string());
        self.listed.extend(errors.into_iter().filter(new));
    }

    fn move_to(self, body: &mut Fields) -> Result<(), ApiError> {
        for FieldError { field, message } in self.listed {
            body.reject(field, message);
        }
        self.first.map_or(Ok(()), Err)
    }
}

/// Each user who is named a second time.
fn repeated(entries: &[Entry]) -> Vec<FieldError> {
    let mut first: BTreeMap<u64, &Entry> = BTreeMap::new();
    let again = entries.iter().filter_map(|entry| {
        let user = integer(entry.fields.get(USER)?)?;
        let earlier = first.insert(user, entry)?;
        first.insert(user, earlier);
        Some(FieldError {
            field: entry.name(USER).into(),
            message: format!("is the same user as users[{}]", earlier.index),
        })
    });
    again.collect()
}

/// An object; Luau writes an empty one as an empty array. Absent means empty.
fn object(value: &Value) -> Option<Map<String, Value>> {
    match value {
        Value::Null => Some(Map::new()),
        Value::Object(fields) => Some(fields.clone()),
        Value::Array(items) if items.is_empty() => Some(Map::new()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
