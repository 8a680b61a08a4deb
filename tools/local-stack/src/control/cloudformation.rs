//! CloudFormation's answers, in XML.

use std::fmt::Write;

use axum::response::{IntoResponse, Response};

/// The answer to `DescribeStacks`.
pub(super) fn stacks<'a>(
    outputs: impl Iterator<Item = (&'a str, &'a str)>,
    parameters: impl Iterator<Item = (&'a str, &'a str)>,
) -> Response {
    let outputs = named("Output", outputs);
    let parameters = named("Parameter", parameters);
    xml(
        "DescribeStacks",
        &format!(
            "<Stacks><member><StackName>portcullis</StackName>\
             <CreationTime>2026-01-01T00:00:00Z</CreationTime>\
             <StackStatus>CREATE_COMPLETE</StackStatus><Outputs>{outputs}</Outputs>\
             <Parameters>{parameters}</Parameters></member></Stacks>"
        ),
    )
}

/// A list of names and values.
fn named<'a>(what: &str, values: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut members = String::new();
    for (key, value) in values {
        let _ = write!(
            members,
            "<member><{what}Key>{key}</{what}Key><{what}Value>{value}</{what}Value></member>"
        );
    }
    members
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
