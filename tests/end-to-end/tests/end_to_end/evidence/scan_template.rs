//! What `ScanEvidence` adds to the template.

use std::collections::BTreeSet;

use end_to_end::{repository, template};
use local_stack::template::Template;
use serde_json::{Value, json};

/// The template with scans on.
fn scanning() -> Template {
    let arguments = json!({ "ScanEvidence": "true" });
    let arguments = arguments.as_object().unwrap();
    Template::load_with(repository("template.yaml"), arguments).unwrap()
}

fn statements(resource: &Value) -> Vec<Value> {
    let document = &resource["PolicyDocument"]["Statement"];
    document.as_array().unwrap().clone()
}

fn bucket_policy(template: &Template) -> Vec<Value> {
    statements(&template.resource("EvidenceBucketPolicy").unwrap()["Properties"])
}

#[test]
fn nothing_is_scanned_by_default() {
    for resource in ["EvidenceScan", "EvidenceScanRole"] {
        assert_eq!(template().resource(resource), None);
        assert!(scanning().resource(resource).is_some(), "{resource}");
    }
    let off = bucket_policy(template());
    assert_eq!(bucket_policy(&scanning())[..off.len()], off);
    assert_eq!(bucket_policy(&scanning()).len(), off.len() + 2);
}

#[test]
fn scans_tag_the_objects_of_the_evidence_bucket() {
    let scanning = scanning();
    let plan = &scanning.resource("EvidenceScan").unwrap()["Properties"];
    let bucket = &plan["ProtectedResource"]["S3Bucket"];
    assert_eq!(*bucket, json!({ "BucketName": "evidence-bucket" }));
    assert_eq!(plan["Actions"]["Tagging"]["Status"], "ENABLED");
    let role = "arn:aws:iam::000000000000:role/EvidenceScanRole";
    assert_eq!(plan["Role"], role);
}

#[test]
fn role_of_the_scans_has_exactly_the_documented_permissions() {
    let scanning = scanning();
    let role = &scanning.resource("EvidenceScanRole").unwrap()["Properties"];
    let trusted = &role["AssumeRolePolicyDocument"]["Statement"][0];
    let service = "malware-protection-plan.guardduty.amazonaws.com";
    assert_eq!(trusted["Principal"], json!({ "Service": service }));
    let mut granted = BTreeSet::new();
    for statement in statements(&role["Policies"][0]) {
        for action in statement["Action"].as_array().unwrap() {
            let resource = statement["Resource"].as_str().unwrap();
            let resource = resource.rsplit(':').next().unwrap().to_owned();
            granted.insert((action.as_str().unwrap().to_owned(), resource));
        }
    }
    let rule = "rule/DO-NOT-DELETE-AmazonGuardDutyMalwareProtectionS3*";
    let (bucket, files) = ("evidence-bucket", "evidence-bucket/*");
    let probe = "evidence-bucket/malware-protection-resource-validation-object";
    let documented = [
        ("events:PutRule", rule),
        ("events:DeleteRule", rule),
        ("events:PutTargets", rule),
        ("events:RemoveTargets", rule),
        ("events:DescribeRule", rule),
        ("events:ListTargetsByRule", rule),
        ("s3:PutObjectTagging", files),
        ("s3:GetObjectTagging", files),
        ("s3:PutObjectVersionTagging", files),
        ("s3:GetObjectVersionTagging", files),
        ("s3:PutBucketNotification", bucket),
        ("s3:GetBucketNotification", bucket),
        ("s3:PutObject", probe),
        ("s3:ListBucket", bucket),
        ("s3:GetObject", files),
        ("s3:GetObjectVersion", files),
    ];
    let documented = documented.map(|(action, resource)| (action.to_owned(), resource.to_owned()));
    assert_eq!(granted, documented.into());
}

