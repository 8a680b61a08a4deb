//! The way from the table's stream to its function.

use aws_sdk_lambda::error::ProvideErrorMetadata;

use super::finding::Finding;
use crate::connection::Connection;

const CHECK: &str = "stream mapping";

/// Looks at the mapping, which only a stack tells.
pub async fn examine(connection: &Connection) -> Finding {
    let Some(stack) = &connection.stack else {
        return Finding::skipped(CHECK, "only known with --stack");
    };
    let function = match stack.output("SpreadDecisionsFunctionName") {
        Ok(function) => function,
        Err(error) => return Finding::of_error(CHECK, &error),
    };
    let client = aws_sdk_lambda::Client::new(&connection.sdk);
    let asked = client
        .list_event_source_mappings()
        .function_name(function)
        .send();
    let mappings = match asked.await {
        Ok(answer) => answer.event_source_mappings.unwrap_or_default(),
        Err(error) => {
            return Finding::failed(
                CHECK,
                format!("Lambda answered {}", error.code().unwrap_or("nothing")),
                "allow your credentials lambda:ListEventSourceMappings, and check --region",
            );
        }
    };
    let table = format!("table/{}/stream/", connection.tables.bans);
    let mapping = mappings.iter().find(|mapping| {
        let source = mapping.event_source_arn();
        source.is_some_and(|arn| arn.contains(&table))
    });
    let Some(mapping) = mapping else {
        return Finding::failed(
            CHECK,
            format!("{function} is not fed from the stream: Global bans stay where they are made"),
            "deploy the current template with `sam deploy`, which sets it up",
        );
    };
    let id = mapping.uuid().unwrap_or_default();
    let last = mapping.last_processing_result().unwrap_or_default();
    match mapping.state() {
        Some("Enabled") if last.starts_with("PROBLEM") => Finding::warning(
            CHECK,
            format!("enabled, but the last batch had a problem ({last})"),
            format!("look at the log of {function}, and at the failure queue"),
        ),
        Some("Enabled") => Finding::ok(CHECK, "enabled"),
        state => Finding::failed(
            CHECK,
            format!("it is {}: Global bans wait", state.unwrap_or("in no state")),
            format!("`aws lambda update-event-source-mapping --uuid {id} --enabled`"),
        ),
    }
}
