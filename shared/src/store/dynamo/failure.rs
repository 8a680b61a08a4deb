//! Errors of database calls.

use crate::domain::error::causes;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;

use crate::domain::error::ApiError;

/// Why a database call failed.
#[derive(Clone, Debug, thiserror::Error)]
pub(in crate::store) enum DatabaseError {
    /// A write conflict: a condition failed, or another transaction was in progress. Read and
    /// decide again.
    #[error("conflict")]
    Conflict,
    /// Throttled, timed out or unreachable. A write may or may not have happened.
    #[error("{0}")]
    Unavailable(String),
    /// There was too little time: nothing was sent.
    #[error("too little time was left for a write")]
    NoTime,
    /// A call that DynamoDB rejects: a bug.
    #[error("{0}")]
    Refused(String),
}

impl From<DatabaseError> for ApiError {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::Conflict => Self::Unavailable("too many writers at once".to_owned()),
            DatabaseError::Unavailable(detail) => Self::Unavailable(detail),
            DatabaseError::NoTime => Self::Unavailable(error.to_string()),
            DatabaseError::Refused(detail) => Self::Internal(detail),
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "fits map_err")]
pub(in crate::store) fn failure<E>(error: SdkError<E>) -> DatabaseError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let detail = causes(&error);
    match &error {
        SdkError::ConstructionFailure(_) => DatabaseError::Refused(detail),
        SdkError::ServiceError(service) => match service.err().code() {
            Some("ConditionalCheckFailedException" | "TransactionConflictException") => {
                DatabaseError::Conflict
            }
            Some(code) if is_capacity(code) => DatabaseError::Unavailable(detail),
            _ if service.raw().status().is_server_error() => DatabaseError::Unavailable(detail),
            _ => DatabaseError::Refused(detail),
        },
        _ => DatabaseError::Unavailable(detail),
    }
}

pub(in crate::store) fn transaction_failure(
    error: SdkError<TransactWriteItemsError>,
) -> DatabaseError {
    if let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
        error.as_service_error()
    {
        let codes: Vec<_> = cancelled
            .cancellation_reasons()
            .iter()
            .filter_map(|reason| reason.code())
            .collect();
        if codes.iter().any(|code| is_capacity(code)) {
            return DatabaseError::Unavailable(format!("transaction cancelled: {codes:?}"));
        }
        if codes
            .iter()
            .any(|code| matches!(*code, "ConditionalCheckFailed" | "TransactionConflict"))
        {
            return DatabaseError::Conflict;
        }
        return DatabaseError::Refused(format!("transaction cancelled: {codes:?}"));
    }
    match error.as_service_error() {
        // An earlier attempt of this very call is still in progress.
        Some(TransactWriteItemsError::TransactionInProgressException(_)) => {
            DatabaseError::Unavailable("the transaction is still in progress".to_owned())
        }
        _ => failure(error),
    }
}

/// Whether an error code means that the database is overloaded.
fn is_capacity(code: &str) -> bool {
    matches!(
        code,
        "ProvisionedThroughputExceededException"
            | "ProvisionedThroughputExceeded"
            | "ThrottlingException"
            | "ThrottlingError"
            | "RequestLimitExceeded"
            | "LimitExceededException"
            | "InternalServerError"
            | "ServiceUnavailable"
    )
}
