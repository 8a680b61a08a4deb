//! Checks that the tables exist, are active and match the template.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::{
    ContinuousBackupsStatus, IndexStatus, KeySchemaElement, KeyType, PointInTimeRecoveryStatus,
    StreamViewType, TableDescription, TableStatus, TimeToLiveStatus,
};
use shared::store::attributes::{
    BAN_OWED, DECIDED_BY, DUE, DUE_AT, EXPERIENCE, EXPERIENCE_LEDGER, GUID_KEY, KEY_ID, LEDGER,
    LOG_POSITION, LOG_SHARD, PK, SK, TTL, UNBAN_OWED, WORKSPACE_TAG,
};
use shared::store::names;

use super::finding::Finding;
use super::versions;
use crate::connection::Connection;

const DEPLOY: &str = "deploy the current version with `portcullis deploy`, which sets it up";

/// The name, hash key and range key of an index.
type Index = (&'static str, &'static str, &'static str);

const BANS: [Index; 7] = [
    (names::PENDING_BANS, EXPERIENCE, BAN_OWED),
    (names::PENDING_UNBANS, EXPERIENCE, UNBAN_OWED),
    (names::BY_WORKSPACE, LEDGER, GUID_KEY),
    (names::BY_EXPERIENCE, EXPERIENCE_LEDGER, GUID_KEY),
    (names::DECISIONS_BY_KEY, DECIDED_BY, SK),
    (names::EVENTS, LOG_SHARD, LOG_POSITION),
    (names::DUE, DUE, DUE_AT),
];

const WORKSPACES: [Index; 1] = [(names::KEYS_BY_WORKSPACE, WORKSPACE_TAG, KEY_ID)];

pub async fn examine(connection: &Connection, is_local: bool) -> Vec<Finding> {
    let client = Client::new(&connection.database);
    let mut findings = Vec::new();
    let bans = &connection.tables.bans;
    if let Some(table) = describe(&client, bans, &BANS, &mut findings).await {
        findings.push(stream(&table));
        findings.push(expiry(&client, bans, is_local).await);
        findings.push(recovery(&client, bans, is_local).await);
    }
    let workspaces = &connection.tables.workspaces;
    if describe(&client, workspaces, &WORKSPACES, &mut findings)
        .await
        .is_some()
    {
        findings.push(recovery(&client, workspaces, is_local).await);
    }
    findings
}

async fn describe(
    client: &Client,
    name: &str,
    indexes: &[Index],
    findings: &mut Vec<Finding>,
) -> Option<TableDescription> {
    let check = format!("table {name}");
    let answer = match client.describe_table().table_name(name).send().await {
        Ok(answer) => answer,
        Err(error) => {
            let missing = error.code() == Some("ResourceNotFoundException");
            let (detail, remedy) = if missing {
                (
                    "it does not exist".to_owned(),
                    "check --stack or --bans-table and --workspaces-table, --region and --endpoint",
                )
            } else {
                (short(&error), "check credentials, --region and --endpoint")
            };
            findings.push(Finding::failed(check, detail, remedy));
            return None;
        }
    };
    let table = answer.table?;
    findings.push(match table.table_status() {
        Some(TableStatus::Active | TableStatus::Updating)
            if has_keys(table.key_schema(), PK, SK) =>
        {
            Finding::ok(check, "active")
        }
        Some(TableStatus::Active | TableStatus::Updating) => Finding::failed(
            check,
            "its keys are not pk and sk",
            "it is not a table of Portcullis: check the names of the tables",
        ),
        status => Finding::failed(
            check,
            format!("status {}", status.map_or("unknown", TableStatus::as_str)),
            "wait until it is active; if it is being deleted, restore it from a backup",
        ),
    });
    for (index, hash, range) in indexes {
        let check = format!("index {index}");
        let found = table
            .global_secondary_indexes()
            .iter()
            .find(|own| own.index_name() == Some(*index));
        findings.push(match found {
            None => Finding::failed(check, "it does not exist", DEPLOY),
            Some(own) if !has_keys(own.key_schema(), hash, range) => Finding::failed(
                check,
                format!("its keys are not {hash} and {range}"),
                DEPLOY,
            ),
            Some(own) => match own.index_status() {
                // A local database may not report the status.
                Some(IndexStatus::Active) | None => Finding::ok(check, "active"),
                Some(status) => Finding::failed(
                    check,
                    format!("status {}", status.as_str()),
                    "wait until it is active",
                ),
            },
        });
    }
    for own in table.global_secondary_indexes() {
        let name = own.index_name().unwrap_or_default();
        if indexes.iter().all(|(known, ..)| *known != name) {
            findings.push(versions::of_unknown_index(name));
        }
    }
    Some(table)
}

fn has_keys(schema: &[KeySchemaElement], hash: &str, range: &str) -> bool {
    let has = |name: &str, kind: &KeyType| {
        schema
            .iter()
            .any(|key| key.attribute_name() == name && key.key_type() == kind)
    };
    has(hash, &KeyType::Hash) && has(range, &KeyType::Range)
}

fn stream(table: &TableDescription) -> Finding {
    let check = "stream";
    match table.stream_specification() {
        Some(stream) if stream.stream_enabled() => match stream.stream_view_type() {
            Some(StreamViewType::NewAndOldImages) => Finding::ok(check, "enabled"),
            _ => Finding::failed(check, "it does not contain both item images", DEPLOY),
        },
        _ => Finding::failed(
            check,
            "disabled: Global bans do not reach other experiences",
            DEPLOY,
        ),
    }
}

async fn expiry(client: &Client, name: &str, is_local: bool) -> Finding {
    let check = format!("expiry of items in {name}");
    let answer = match client.describe_time_to_live().table_name(name).send().await {
        Ok(answer) => answer,
        Err(error) => return unanswered(check, &error, is_local),
    };
    let description = answer.time_to_live_description();
    let is_on = description.is_some_and(|ttl| {
        ttl.attribute_name() == Some(TTL)
            && matches!(
                ttl.time_to_live_status(),
                Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)
            )
    });
    if is_on {
        Finding::ok(check, "enabled on ttl")
    } else {
        Finding::failed(
            check,
            "disabled: used idempotency keys and expired history are never removed",
            format!(
                "`aws dynamodb update-time-to-live --table-name {name} \
                 --time-to-live-specification Enabled=true,AttributeName=ttl`"
            ),
        )
    }
}

