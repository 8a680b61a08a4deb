//! Buckets, with what CloudFormation sets on them.

use serde_json::{Map, Value};

/// A bucket of the template.
#[derive(Debug, Clone, PartialEq)]
pub struct Bucket {
    pub name: String,
    /// The properties of the resource.
    pub properties: Value,
    /// The document of its policy.
    pub policy: Option<Value>,
}

impl Bucket {
    /// A bucket without settings.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            properties: Value::Null,
            policy: None,
        }
    }
}

/// A bucket and its policy among the resources.
pub(super) fn read(name: String, properties: &Value, resources: &Map<String, Value>) -> Bucket {
    let mut policies = super::of_type(resources, "AWS::S3::BucketPolicy");
    let policy = policies.find(|(_, policy)| policy.get("Bucket") == Some(&Value::from(&*name)));
    Bucket {
        policy: policy.and_then(|(_, policy)| policy.get("PolicyDocument").cloned()),
        properties: properties.clone(),
        name,
    }
}
