//! Answers as the two services write them: CloudFormation in XML, Lambda in JSON.

use std::fmt::Write;

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

pub(super) fn json(body: &Value) -> Response {
    let headers = [("content-type", "application/json")];
    (headers, body.to_string()).into_response()
}

pub(super) fn nothing() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// An error that is not worth another try.
pub(super) fn refusal(kind: &str) -> Response {
    let headers = [
        ("content-type", "application/json"),
        ("x-amzn-errortype", kind),
    ];
    let body = json!({ "Type": "User", "Message": "The request is refused." });
    (StatusCode::BAD_REQUEST, headers, body.to_string()).into_response()
}

/// The answer to `DescribeStacks`.
pub(super) fn stacks(outputs: &[(&str, &str)]) -> Response {
    let mut members = String::new();
    for (key, value) in outputs {
        let _ = write!(
            members,
            "<member><OutputKey>{key}</OutputKey><OutputValue>{value}</OutputValue></member>"
        );
    }
    xml(
        "DescribeStacks",
        &format!(
            "<Stacks><member><StackName>portcullis</StackName>\
             <CreationTime>2026-01-01T00:00:00Z</CreationTime>\
             <StackStatus>CREATE_COMPLETE</StackStatus><Outputs>{members}</Outputs></member></Stacks>"
        ),
    )
}

/// The answer to `ListStackResources`: logical id, physical id, type.
pub(super) fn resources(resources: &[(String, String, String)]) -> Response {
    let mut members = String::new();
    for (logical, physical, kind) in resources {
        let _ = write!(
            members,
            "<member><LogicalResourceId>{logical}</LogicalResourceId>\
             <PhysicalResourceId>{physical}</PhysicalResourceId><ResourceType>{kind}</ResourceType>\
             <LastUpdatedTimestamp>2026-01-01T00:00:00Z</LastUpdatedTimestamp>\
             <ResourceStatus>CREATE_COMPLETE</ResourceStatus></member>"
        );
    }
    let body = format!("<StackResourceSummaries>{members}</StackResourceSummaries>");
    xml("ListStackResources", &body)
}

/// The answer to `GetTemplate`.
pub(super) fn template(body: &str) -> Response {
    let body = body.replace('&', "&amp;").replace('<', "&lt;");
    let body = format!("<TemplateBody>{body}</TemplateBody>");
    xml("GetTemplate", &body)
}

fn xml(action: &str, result: &str) -> Response {
    let body = format!(
        "<{action}Response xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\">\
         <{action}Result>{result}</{action}Result>\
         <ResponseMetadata><RequestId>local</RequestId></ResponseMetadata></{action}Response>"
    );
    ([("content-type", "text/xml")], body).into_response()
}
