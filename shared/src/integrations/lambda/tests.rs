use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_smithy_async::time::StaticTimeSource;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_types::service_config::LoadServiceConfig;
use serde_json::json;

use aws_config::retry::RetryConfig;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_types::service_config::ServiceConfigKey;

use super::*;
use crate::integrations::aws::failure;
use crate::integrations::aws_call::endpoint;

/// A Lambda that answers with these statuses and bodies, and then not at all.
#[derive(Clone, Debug, Default)]
struct FakeLambda {
    answers: Arc<Mutex<VecDeque<(u16, &'static str)>>>,
    requests: Arc<Mutex<Vec<HttpRequest>>>,
}

impl FakeLambda {
    fn new(answers: impl IntoIterator<Item = (u16, &'static str)>) -> Self {
        Self {
            answers: Arc::new(Mutex::new(answers.into_iter().collect())),
            requests: Arc::default(),
        }
    }

    fn requests(&self) -> Vec<HttpRequest> {
        std::mem::take(&mut *self.requests.lock().unwrap())
    }

    fn config(&self) -> aws_types::sdk_config::Builder {
        let connector = SharedHttpConnector::new(self.clone());
        let credentials = Credentials::new(
            "AKIDEXAMPLE",
            "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            Some("session/token+1=".to_owned()),
            None,
            "test",
        );
        // 2026-01-02T03:04:05Z.
        let time = UNIX_EPOCH + Duration::from_secs(1_767_323_045);
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .time_source(StaticTimeSource::new(time))
            .retry_config(
                RetryConfig::standard()
                    .with_max_attempts(3)
                    .with_initial_backoff(Duration::from_millis(1)),
            )
            .http_client(http_client_fn(move |_, _| connector.clone()))
    }

    fn client(&self) -> LambdaClient {
        LambdaClient::new(&self.config().build())
    }
}

impl HttpConnector for FakeLambda {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.requests.lock().unwrap().push(request);
        let Some((status, body)) = self.answers.lock().unwrap().pop_front() else {
            return HttpConnectorFuture::new(std::future::pending());
        };
        let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
        response.headers_mut().insert("x-amzn-requestid", "r-1");
        HttpConnectorFuture::ready(Ok(response))
    }
}

/// The signatures are botocore's for the same request, credentials and time.
#[tokio::test]
async fn event_is_a_signed_request() {
    let event = json!({ "endpoint": "we_1", "workspace": "0123abcd" });
    for (function, encoded, signature) in [
        (
            "deliver-webhooks",
            "deliver-webhooks",
            "35ebaa16e7fcf5154c9a9fce2f01755a1bde7f951bd2980057408832cfcaeff9",
        ),
        (
            "arn:aws:lambda:eu-central-1:123456789012:function:deliver",
            "arn%3Aaws%3Alambda%3Aeu-central-1%3A123456789012%3Afunction%3Adeliver",
            "bd56596031a95f68f34d87905bf850d5841b3e33a9bd2379e3425498e1a8caa5",
        ),
    ] {
        let lambda = FakeLambda::new([(202, "")]);
        lambda
            .client()
            .send_event(function, event.clone())
            .await
            .unwrap();
        let requests = lambda.requests();
        let [request] = requests.as_slice() else {
            panic!("{requests:?}");
        };
        let host = "https://lambda.eu-central-1.amazonaws.com";
        assert_eq!(request.method(), "POST");
        assert_eq!(
            request.uri(),
            format!("{host}/2015-03-31/functions/{encoded}/invocations")
        );
        let body: &[u8] = br#"{"endpoint":"we_1","workspace":"0123abcd"}"#;
        assert_eq!(request.body().bytes(), Some(body));
        let headers: BTreeMap<_, _> = request.headers().iter().collect();
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/eu-central-1/lambda/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date;x-amz-invocation-type;x-amz-security-token, \
             Signature={signature}"
        );
        let user_agent = concat!("portcullis/", env!("CARGO_PKG_VERSION"));
        assert_eq!(
            headers,
            BTreeMap::from([
                ("authorization", authorization.as_str()),
                ("content-type", "application/json"),
                ("user-agent", user_agent),
                ("x-amz-date", "20260102T030405Z"),
                ("x-amz-invocation-type", "Event"),
                ("x-amz-security-token", "session/token+1="),
            ])
        );
    }
}

