//! Checks the event source mappings between the table's stream and its functions.

use aws_sdk_lambda::error::ProvideErrorMetadata;

use super::finding::Finding;
use crate::connection::Connection;

/// An expected mapping, and the consequence if it does not run.
struct Mapping {
    check: &'static str,
    /// The stack output with the function's name.
    function: &'static str,
    otherwise: &'static str,
}

const MAPPINGS: [Mapping; 2] = [
    Mapping {
        check: "stream mapping",
        function: "SpreadDecisionsFunctionName",
        otherwise: "Global bans do not reach other experiences",
    },
    Mapping {
        check: "stream mapping of events",
        function: "PublishEventsFunctionName",
        otherwise: "webhooks and the event log receive nothing",
    },
];

/// Checks all mappings. This needs `--stack`.
pub async fn examine(connection: &Connection) -> Vec<Finding> {
    let looking = MAPPINGS.iter().map(|mapping| look_at(mapping, connection));
    futures::future::join_all(looking).await
}

async fn look_at(mapping: &Mapping, connection: &Connection) -> Finding {
    let Mapping {
        check,
        function,
        otherwise,
    } = *mapping;
    let Some(stack) = &connection.stack else {
        return Finding::skipped(check, "only possible with --stack");
    };
    let function = match stack.output(function) {
        Ok(function) => function,
        Err(error) => return Finding::of_error(check, &error),
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
                check,
                format!(
                    "Lambda answered {}",
                    error.code().unwrap_or("with an error without a code")
                ),
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
            check,
            format!("the stream is not connected to {function}: {otherwise}"),
            "deploy the current version with `portcullis deploy`, which sets it up",
        );
    };
    let id = mapping.uuid().unwrap_or_default();
    let last = mapping.last_processing_result().unwrap_or_default();
    match mapping.state() {
        Some("Enabled") if last.starts_with("PROBLEM") => Finding::warning(
            check,
            format!("enabled, but the last batch had a problem ({last})"),
            format!("check the log of {function} and the failure queue"),
        ),
        Some("Enabled") => Finding::ok(check, "enabled"),
        state => Finding::failed(
            check,
            format!("state {}: {otherwise}", state.unwrap_or("unknown")),
            format!("`aws lambda update-event-source-mapping --uuid {id} --enabled`"),
        ),
    }
}
