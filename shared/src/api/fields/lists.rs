//! Fields that are lists. An error names the element: `userIds[3]`, `reports[3].guid`.

use std::hash::Hash;
use std::str::FromStr;

use serde_json::{Map, Value};

use super::{Fields, no_id};
use crate::domain::number::integer;

impl Fields {
    /// A required list of 1 to `most` ids, in the order sent; a repeated id counts once.
    pub fn ids<T: FromStr + Copy + Eq + Hash>(
        &mut self,
        field: &'static str,
        most: usize,
    ) -> Option<Vec<T>> {
        let values = self.list(field, most)?;
        let mut seen = std::collections::HashSet::new();
        let mut ids = Vec::new();
        for (index, value) in values.iter().enumerate() {
            match Self::read_id::<T>(value) {
                Some(id) if seen.insert(id) => ids.push(id),
                Some(_) => {}
                None => self.reject_element(field, index, no_id()),
            }
        }
        Some(ids)
    }

    /// A required list of 1 to `most` objects. `read` reads one, and records its errors there.
    pub fn objects<T>(
        &mut self,
        field: &'static str,
        most: usize,
        read: impl Fn(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        let values = self.list(field, most)?;
        let mut objects = Vec::new();
        for (index, value) in values.into_iter().enumerate() {
            let values = match value {
                Value::Object(values) => values,
                // Luau writes an empty table as an empty array.
                Value::Array(items) if items.is_empty() => Map::new(),
                _ => {
                    self.reject_element(field, index, "must be an object");
                    continue;
                }
            };
            let mut element = Self::new(values);
            element.within = format!("{}{field}[{index}].", self.within);
            objects.extend(read(&mut element));
            self.take_errors_of(element);
        }
        Some(objects)
    }

    /// An optional list, in the order sent; empty if it is absent, none if an element is wrong.
    pub fn optional_list<T>(
        &mut self,
        field: &'static str,
        expected: &'static str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Some(value) = self.value(field) else {
            return Some(Vec::new());
        };
        let Some(values) = value.as_array().cloned() else {
            self.reject(field, "must be a list");
            return None;
        };
        let mut read_all = Vec::new();
        for (index, value) in values.iter().enumerate() {
            match read(value) {
                Some(element) => read_all.push(element),
                None => self.reject_element(field, index, expected),
            }
        }
        (read_all.len() == values.len()).then_some(read_all)
    }

    /// An id in a list.
    #[must_use]
    pub fn read_id<T: FromStr>(value: &Value) -> Option<T> {
        integer(value).and_then(|id| id.to_string().parse().ok())
    }

    fn list(&mut self, field: &'static str, most: usize) -> Option<Vec<Value>> {
        let values = self.value(field).and_then(Value::as_array);
        let values = values.filter(|values| (1..=most).contains(&values.len()));
        let values = values.cloned();
        if values.is_none() {
            self.reject(
                field,
                format!("is required and must be a list of 1 to {most}"),
            );
        }
        values
    }

    fn reject_element(&mut self, field: &'static str, index: usize, message: impl Into<String>) {
        self.reject(format!("{field}[{index}]"), message);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::error::ApiError;
    use crate::domain::ids::{Guid, UserId};

    fn fields(mut value: Value) -> Fields {
        Fields::new(std::mem::take(value.as_object_mut().unwrap()))
    }

    fn wrong(fields: Fields) -> Vec<String> {
        match fields.build(|| Some(())) {
            Err(ApiError::InvalidRequest(errors)) => {
                let names = errors.into_iter().map(|error| error.field.into_owned());
                names.collect()
            }
            _ => Vec::new(),
        }
    }

    #[test]
    fn repeated_ids_count_once_in_every_notation() {
        let mut fields = fields(json!({ "userIds": [7, "156", 156.0, 7, 1.56e2] }));
        let ids = fields.ids::<UserId>("userIds", 5);
        assert_eq!(
            ids,
            Some([7, 156].map(|id| UserId::new(id).unwrap()).into())
        );
        assert!(fields.is_sound());
    }

    #[test]
    fn each_invalid_id_is_named_by_its_index() {
        let mut fields = fields(json!({ "userIds": [1, 0, "x", 2, null] }));
        let _ = fields.ids::<UserId>("userIds", 5);
        assert_eq!(wrong(fields), ["userIds[1]", "userIds[2]", "userIds[4]"]);
    }

    #[test]
    fn a_list_has_one_to_the_most_elements() {
        for value in [
            json!([]),
            json!([1, 2, 3]),
            json!(1),
            json!({}),
            json!(null),
        ] {
            let mut fields = fields(json!({ "userIds": value }));
            assert_eq!(fields.ids::<UserId>("userIds", 2), None);
            assert_eq!(wrong(fields), ["userIds"]);
        }
    }

    #[test]
    fn errors_in_an_object_of_a_list_name_its_index() {
        let sent = json!({ "reports": [{ "guid": "5" }, { "guid": 0 }, [], 7] });
        let mut fields = fields(sent);
        let read = fields.objects("reports", 4, |report| report.guid("guid"));
        assert_eq!(read, Some(vec![Guid::from(5)]));
        let expected = ["reports[1].guid", "reports[2].guid", "reports[3]"];
        assert_eq!(wrong(fields), expected);
    }
}