async fn recovery(client: &Client, name: &str, is_local: bool) -> Finding {
    let check = format!("point-in-time recovery of {name}");
    let answer = client.describe_continuous_backups().table_name(name);
    let answer = match answer.send().await {
        Ok(answer) => answer,
        Err(error) => return unanswered(check, &error, is_local),
    };
    let backups = answer.continuous_backups_description();
    let is_on = backups.is_some_and(|backups| {
        *backups.continuous_backups_status() == ContinuousBackupsStatus::Enabled
            && backups
                .point_in_time_recovery_description()
                .and_then(|recovery| recovery.point_in_time_recovery_status())
                == Some(&PointInTimeRecoveryStatus::Enabled)
    });
    if is_on {
        Finding::ok(check, "enabled")
    } else {
        Finding::warning(
            check,
            "disabled: accidentally deleted data cannot be restored",
            format!(
                "`aws dynamodb update-continuous-backups --table-name {name} \
                 --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true`"
            ),
        )
    }
}

/// A local database does not support every call.
fn unanswered<E>(check: String, error: &SdkError<E>, is_local: bool) -> Finding
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    if is_local && matches!(error, SdkError::ServiceError(_)) {
        return Finding::skipped(check, "not reported by the local database");
    }
    Finding::failed(
        check,
        short(error),
        "grant your credentials what `portcullis iam-policy` prints",
    )
}

fn short<E>(error: &SdkError<E>) -> String
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    if let Some(code) = error.code() {
        return format!("DynamoDB answered {code}");
    }
    let text = DisplayErrorContext(error).to_string();
    text.split(" (").next().unwrap_or_default().to_owned()
}
