//! What Secrets Manager does with its secrets, in the words of its own API.

use std::{
    collections::BTreeMap,
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::REGION;

/// The stages of a version: the value there is, and the one before it.
const CURRENT: &str = "AWSCURRENT";
const PREVIOUS: &str = "AWSPREVIOUS";

/// The longest value, in bytes.
const LONGEST: usize = 65_536;

/// The days for which a deleted secret can be had back.
const RECOVERY_DAYS: u64 = 30;

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// Such as `ResourceNotFoundException`.
    pub(super) kind: &'static str,
    /// What is wrong, as the service says it.
    pub(super) message: String,
}

impl Refusal {
    pub(super) const NOT_FOUND: &'static str = "ResourceNotFoundException";

    pub(super) fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    fn not_found() -> Self {
        let message = "Secrets Manager can't find the specified secret.";
        Self::new(Self::NOT_FOUND, message)
    }
}

type Answer = Result<Value, Refusal>;

/// Every secret, by name.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Vault {
    secrets: BTreeMap<String, Secret>,
}

#[derive(Serialize, Deserialize)]
struct Secret {
    arn: String,
    name: String,
    description: Option<String>,
    tags: Value,
    created: f64,
    changed: f64,
    /// When it goes for good, if it was deleted.
    deleted: Option<f64>,
    versions: BTreeMap<String, Version>,
}

#[derive(Serialize, Deserialize)]
struct Version {
    created: f64,
    /// `SecretString` or `SecretBinary`, under that name.
    value: Map<String, Value>,
    stages: Vec<String>,
}

impl Vault {
    /// Carries out an operation such as `GetSecretValue`.
    pub(super) fn call(&mut self, operation: &str, input: &Value) -> Answer {
        match operation {
            "CreateSecret" => self.create(input),
            "GetSecretValue" => self.live(input)?.value(input),
            "PutSecretValue" => self.live(input)?.put(input, &value(input)?),
            "UpdateSecret" => self.live(input)?.update(input),
            "DescribeSecret" => Ok(self.find(input)?.describe()),
            "DeleteSecret" => self.delete(input),
            "RestoreSecret" => {
                let secret = self.find(input)?;
                secret.deleted = None;
                Ok(secret.named(json!({})))
            }
            _ => {
                let message = format!("{operation} is nothing the local stack can do");
                Err(Refusal::new("UnknownOperationException", message))
            }
        }
    }

    fn create(&mut self, input: &Value) -> Answer {
        let name = text(input, "Name").unwrap_or_default();
        let is_fine = |c: char| c.is_ascii_alphanumeric() || "/_+=.@!-".contains(c);
        if name.is_empty() || name.len() > 512 || !name.chars().all(is_fine) {
            let message = "Invalid name. Must be a valid name containing alphanumeric characters, \
                           or any of the following: -/_+=.@!";
            return Err(Refusal::new("ValidationException", message));
        }
        let value = value(input)?;
        if let Some(there) = self.secrets.get_mut(name) {
            if there.deleted.is_some() {
                let message = "You can't create this secret because a secret with this name is \
                               already scheduled for deletion.";
                return Err(Refusal::new("InvalidRequestException", message));
            }
            let token = text(input, "ClientRequestToken").unwrap_or_default();
            if there.versions.get(token).is_some_and(|v| v.value == value) {
                return Ok(there.named(json!({ "VersionId": token })));
            }
            let message = format!("The operation failed because the secret {name} already exists.");
            return Err(Refusal::new("ResourceExistsException", message));
        }
        let suffix: String = Uuid::new_v4()
            .simple()
            .to_string()
            .chars()
            .take(6)
            .collect();
        let created = now();
        let secret = Secret {
            arn: format!("arn:aws:secretsmanager:{REGION}:000000000000:secret:{name}-{suffix}"),
            name: name.to_owned(),
            description: text(input, "Description").map(str::to_owned),
            tags: input.get("Tags").cloned().unwrap_or_else(|| json!([])),
            created,
            changed: created,
            deleted: None,
            versions: BTreeMap::new(),
        };
        let secret = self.secrets.entry(name.to_owned()).or_insert(secret);
        if value.is_empty() {
            return Ok(secret.named(json!({})));
        }
        secret.put(input, &value)
    }

    fn delete(&mut self, input: &Value) -> Answer {
        let forced = input.get("ForceDeleteWithoutRecovery") == Some(&Value::Bool(true));
        let days = input.get("RecoveryWindowInDays").and_then(Value::as_u64);
        let days = if forced {
            0
        } else {
            days.unwrap_or(RECOVERY_DAYS)
        };
        let secret = self.find(input)?;
        #[expect(clippy::cast_precision_loss, reason = "a few days")]
        let at = now() + (days * 24 * 60 * 60) as f64;
        secret.deleted = Some(at);
        let answer = secret.named(json!({ "DeletionDate": at }));
        if forced {
            let name = secret.name.clone();
            self.secrets.remove(&name);
        }
        Ok(answer)
    }

