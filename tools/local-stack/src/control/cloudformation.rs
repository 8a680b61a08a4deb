//! CloudFormation's answers, in XML.

use std::fmt::Write;

use axum::response::{IntoResponse, Response};

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

/// The answer to `ListStackResources`: logical id, physical id and type of each resource.
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
