//! How a function reaches AWS: region, credentials, time limits, and whose certificates it trusts.
//!
//! All of it is in the environment, put there by Lambda. The SDK's own loader would look for
//! profiles besides, and trust every authority of the system; both are paid at each cold start
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

/// The roots that all endpoints of AWS's public regions are certified by, from
/// <https://www.amazontrust.com/repository/>: Amazon Root CA 1 to 4 and Starfield Services Root
/// Certificate Authority - G2. Roots only: what lies between changes without notice.
const AMAZON_ROOTS: &[u8] = include_bytes!("roots.pem");

/// The SDK settings of a function. The timeouts leave room for two tries within the time in which
/// a route answers (see [`crate::http::Budget`]).
///
/// Beside what Lambda sets, these variables have the meaning they have for all of AWS's tools:
/// `AWS_ENDPOINT_URL` and `AWS_ENDPOINT_URL_<SERVICE>`, `AWS_USE_FIPS_ENDPOINT`,
/// `AWS_USE_DUALSTACK_ENDPOINT`, `AWS_CA_BUNDLE`.
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
        // Every attempt has its time limit, so none is watched byte by byte besides.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .service_config(Endpoints)
        .use_fips(is_on("AWS_USE_FIPS_ENDPOINT"))
        .use_dual_stack(is_on("AWS_USE_DUALSTACK_ENDPOINT"));
    config.set_endpoint_url(variable("AWS_ENDPOINT_URL"));
    Ok(config.build())
}

/// Whether the database is a local one, reached without TLS.
pub fn is_plain() -> bool {
    variable("AWS_ENDPOINT_URL_DYNAMODB").is_some_and(|url| url.starts_with("http://"))
}

fn http_client() -> Result<SharedHttpClient, Error> {
    if is_plain() {
        return Ok(Builder::new().build_http());
    }
    let roots = match variable("AWS_CA_BUNDLE") {
        Some(file) => tls::TrustStore::empty().with_pem_certificate(std::fs::read(file)?),
        None if reaches_public_regions() => {
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

/// Elsewhere (China, the isolated regions, an endpoint of one's own) the system's authorities are
/// asked.
fn reaches_public_regions() -> bool {
    let region = variable("AWS_REGION").unwrap_or_default();
    let is_public = !region.starts_with("cn-") && !region.contains("-iso");
    let services = ["", "_DYNAMODB", "_S3"];
    is_public
        && services
            .iter()
            .all(|s| variable(&format!("AWS_ENDPOINT_URL{s}")).is_none())
}

/// An endpoint of its own for one service, such as `AWS_ENDPOINT_URL_DYNAMODB`.
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

/// A variable that is set to something.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
