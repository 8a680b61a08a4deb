//! Parses JSON bodies. A member that an object has twice is refused: callers and this service could
//! disagree about which of its values counts.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::domain::error::ApiError;

/// The longest name of a member that an error shows.
const SHOWN: usize = 50;

/// The value of a JSON text.
pub(super) fn parse(text: &str) -> Result<Value, ApiError> {
    let parsed: Result<Unambiguous, serde_json::Error> = serde_json::from_str(text);
    match parsed {
        Ok(Unambiguous(value)) => Ok(value),
        Err(error) if error.is_data() => Err(ApiError::field("body", error.to_string())),
        // Valid JSON, which the parser refuses.
        Err(error) if error.to_string().starts_with("number out of range") => {
            let message = "must have no number that is larger than a double can be";
            Err(ApiError::field("body", message))
        }
        Err(error) => Err(ApiError::InvalidJson(format!(
            "line {}, column {}",
            error.line(),
            error.column()
        ))),
    }
}

/// A value whose objects have each member once.
struct Unambiguous(Value);

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Seed.deserialize(deserializer).map(Self)
    }
}

#[derive(Clone, Copy)]
struct Seed;

impl<'de> DeserializeSeed<'de> for Seed {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Number::from_f64(number).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(self)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut values = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if values.contains_key(&name) {
                return Err(A::Error::custom(twice(&name)));
            }
            values.insert(name, members.next_value_seed(self)?);
        }
        Ok(Value::Object(values))
    }
}

/// Names the member, unless its name is none that a field has: input is never echoed.
fn twice(name: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let named = if (1..=SHOWN).contains(&name.len()) && name.bytes().all(is_plain) {
        format!("\"{name}\"")
    } else {
        "one".to_owned()
    };
    format!("must have each member once: {named} is there twice")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn refused(text: &str) -> String {
        match parse(text) {
            Err(ApiError::InvalidRequest(errors)) => {
                assert_eq!(errors.len(), 1);
                assert_eq!(errors[0].field, "body");
                errors[0].message.clone()
            }
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn member_that_is_there_twice_is_named() {
        for (text, name) in [
            (r#"{"userId": 1, "userId": 2}"#, r#""userId""#),
            (r#"{"userId": 1, "user\u0049d": 1}"#, r#""userId""#),
            (r#"{"a": [{"b": {"c": 1, "c": null}}]}"#, r#""c""#),
            (r#"{"a": 1, "b": 2, "a": "#, r#""a""#),
        ] {
            let message = refused(text);
            let expected = format!("must have each member once: {name} is there twice at line 1");
            assert!(message.starts_with(&expected), "{message}");
        }
        for name in ["", "<b>", "\u{202e}a", "a b", &"x".repeat(SHOWN + 1)] {
            let message = refused(&format!(r#"{{"{name}":1,"{name}":1}}"#));
            let unnamed = "must have each member once: one is there twice";
            assert!(message.starts_with(unnamed), "{message}");
        }
    }

    #[test]
    fn same_name_in_different_objects_is_no_repetition() {
        let text = r#"{"a": {"a": [{"a": 1}, {"a": 1}]}, "A": 1}"#;
        assert_eq!(
            parse(text).unwrap(),
            json!({"a": {"a": [{"a": 1}, {"a": 1}]}, "A": 1})
        );
    }

    #[test]
    fn what_is_no_json_is_refused_as_such() {
        let deep = "[".repeat(200);
        for text in ["", "{", "{a: 1}", "nan", "{} {}", "\u{0}", &deep] {
            let refused = parse(text);
            assert!(matches!(refused, Err(ApiError::InvalidJson(_))), "{text}");
        }
    }

    #[test]
    fn number_beyond_a_double_is_refused_as_a_value() {
        for number in ["1e999", "-1e999", &"9".repeat(400)] {
            let message = refused(&format!(r#"{{"userIds": [{number}]}}"#));
            assert!(message.contains("larger than a double"), "{message}");
        }
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map(any::<String>(), inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn values_are_those_of_serde_json(value in values()) {
            let text = value.to_string();
            let expected: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(parse(&text).unwrap(), expected);
        }
    }
}