#[test]
fn bucket_denies_reads_of_files_that_are_not_clean() {
    let policy = bucket_policy(&scanning());
    let named = |sid: &str| {
        let found = policy.iter().find(|statement| statement["Sid"] == sid);
        found.unwrap_or_else(|| panic!("{sid}")).clone()
    };
    let reads = named("CleanFilesOnly");
    assert_eq!(
        (&reads["Effect"], &reads["Principal"]),
        (&json!("Deny"), &json!("*"))
    );
    assert_eq!(
        reads["Action"],
        json!(["s3:GetObject", "s3:GetObjectVersion"])
    );
    assert_eq!(reads["Resource"], "arn:aws:s3:::evidence-bucket/*");
    // An object without the tag differs from the value, too.
    let clean = json!({ "s3:ExistingObjectTag/GuardDutyMalwareScanStatus": "NO_THREATS_FOUND" });
    assert_eq!(reads["Condition"]["StringNotEquals"], clean);
    let exempt = reads["Condition"]["ArnNotEquals"]["aws:PrincipalArn"].clone();
    let exempt: Vec<String> = serde_json::from_value(exempt).unwrap();
    let names: Vec<_> = exempt
        .iter()
        .map(|arn| arn.rsplit([':', '/']).next())
        .collect();
    let expected = ["EvidenceScanRole", "EvidenceCompleteFunctionRole"];
    assert_eq!(names, expected.map(Some));
    // Those who may read may not say that a file is clean.
    let tags = named("OnlyScansTag");
    assert_eq!(
        tags["Action"],
        json!(["s3:PutObjectTagging", "s3:PutObjectVersionTagging"])
    );
    let key = json!({ "s3:RequestObjectTagKeys": "GuardDutyMalwareScanStatus" });
    assert_eq!(tags["Condition"]["ForAnyValue:StringEquals"], key);
}

/// Whether an event matches a pattern of exact values.
fn matches(pattern: &Value, event: &Value) -> bool {
    match pattern {
        Value::Object(fields) => fields
            .iter()
            .all(|(name, inner)| matches(inner, &event[name])),
        Value::Array(values) => values.contains(event),
        other => panic!("{other} in a pattern"),
    }
}

#[test]
fn rule_selects_the_results_of_the_bucket_and_failures_are_kept() {
    let function = template().resource("QuarantineEvidenceFunction").unwrap();
    let properties = &function["Properties"];
    let rule = &properties["Events"]["ScanResult"];
    assert_eq!(rule["Type"], "EventBridgeRule");
    let pattern = &rule["Properties"]["Pattern"];
    let event = std::fs::read_to_string(repository("events/quarantine-evidence.json")).unwrap();
    let event: Value = serde_json::from_str(&event).unwrap();
    assert!(matches(pattern, &event), "{pattern}");
    for (field, value) in [
        ("/source", "aws.s3"),
        ("/detail-type", "GuardDuty Finding"),
        ("/detail/s3ObjectDetails/bucketName", "exports-bucket"),
    ] {
        let mut other = event.clone();
        *other.pointer_mut(field).unwrap() = json!(value);
        assert!(!matches(pattern, &other), "{field}");
    }
    let failures = &properties["EventInvokeConfig"]["DestinationConfig"]["OnFailure"];
    assert_eq!(failures["Type"], "SQS");
    let queue = failures["Destination"].as_str().unwrap();
    assert!(queue.ends_with(":FailureQueue"), "{queue}");
    // EventBridge may send there what it cannot pass to the function, and nobody else may.
    assert_eq!(rule["Properties"]["DeadLetterConfig"]["Arn"], queue);
    let policy = &template().resource("FailureQueuePolicy").unwrap()["Properties"];
    let [statement] = &statements(policy)[..] else {
        panic!("{policy}");
    };
    assert_eq!(
        (&statement["Action"], &statement["Principal"]),
        (
            &json!("sqs:SendMessage"),
            &json!({ "Service": "events.amazonaws.com" })
        )
    );
    assert_eq!(statement["Resource"], queue);
    let source = statement["Condition"]["ArnEquals"]["aws:SourceArn"].as_str();
    let source = source.unwrap();
    assert!(
        source.ends_with("QuarantineEvidenceFunctionScanResult"),
        "{source}"
    );
}
