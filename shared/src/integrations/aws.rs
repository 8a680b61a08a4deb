//! Failures of AWS services other than DynamoDB: whether a retry can help.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::domain::error::ApiError;
use crate::domain::error::causes;

/// The API error for a failed call to a service: 503 if the service throttled, failed or was
/// unreachable, so that the same call may succeed later. Everything else is permanent, for example
/// a missing right or bucket: an error of the installation, 500.
pub(crate) fn failure<E>(service: &'static str, error: &SdkError<E, HttpResponse>) -> ApiError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let detail = format!("{service}: {}", causes(error));
    if is_transient(error) {
        ApiError::ServiceUnavailable {
            service,
            detail,
            retry_after: 1,
        }
    } else {
        ApiError::Internal(detail)
    }
}

/// Whether the same call may succeed a moment later.
pub(crate) fn is_transient<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    match error {
        SdkError::ConstructionFailure(_) => false,
        SdkError::ServiceError(service) => {
            let status = service.raw().status();
            let is_busy = service.err().code().is_some_and(is_busy);
            status.is_server_error() || status.as_u16() == 429 || is_busy
        }
        _ => true,
    }
}

/// Codes with a 4xx status that are transient all the same.
fn is_busy(code: &str) -> bool {
    matches!(
        code,
        "SlowDown"
            | "RequestTimeout"
            | "RequestTimeoutException"
            | "RequestLimitExceeded"
            | "OperationAborted"
            | "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "TooManyRequestsException"
    )
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::body::SdkBody;
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;

    fn answered(status: u16, code: &str) -> ApiError {
        let error = ErrorMetadata::builder()
            .code(code)
            .message("arn:aws:s3:::exports")
            .build();
        let response = HttpResponse::new(status.try_into().unwrap(), SdkBody::empty());
        let error = SdkError::service_error(error, response);
        failure("Amazon S3", &error)
    }

    #[test]
    fn permanent_errors_are_500_and_their_detail_is_only_logged() {
        for (status, code) in [
            (403, "AccessDenied"),
            (404, "NoSuchBucket"),
            (404, "NoSuchUpload"),
            (400, "EntityTooLarge"),
            (403, "KMS.DisabledException"),
        ] {
            let error = answered(status, code);
            assert_eq!((error.status(), error.code()), (500, "internal"), "{code}");
            assert!(!error.message().contains("arn"), "{code}");
            assert!(error.detail().unwrap().contains("arn"), "{code}");
        }
    }

    #[test]
    fn busy_or_silent_service_yields_503_with_its_name() {
        for (status, code) in [
            (503, "SlowDown"),
            (500, "InternalError"),
            (400, "RequestTimeout"),
            (409, "OperationAborted"),
            (429, "TooManyRequestsException"),
        ] {
            let error = answered(status, code);
            assert_eq!(
                (error.status(), error.code()),
                (503, "unavailable"),
                "{code}"
            );
            assert!(error.message().starts_with("Amazon S3 is"), "{code}");
        }
        let silent: SdkError<ErrorMetadata, HttpResponse> = SdkError::timeout_error("no answer");
        assert_eq!(failure("Amazon S3", &silent).status(), 503);
        let unsent: SdkError<ErrorMetadata, HttpResponse> =
            SdkError::construction_failure("no region");
        assert_eq!(failure("Amazon S3", &unsent).status(), 500);
    }
}
