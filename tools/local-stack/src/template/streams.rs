//! Event source mappings between a table's stream and a function.

use serde_json::{Map, Value};

use super::{flag, functions, intrinsics::Resolver, number, of_type, text};
use crate::{Error, Result};

/// The settings of one mapping, with Lambda's defaults.
#[derive(Debug, Clone)]
pub struct StreamSource {
    /// The logical id of the mapping.
    pub id: String,
    /// The name of the table whose stream it is.
    pub table: String,
    /// The maximum number of records per invocation.
    pub batch_size: usize,
    /// Event patterns; a record that matches none is skipped.
    pub filters: Vec<Value>,
    /// Whether to split a failed batch in two.
    pub bisect: bool,
    /// Whether the function reports which records failed.
    pub reports_item_failures: bool,
    /// The number of retries per batch; `None` means until it expires.
    pub maximum_retries: Option<u32>,
    /// Concurrent batches per shard, which never share a partition key.
    pub parallelization: usize,
    /// The destination of records that failed after all retries.
    pub on_failure: Option<String>,
}

/// Reads the settings of SAM's event or of `AWS::Lambda::EventSourceMapping`.
pub(super) fn read(id: &str, settings: &Value) -> Result<StreamSource> {
    let stream = text(settings, "Stream").or_else(|| text(settings, "EventSourceArn"));
    let table = stream
        .and_then(|arn| arn.split_once("table/"))
        .and_then(|(_, rest)| rest.split('/').next())
        .ok_or_else(|| Error::Template(format!("not the stream of a table: {stream:?}")))?;

    let patterns = settings
        .get("FilterCriteria")
        .and_then(|c| c.get("Filters"));
    let mut filters = Vec::new();
    for filter in patterns.and_then(Value::as_array).into_iter().flatten() {
        let pattern = text(filter, "Pattern").unwrap_or_default();
        let parsed = serde_json::from_str(pattern)
            .map_err(|e| Error::Template(format!("the pattern {pattern} is not JSON: {e}")))?;
        filters.push(parsed);
    }
    let responses = settings
        .get("FunctionResponseTypes")
        .and_then(Value::as_array);
    let on_failure = settings
        .get("DestinationConfig")
        .and_then(|d| d.get("OnFailure"));
    Ok(StreamSource {
        id: id.to_owned(),
        table: table.to_owned(),
        batch_size: setting(settings, "BatchSize").unwrap_or(100),
        filters,
        bisect: flag(settings, "BisectBatchOnFunctionError"),
        reports_item_failures: responses
            .is_some_and(|types| types.iter().any(|t| t == "ReportBatchItemFailures")),
        maximum_retries: setting(settings, "MaximumRetryAttempts"),
        parallelization: setting(settings, "ParallelizationFactor").unwrap_or(1),
        on_failure: on_failure
            .and_then(|d| text(d, "Destination"))
            .map(str::to_owned),
    })
}

/// `None` for -1, which means "forever".
fn setting<T: TryFrom<u64>>(settings: &Value, key: &str) -> Option<T> {
    number(settings, key).and_then(|n| T::try_from(n).ok())
}

/// The mappings that are separate resources, with the names of their functions.
pub(super) fn mappings(
    resources: &Map<String, Value>,
    resolver: &Resolver<'_>,
) -> Result<Vec<(String, StreamSource)>> {
    let mut found = Vec::new();
    for (id, settings) in of_type(resources, "AWS::Lambda::EventSourceMapping") {
        let target = text(settings, "FunctionName").unwrap_or_default();
        let physical = target.rsplit(':').next().unwrap_or_default();
        let function = of_type(resources, "AWS::Serverless::Function")
            .find(|(id, _)| resolver.physical_name(id) == physical)
            .ok_or_else(|| Error::Template(format!("a mapping names no function: {target}")))?;
        found.push((functions::name_of(function.0), read(id, settings)?));
    }
    Ok(found)
}