#[tokio::test]
async fn permanent_errors_are_500_with_the_code_of_lambda() {
    for (status, body, code) in [
        (
            404,
            r#"{"__type":"com.amazonaws.lambda#ResourceNotFoundException","Message":"arn:x"}"#,
            "ResourceNotFoundException",
        ),
        (
            403,
            r#"{"__type":"AccessDeniedException:http://internal.amazon.com/","message":"arn:x"}"#,
            "AccessDeniedException",
        ),
    ] {
        let lambda = FakeLambda::new([(status, body)]);
        let sent = lambda.client().send_event("deliver", json!({})).await;
        let error = sent.unwrap_err();
        assert_eq!(error.code(), Some(code));
        assert_eq!(error.message(), Some("arn:x"));
        let error = failure("AWS Lambda", &error);
        assert_eq!((error.status(), error.code()), (500, "internal"));
        let detail = error.detail().unwrap();
        for part in ["AWS Lambda", code, "arn:x", "r-1"] {
            assert!(detail.contains(part), "{detail}");
        }
        assert_eq!(lambda.requests().len(), 1, "{code} was retried");
    }
}

#[tokio::test]
async fn transient_errors_are_503_after_three_attempts() {
    const THROTTLED: &str =
        r#"{"__type":"TooManyRequestsException","Reason":"CallerRateLimitExceeded"}"#;
    for (status, body) in [
        (429, THROTTLED),
        (500, r#"{"__type":"ServiceException"}"#),
        (503, "busy"),
    ] {
        let lambda = FakeLambda::new([(status, body); 3]);
        let sent = lambda.client().send_event("deliver", json!({})).await;
        let error = failure("AWS Lambda", &sent.unwrap_err());
        assert_eq!(
            (error.status(), error.code()),
            (503, "unavailable"),
            "{status}"
        );
        assert_eq!(lambda.requests().len(), 3, "{status}");
    }
    let lambda = FakeLambda::new([(429, THROTTLED), (202, "")]);
    lambda
        .client()
        .send_event("deliver", json!({}))
        .await
        .unwrap();
    assert_eq!(lambda.requests().len(), 2);
}

#[tokio::test]
async fn silent_lambda_is_503_within_the_time_limit() {
    let lambda = FakeLambda::new([]);
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(Duration::from_millis(20))
        .operation_timeout(Duration::from_secs(5))
        .build();
    let client = LambdaClient::new(&lambda.config().timeout_config(timeouts).build());
    let error = client.send_event("deliver", json!({})).await.unwrap_err();
    assert_eq!(failure("AWS Lambda", &error).status(), 503);
    assert_eq!(lambda.requests().len(), 3);
}

/// A service's own endpoint, as the environment sets it.
#[derive(Debug)]
struct OwnEndpoint(&'static str);

impl LoadServiceConfig for OwnEndpoint {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let is_asked = (key.service_id(), key.env()) == (self.0, "AWS_ENDPOINT_URL");
        is_asked.then(|| "http://own:1".to_owned())
    }
}

#[test]
fn custom_endpoint_of_lambda_precedes_that_of_all_services() {
    let config = || SdkConfig::builder().region(Region::new("eu-central-1"));
    let general = || config().endpoint_url("http://all:2");
    let own = |service| config().service_config(OwnEndpoint(service));
    let both = general().service_config(OwnEndpoint("Lambda"));
    let others = general().service_config(OwnEndpoint("DynamoDB"));
    let regional = "https://lambda.eu-central-1.amazonaws.com";
    for (config, expected) in [
        (general(), "http://all:2"),
        (own("Lambda"), "http://own:1"),
        (both, "http://own:1"),
        (others, "http://all:2"),
        (own("DynamoDB"), regional),
        (config(), regional),
    ] {
        assert_eq!(
            endpoint(&config.build(), &LAMBDA, "amazonaws.com"),
            expected
        );
    }
}

/// Cases of `aws-sdk-lambda`.
#[test]
fn endpoint_follows_region_partition_fips_and_dual_stack() {
    let (public, china) = ("amazonaws.com", "amazonaws.com.cn");
    for (region, suffix, fips, dual_stack, host) in [
        (
            "af-south-1",
            public,
            false,
            false,
            "lambda.af-south-1.amazonaws.com",
        ),
        (
            "eu-central-1",
            public,
            false,
            true,
            "lambda.eu-central-1.api.aws",
        ),
        (
            "us-east-1",
            public,
            true,
            false,
            "lambda-fips.us-east-1.amazonaws.com",
        ),
        (
            "us-gov-west-1",
            public,
            true,
            true,
            "lambda-fips.us-gov-west-1.api.aws",
        ),
        (
            "cn-north-1",
            china,
            false,
            false,
            "lambda.cn-north-1.amazonaws.com.cn",
        ),
        (
            "cn-north-1",
            china,
            false,
            true,
            "lambda.cn-north-1.api.amazonwebservices.com.cn",
        ),
        (
            "us-iso-west-1",
            "c2s.ic.gov",
            false,
            false,
            "lambda.us-iso-west-1.c2s.ic.gov",
        ),
    ] {
        let config = SdkConfig::builder()
            .region(Region::new(region))
            .use_fips(fips)
            .use_dual_stack(dual_stack)
            .build();
        assert_eq!(
            endpoint(&config, &LAMBDA, suffix),
            format!("https://{host}")
        );
    }
}
