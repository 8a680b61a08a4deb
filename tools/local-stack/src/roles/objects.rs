//! The action and resource that a request to S3 needs.

use super::{access::Access, condition::Context};

impl Access {
    /// An operation on an object, such as `PutObject`.
    pub fn of_object(operation: &str, bucket: &str, key: &str) -> Self {
        Self {
            action: object_action(operation),
            resource: format!("s3:{bucket}/{key}"),
            context: Context::new(),
        }
    }

    /// An operation on a bucket, such as `ListObjectsV2`, with the prefix that it lists.
    pub fn of_bucket(operation: &str, bucket: &str, prefix: Option<&str>) -> Self {
        let action = match operation {
            "ListObjects" | "ListObjectsV2" | "HeadBucket" => "s3:ListBucket".to_owned(),
            "ListMultipartUploads" => "s3:ListBucketMultipartUploads".to_owned(),
            other => format!("s3:{other}"),
        };
        let prefix = prefix.map(|prefix| ("s3:prefix", vec![prefix.to_owned()]));
        Self {
            action,
            resource: format!("s3:{bucket}"),
            context: prefix.into_iter().collect(),
        }
    }
}

/// No action covers a copy, which needs rights on two objects; no function makes one.
fn object_action(operation: &str) -> String {
    let name = match operation {
        "HeadObject" => "GetObject",
        "CreateMultipartUpload" | "UploadPart" | "CompleteMultipartUpload" => "PutObject",
        "ListParts" => "ListMultipartUploadParts",
        other => other,
    };
    format!("s3:{name}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::{Function, Grant, Template};

    fn function(grants: &[(&str, &str, &str)]) -> Function {
        let template = Template::parse(
            "Resources: {OneFunction: {Type: AWS::Serverless::Function, Properties: {Handler: x}}}",
        )
        .unwrap();
        let mut function = template.functions()[0].clone();
        let grant = |&(action, resource, condition): &(&str, &str, &str)| Grant {
            action: action.to_owned(),
            resource: resource.to_owned(),
            condition: condition.to_owned(),
        };
        function.grants = grants.iter().map(grant).collect();
        function
    }

    #[test]
    fn object_right_holds_for_its_prefix_and_action_only() {
        let role = function(&[("s3:GetObject", "s3:files/a/*", "")]);
        assert!(role.may(&Access::of_object("GetObject", "files", "a/b/c")));
        assert!(role.may(&Access::of_object("HeadObject", "files", "a/b")));
        for (operation, bucket, key) in [
            ("PutObject", "files", "a/b"),
            ("GetObject", "files", "b/a"),
            ("GetObject", "other", "a/b"),
            ("CopyObject", "files", "a/b"),
        ] {
            assert!(!role.may(&Access::of_object(operation, bucket, key)));
        }
    }

    #[test]
    fn listing_is_bound_to_the_prefix_of_a_condition() {
        let condition = r#"{"StringLike":{"s3:prefix":"a/*"}}"#;
        let role = function(&[("s3:ListBucket", "s3:files", condition)]);
        let list = |prefix| Access::of_bucket("ListObjectsV2", "files", prefix);
        assert!(role.may(&list(Some("a/b"))));
        assert!(!role.may(&list(Some("b/"))));
        assert!(!role.may(&list(None)));
    }
}
