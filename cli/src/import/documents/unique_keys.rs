//! Parses JSON and refuses duplicate keys: of two ends of a ban, for example, either could be meant.

use std::fmt::{self, Formatter};

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// A JSON value without duplicate keys.
pub struct UniqueKeys(pub Value);

impl<'de> Deserialize<'de> for UniqueKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = UniqueKeys;

    fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<UniqueKeys, E> {
        Ok(UniqueKeys(Value::Null))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<UniqueKeys, E> {
        Ok(UniqueKeys(value.into()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<UniqueKeys, E> {
        Ok(UniqueKeys(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<UniqueKeys, E> {
        Ok(UniqueKeys(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<UniqueKeys, E> {
        Ok(UniqueKeys(Number::from_f64(value).into()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<UniqueKeys, E> {
        Ok(UniqueKeys(value.into()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<UniqueKeys, E> {
        Ok(UniqueKeys(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<UniqueKeys, A::Error> {
        let mut list = Vec::new();
        while let Some(UniqueKeys(value)) = parts.next_element()? {
            list.push(value);
        }
        Ok(UniqueKeys(list.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<UniqueKeys, A::Error> {
        let mut object = Map::new();
        while let Some((name, UniqueKeys(value))) = members.next_entry::<String, UniqueKeys>()? {
            if object.contains_key(&name) {
                return Err(A::Error::custom(format!("duplicate key {name:?}")));
            }
            object.insert(name, value);
        }
        Ok(UniqueKeys(object.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicate_keys_are_refused() {
        for text in [
            r#"{"a":[1,-1,1.5,"x",true,null],"b":{"a":{}}}"#,
            "18446744073709551615",
            "1e300",
            "[]",
        ] {
            let plain: Value = serde_json::from_str(text).unwrap();
            let UniqueKeys(read) = serde_json::from_str(text).unwrap();
            assert_eq!(read, plain, "{text}");
        }
        for text in [
            r#"{"userId":1,"userId":2}"#,
            r#"{"userId":1,"\u0075serId":1}"#,
            r#"[{"a":{"expires":0,"reason":"x","expires":4102444800}}]"#,
        ] {
            let error = serde_json::from_str::<UniqueKeys>(text).err().unwrap();
            assert!(
                error.to_string().contains("duplicate key"),
                "{text}: {error}"
            );
        }
    }
}
