//! The versions of a secret, and which of them has which label.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use uuid::Uuid;

/// The code and the message of an error.
pub type Refused = (&'static str, &'static str);

const CURRENT: &str = "AWSCURRENT";
const PREVIOUS: &str = "AWSPREVIOUS";

/// The values by the ids of their versions, and the versions by their labels.
#[derive(Debug, Default)]
pub struct Versions {
    values: BTreeMap<String, String>,
    labels: BTreeMap<String, String>,
}

impl Versions {
    /// Stores a value as the operator does.
    pub fn set(&mut self, value: &str) {
        let id = Uuid::new_v4().to_string();
        self.values.insert(id.clone(), value.to_owned());
        self.label(CURRENT, &id);
    }

    pub fn current(&self) -> Option<&str> {
        let value = self.values.get(self.labels.get(CURRENT)?)?;
        Some(value.as_str())
    }

    /// Stores what a call contains. The same id with another value is refused.
    pub fn put(&mut self, input: &Value, stages: &[&str]) -> Result<(), Refused> {
        let text = |name: &str| input.get(name).and_then(Value::as_str);
        let (Some(id), Some(value)) = (text("ClientRequestToken"), text("SecretString")) else {
            return Err((
                "InvalidParameterException",
                "A value and a token are needed.",
            ));
        };
        if !(32..=64).contains(&id.len()) {
            let message = "ClientRequestToken must be 32-64 characters long.";
            return Err(("InvalidParameterException", message));
        }
        match self.values.get(id) {
            Some(known) if known == value => return Ok(()),
            Some(_) => {
                let message = "A resource with the ID you requested already exists.";
                return Err(("ResourceExistsException", message));
            }
            None => {}
        }
        self.values.insert(id.to_owned(), value.to_owned());
        for stage in stages {
            self.label(stage, id);
        }
        Ok(())
    }

    /// Moves a label, if it is where the call says.
    pub fn move_stage(
        &mut self,
        stage: &str,
        to: Option<&str>,
        from: Option<&str>,
    ) -> Result<(), Refused> {
        if self.labels.get(stage).map(String::as_str) != from {
            let message =
                "The staging label is attached to another version than RemoveFromVersionId.";
            return Err(("InvalidParameterException", message));
        }
        let to = to.filter(|id| self.values.contains_key(*id));
        let to = to.ok_or(("ResourceNotFoundException", "There is no such version."))?;
        self.label(stage, to);
        Ok(())
    }

    fn label(&mut self, stage: &str, id: &str) {
        let before = self.labels.insert(stage.to_owned(), id.to_owned());
        if let (CURRENT, Some(before)) = (stage, before) {
            self.labels.insert(PREVIOUS.to_owned(), before);
        }
    }

    /// The labels of each version that has any.
    pub fn stages(&self) -> Value {
        let mut all: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (label, id) in &self.labels {
            all.entry(id).or_default().push(label);
        }
        json!(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_moves_only_from_the_version_that_has_it() {
        let mut versions = Versions::default();
        let id = |n: u8| format!("{n:032}");
        for (at, stage) in [(1, CURRENT), (2, "NEXT"), (3, "NEXT")] {
            let input = json!({ "ClientRequestToken": id(at), "SecretString": at.to_string() });
            versions.put(&input, &[stage]).unwrap();
        }
        let (one, two, three) = (id(1), id(2), id(3));
        let wrong = versions.move_stage(CURRENT, Some(&three), Some(&two));
        assert_eq!(wrong.unwrap_err().0, "InvalidParameterException");
        versions
            .move_stage(CURRENT, Some(&three), Some(&one))
            .unwrap();
        assert_eq!(versions.current(), Some("3"));
        let stages = json!({ one: [PREVIOUS], three: [CURRENT, "NEXT"] });
        assert_eq!(versions.stages(), stages);
    }
}