    /// The secret that is meant, by its name or its ARN, whole or without the last six characters.
    fn find(&mut self, input: &Value) -> Result<&mut Secret, Refusal> {
        let id = text(input, "SecretId").unwrap_or_default();
        let mut secrets = self.secrets.values_mut();
        let is_meant = |secret: &&mut Secret| {
            let short = secret.arn.rsplit_once('-').map(|(short, _)| short);
            secret.name == id || secret.arn == id || short == Some(id)
        };
        secrets.find(is_meant).ok_or_else(Refusal::not_found)
    }

    /// The same, unless it was deleted.
    fn live(&mut self, input: &Value) -> Result<&mut Secret, Refusal> {
        let secret = self.find(input)?;
        if secret.deleted.is_some() {
            let message = "You can't perform this operation on the secret because it was marked \
                           for deletion.";
            return Err(Refusal::new("InvalidRequestException", message));
        }
        Ok(secret)
    }
}

impl Secret {
    fn value(&self, input: &Value) -> Answer {
        let id = text(input, "VersionId");
        let stage = text(input, "VersionStage");
        let wanted = stage.or(id.is_none().then_some(CURRENT));
        let found = self.versions.iter().find(|(own, version)| {
            id.is_none_or(|id| id == *own)
                && wanted.is_none_or(|stage| version.stages.iter().any(|own| own == stage))
        });
        let Some((id, version)) = found else {
            let message = format!(
                "Secrets Manager can't find the specified secret value for {}",
                match (id, wanted) {
                    (Some(id), _) => format!("VersionId: {id}"),
                    (None, stage) => format!("staging label: {}", stage.unwrap_or(CURRENT)),
                }
            );
            return Err(Refusal::new(Refusal::NOT_FOUND, message));
        };
        let mut answer = self.named(json!({
            "VersionId": id,
            "VersionStages": version.stages,
            "CreatedDate": version.created,
        }));
        if let Some(answer) = answer.as_object_mut() {
            answer.extend(version.value.clone());
        }
        Ok(answer)
    }

    /// Gives the secret a value, which becomes the present one.
    fn put(&mut self, input: &Value, value: &Map<String, Value>) -> Answer {
        if value.is_empty() {
            let message = "You must provide either SecretString or SecretBinary.";
            return Err(Refusal::new("InvalidParameterException", message));
        }
        let token = text(input, "ClientRequestToken");
        let id = token.map_or_else(|| Uuid::new_v4().to_string(), str::to_owned);
        if let Some(there) = self.versions.get(&id) {
            // The same request once more.
            if there.value == *value {
                let stages = &there.stages;
                return Ok(self.named(json!({ "VersionId": id, "VersionStages": stages })));
            }
            let message =
                "You can't modify an existing version, you can only create a new version.";
            return Err(Refusal::new("ResourceExistsException", message));
        }
        for version in self.versions.values_mut() {
            let was_current = version.stages.iter().any(|stage| stage == CURRENT);
            version.stages = if was_current {
                vec![PREVIOUS.to_owned()]
            } else {
                Vec::new()
            };
        }
        // Versions without a stage are forgotten sooner or later.
        self.versions
            .retain(|_, version| !version.stages.is_empty());
        self.changed = now();
        let version = Version {
            created: self.changed,
            value: value.clone(),
            stages: vec![CURRENT.to_owned()],
        };
        self.versions.insert(id.clone(), version);
        Ok(self.named(json!({ "VersionId": id, "VersionStages": [CURRENT] })))
    }

    fn update(&mut self, input: &Value) -> Answer {
        if let Some(description) = text(input, "Description") {
            self.description = Some(description.to_owned());
        }
        let value = value(input)?;
        if value.is_empty() {
            return Ok(self.named(json!({})));
        }
        self.put(input, &value)
    }

    fn describe(&self) -> Value {
        let stages: BTreeMap<_, _> = self
            .versions
            .iter()
            .map(|(id, version)| (id, &version.stages))
            .collect();
        self.named(json!({
            "Description": self.description,
            "Tags": self.tags,
            "CreatedDate": self.created,
            "LastChangedDate": self.changed,
            "DeletedDate": self.deleted,
            "VersionIdsToStages": stages,
        }))
    }

    /// An answer with what every answer has, and without what is null.
    fn named(&self, mut answer: Value) -> Value {
        if let Some(answer) = answer.as_object_mut() {
            answer.retain(|_, value| !value.is_null());
            answer.insert("ARN".to_owned(), json!(self.arn));
            answer.insert("Name".to_owned(), json!(self.name));
        }
        answer
    }
}

/// The value in a request, empty if there is none.
fn value(input: &Value) -> Result<Map<String, Value>, Refusal> {
    let invalid = |message: &str| Err(Refusal::new("InvalidParameterException", message));
    let mut value = Map::new();
    for name in ["SecretString", "SecretBinary"] {
        if let Some(given) = text(input, name) {
            if given.is_empty() || given.len() > LONGEST {
                return invalid("A secret value has 1 to 65536 bytes.");
            }
            value.insert(name.to_owned(), json!(given));
        }
    }
    if value.len() > 1 {
        return invalid("You can't specify both a binary secret value and a string secret value.");
    }
    Ok(value)
}

fn text<'a>(input: &'a Value, key: &str) -> Option<&'a str> {
    input.get(key)?.as_str()
}

/// Seconds since 1970, as the protocol writes times.
fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs_f64()
}
