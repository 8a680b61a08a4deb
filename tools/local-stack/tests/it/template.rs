//! The project's own template.

use local_stack::template::{Grant, Template};

fn template() -> Template {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../template.yaml");
    Template::load(path).unwrap()
}

#[test]
fn functions_have_routes_limits_and_an_environment() {
    let template = template();
    let function = template.function("export-bans-json").unwrap();
    assert_eq!(function.routes[0].key(), "GET /api/v1/export/bans/json");
    assert_eq!(function.timeout.as_secs(), 29);
    assert_eq!(function.environment["BANS_TABLE"], "BansTable");
    let bucket = &function.environment["EXPORTS_BUCKET"];
    let buckets = template.buckets();
    assert!(buckets.iter().any(|it| it.name == *bucket), "{bucket}");
    assert_eq!(template.default_function(), Some("not-found"));
    assert_eq!(template.routes().count(), 33);
}

#[test]
fn grants_are_flat_and_name_their_resource() {
    let grants = template().function("pending-bans").unwrap().grants.clone();
    let granted = |action: &str, resource: &str| {
        let is_it = |grant: &&Grant| grant.action == action && grant.resource == resource;
        grants.iter().find(is_it).cloned().unwrap()
    };
    let key = granted("dynamodb:GetItem", "dynamodb:table/WorkspacesTable");
    assert!(key.condition.contains("LeadingKeys"), "{key:?}");
    let index = "dynamodb:table/BansTable/index/pending-bans";
    assert_eq!(granted("dynamodb:Query", index).condition, "");
}

#[test]
fn the_stream_leads_to_its_function() {
    let template = template();
    let (function, source) = template.stream_of("spread-decisions").unwrap();
    assert_eq!(function.name, "spread-decisions");
    assert_eq!(source.table, "BansTable");
    assert!(source.bisect && source.reports_item_failures);
    assert_eq!(source.maximum_retries, Some(10));
    assert_eq!(source.filters.len(), 1);
}

#[test]
fn schedules_and_the_names_of_other_functions_are_read() {
    let template = Template::parse(crate::runtime::TEMPLATE).unwrap();
    let toy = template.function("toy").unwrap();
    let found: Vec<_> = template
        .schedules()
        .map(|(function, s)| (function.name.as_str(), s.name.as_str(), s.every.as_secs()))
        .collect();
    assert_eq!(found, [("toy", "Daily", 86_400), ("toy", "Minutely", 60)]);
    assert_eq!(toy.schedules[0].input["source"], "aws.events");
    assert_eq!(toy.schedules[1].input, serde_json::json!({"sweep": true}));
    assert_eq!(toy.environment["OTHER"], "not-found");
    assert_eq!(template.stream_functions().count(), 1);
}

#[test]
fn a_schedule_that_is_no_rate_or_has_no_json_is_refused_by_name() {
    let error = |settings: &str| {
        let text = format!(
            "Resources: {{F: {{Type: 'AWS::Serverless::Function', Properties: {{Events: \
             {{Nightly: {{Type: Schedule, Properties: {settings}}}}}}}}}}}"
        );
        Template::parse(&text).unwrap_err().to_string()
    };
    assert_eq!(
        error("{Schedule: cron(0 3 * * ? *)}"),
        "template.yaml: F: the schedule Nightly is \"cron(0 3 * * ? *)\"; the local stack knows only \
         rates, such as rate(1 minute) or rate(2 days)"
    );
    let error = error("{Schedule: rate(1 day), Input: '{'}");
    assert!(error.starts_with("template.yaml: F: the input of the schedule Nightly is not JSON"));
}

#[test]
fn a_nested_stack_gets_the_arguments_that_it_declares() {
    let folder = tempfile::tempdir().unwrap();
    let load = |arguments: &str| {
        let outer = format!(
            "Resources: {{T: {{Type: 'AWS::S3::Bucket'}}, Inner: {{Type: 'AWS::Serverless::Application', \
             Properties: {{Location: inner.yaml, Parameters: {arguments}}}}}}}"
        );
        let inner = "{Parameters: {Names: {Type: CommaDelimitedList}, Bucket: {Type: String}}, Resources: \
                     {R: {Type: X, Properties: {Names: !Ref Names, Bucket: !Ref Bucket}}}}";
        std::fs::write(folder.path().join("outer.yaml"), outer).unwrap();
        std::fs::write(folder.path().join("inner.yaml"), inner).unwrap();
        Template::load(folder.path().join("outer.yaml"))
    };
    let template = load("{Names: !Join [',', [a, !Ref T]], Bucket: !Ref T}").unwrap();
    let inner = template.nested("Inner").unwrap();
    assert_eq!(
        inner.resource("R").unwrap()["Properties"],
        serde_json::json!({ "Names": ["a", "t"], "Bucket": "t" })
    );
    assert!(template.nested("Other").is_err());

    let error = |arguments| load(arguments).unwrap_err().to_string();
    assert_eq!(
        error("{Names: a}"),
        "template.yaml: a nested stack lacks its parameter Bucket"
    );
    assert_eq!(
        error("{Names: a, Bucket: b, More: c}"),
        "template.yaml: a nested stack has no parameter More"
    );
}

#[test]
fn a_missing_piece_is_named() {
    let error = Template::parse("Resources: {T: {Type: 'AWS::DynamoDB::Table'}}").unwrap_err();
    assert_eq!(
        error.to_string(),
        "template.yaml: T has no AttributeDefinitions"
    );
    assert!(Template::parse("a: [").is_err());
}
