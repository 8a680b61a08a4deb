//! A function's connection to AWS: region, credentials, time limits, and trusted certificates.
//!
//! All of it comes from the environment that Lambda sets. The SDK's own loader would also look for
//! profiles, and trust every authority of the system; both cost time at each cold start
//! (`docs/performance.md` has the figures).

use std::time::Duration;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::{
    SharedCredentialsProvider, SharedHttpClient, StalledStreamProtectionConfig,
};
use aws_smithy_http_client::{Builder, tls};
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use lambda_http::Error;

/// The roots that certify all endpoints in AWS's public regions, from
/// <https://www.amazontrust.com/repository/>: Amazon Root CA 1 to 4 and Starfield Services Root
/// Certificate Authority - G2. Roots only: intermediates change without notice.
const AMAZON_ROOTS: &[u8] = include_bytes!("roots.pem");

/// The SDK settings of a function. The timeouts leave room for two attempts within a route's time
/// limit (`api::TimeLimit`).
///
/// Besides what Lambda sets, these variables have their usual AWS meaning: `AWS_ENDPOINT_URL` and
/// `AWS_ENDPOINT_URL_<SERVICE>`, `AWS_USE_FIPS_ENDPOINT`, `AWS_USE_DUALSTACK_ENDPOINT`,
/// `AWS_CA_BUNDLE`.
pub fn sdk_config() -> Result<SdkConfig, Error> {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_secs(1))
        .operation_timeout(Duration::from_millis(2300))
        .build();
    let retries = RetryConfig::standard()
        .with_max_attempts(3)
        .with_initial_backoff(Duration::from_millis(50));
    let credentials = EnvironmentVariableCredentialsProvider::new();
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(variable("AWS_REGION").map(Region::new))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(http_client()?)
        .timeout_config(timeouts)
        .retry_config(retries)
        // Every attempt has a time limit, so stalled streams need no extra watch.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .service_config(Endpoints)
        .use_fips(is_on("AWS_USE_FIPS_ENDPOINT"))
        .use_dual_stack(is_on("AWS_USE_DUALSTACK_ENDPOINT"));
    config.set_endpoint_url(variable("AWS_ENDPOINT_URL"));
    Ok(config.build())
}

/// Whether the database is a local one, reached without TLS.
#[must_use]
pub fn is_plain() -> bool {
    variable("AWS_ENDPOINT_URL_DYNAMODB").is_some_and(|url| url.starts_with("http://"))
}

/// A client for HTTPS, which also reaches a local database over HTTP: a second one, without TLS, would
/// add another copy of its protocols to every function.
fn http_client() -> Result<SharedHttpClient, Error> {
    let roots = match variable("AWS_CA_BUNDLE") {
        _ if is_plain() => tls::TrustStore::empty(),
        Some(file) => tls::TrustStore::empty().with_pem_certificate(std::fs::read(file)?),
        None if reaches_public_regions(variable) => {
            tls::TrustStore::empty().with_pem_certificate(AMAZON_ROOTS)
        }
        None => tls::TrustStore::default(),
    };
    let context = tls::TlsContext::builder().with_trust_store(roots).build()?;
    let ring = tls::rustls_provider::CryptoMode::Ring;
    Ok(Builder::new()
        .tls_provider(tls::Provider::Rustls(ring))
        .tls_context(context)
        .build_https())
}

/// The services that functions call, as in the names of endpoint variables; the empty one is all.
const SERVICES: [&str; 5] = ["", "_DYNAMODB", "_S3", "_LAMBDA", "_SECRETS_MANAGER"];

/// Elsewhere (China, the isolated regions, a custom endpoint) the system's authorities are used.
fn reaches_public_regions(variable: impl Fn(&str) -> Option<String>) -> bool {
    let region = variable("AWS_REGION").unwrap_or_default();
    let is_public = !region.starts_with("cn-") && !region.contains("-iso");
    let is_own = |service| variable(&format!("AWS_ENDPOINT_URL{service}")).is_some();
    is_public && !SERVICES.into_iter().any(is_own)
}

/// A custom endpoint for one service, such as `AWS_ENDPOINT_URL_DYNAMODB`.
#[derive(Debug)]
struct Endpoints;

impl LoadServiceConfig for Endpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let service = key.service_id().to_ascii_uppercase().replace(' ', "_");
        variable(&format!("{}_{service}", key.env()))
    }
}

fn is_on(name: &str) -> bool {
    variable(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

/// A non-empty variable.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn roots_are_those_that_amazon_publishes() {
        let text = std::str::from_utf8(AMAZON_ROOTS).unwrap();
        let fingerprints: Vec<_> = text
            .split("-----END CERTIFICATE-----")
            .filter_map(|part| part.split_once("-----BEGIN CERTIFICATE-----"))
            .map(|(_, lines)| lines.split_whitespace().collect::<String>())
            .map(|encoded| BASE64_STANDARD.decode(encoded).unwrap())
            .map(|certificate| {
                let digest = Sha256::digest(certificate);
                digest
                    .iter()
                    .fold(String::new(), |hex, b| format!("{hex}{b:02x}"))
            })
            .collect();
        assert_eq!(
            fingerprints,
            [
                "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e",
                "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4",
                "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4",
                "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092",
                "568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5",
            ]
        );
    }

    #[test]
    fn roots_apply_only_to_public_regions_and_their_endpoints() {
        let reaches = |region: &str, endpoint: Option<&str>| {
            reaches_public_regions(|name| match name {
                "AWS_REGION" => Some(region.to_owned()),
                name => (Some(name) == endpoint).then(|| "https://example.com".to_owned()),
            })
        };
        for region in ["eu-central-1", "us-gov-west-1"] {
            assert!(reaches(region, None), "{region}");
        }
        for region in [
            "cn-north-1",
            "us-iso-east-1",
            "us-isob-east-1",
            "eu-isoe-west-1",
        ] {
            assert!(!reaches(region, None), "{region}");
        }
        for endpoint in [
            "AWS_ENDPOINT_URL",
            "AWS_ENDPOINT_URL_DYNAMODB",
            "AWS_ENDPOINT_URL_S3",
            "AWS_ENDPOINT_URL_LAMBDA",
            "AWS_ENDPOINT_URL_SECRETS_MANAGER",
        ] {
            assert!(!reaches("eu-central-1", Some(endpoint)), "{endpoint}");
        }
    }
}
