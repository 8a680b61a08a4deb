//! The event in which GuardDuty reports a scan.

use serde::Deserialize;
use serde_json::Value;
use shared::domain::evidence::{FileKey, ScanResult};

/// The result of a scan of a file of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanReport {
    pub file: FileKey,
    pub result: ScanResult,
}

#[derive(Deserialize)]
struct Event {
    detail: Detail,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    s3_object_details: ObjectDetails,
    scan_result_details: ResultDetails,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ObjectDetails {
    bucket_name: String,
    object_key: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResultDetails {
    scan_result_status: ScanResult,
}

impl ScanReport {
    /// The report in an event, unless that is about something else than a file of evidence in this
    /// bucket, such as the object with which GuardDuty tests its access.
    pub fn of(event: &Value, bucket: &str) -> Option<Self> {
        let Event { detail } = Event::deserialize(event).ok()?;
        let object = detail.s3_object_details;
        let file = object.object_key.parse().ok()?;
        (object.bucket_name == bucket).then_some(Self {
            file,
            result: detail.scan_result_details.scan_result_status,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(bucket: &str, key: &str, result: &str) -> Value {
        json!({ "detail": {
            "scanStatus": "COMPLETED",
            "s3ObjectDetails": { "bucketName": bucket, "objectKey": key, "s3Throttled": false },
            "scanResultDetails": { "scanResultStatus": result, "threats": null },
        } })
    }

    #[test]
    fn report_names_the_file_and_the_result() {
        let report = ScanReport::of(&event("files", "0a1b2c3d/7", "THREATS_FOUND"), "files");
        let expected = ScanReport {
            file: "0a1b2c3d/7".parse().unwrap(),
            result: ScanResult::ThreatsFound,
        };
        assert_eq!(report, Some(expected));
    }

    #[test]
    fn events_about_anything_else_are_no_reports() {
        let mut without_result = event("files", "0a1b2c3d/7", "FAILED");
        without_result["detail"]["scanResultDetails"] = Value::Null;
        for event in [
            event("exports", "0a1b2c3d/7", "THREATS_FOUND"),
            event("files", "0a1b2c3d/7/8", "THREATS_FOUND"),
            event(
                "files",
                "malware-protection-resource-validation-object",
                "FAILED",
            ),
            without_result,
            json!({}),
            json!([]),
            Value::Null,
        ] {
            assert_eq!(ScanReport::of(&event, "files"), None, "{event}");
        }
    }
}
