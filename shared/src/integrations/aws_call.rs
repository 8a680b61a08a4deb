//! A call to an AWS service as a signed request over the SDK's own HTTP stack. A client of the SDK would
//! add a twelfth to the first build, for one call.

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_runtime::auth::SigV4OperationSigningConfig;
use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::recursion_detection::RecursionDetectionInterceptor;
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::classifiers::{
    HttpStatusCodeClassifier, TransientErrorClassifier,
};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::auth::{
    AuthSchemeOptionResolverParams, SharedAuthScheme, SharedAuthSchemeOptionResolver,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::error::metadata::Builder as ErrorMetadataBuilder;
use aws_types::SigningName;
use aws_types::region::SigningRegion;
use aws_types::request_id::apply_request_id;
use aws_types::service_config::ServiceConfigKey;
use serde_json::Value;

/// The code and message are the service's.
pub type CallError = SdkError<ErrorMetadata, HttpResponse>;

pub const USER_AGENT: &str = concat!("portcullis/", env!("CARGO_PKG_VERSION"));

/// A service that is called by its protocol.
#[derive(Clone, Copy, Debug)]
pub struct Service {
    pub id: &'static str,
    /// The name in its host and in signatures.
    pub host: &'static str,
    pub signing: SigningStyle,
}

/// How a request is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SigningStyle {
    Standard,
    /// S3 takes paths as they are, and the body's hash as a header.
    ObjectStore,
}

/// A `POST` of a service with a JSON protocol: its target, and the protocol's version.
pub fn json_request(
    target: &'static str,
    version: &str,
    body: &Value,
) -> Result<HttpRequest, BoxError> {
    let mut request = HttpRequest::new(SdkBody::from(body.to_string()));
    request.set_method("POST")?;
    request.set_uri("/")?;
    let headers = request.headers_mut();
    headers.insert("user-agent", USER_AGENT);
    headers.insert("content-type", format!("application/x-amz-json-{version}"));
    headers.insert("x-amz-target", target);
    Ok(request)
}

/// A call of a service, with the configuration's credentials, region, endpoint, time limits and
/// retries. `deserialize` reads a successful answer.
pub fn operation<I, O>(
    config: &SdkConfig,
    service: &Service,
    name: &'static str,
    serialize: impl Fn(I) -> Result<HttpRequest, BoxError> + Send + Sync + 'static,
    deserialize: impl Fn(&HttpResponse) -> Option<O> + Send + Sync + 'static,
) -> Operation<I, O, ErrorMetadata>
where
    I: std::fmt::Debug + Send + Sync + 'static,
    O: std::fmt::Debug + Send + Sync + 'static,
{
    let endpoint = endpoint(config, service, &url_suffix());
    operation_at(&endpoint, config, service, name, serialize, deserialize)
}

/// The same at another address than the service's own.
pub fn operation_at<I, O>(
    endpoint: &str,
    config: &SdkConfig,
    service: &Service,
    name: &'static str,
    serialize: impl Fn(I) -> Result<HttpRequest, BoxError> + Send + Sync + 'static,
    deserialize: impl Fn(&HttpResponse) -> Option<O> + Send + Sync + 'static,
) -> Operation<I, O, ErrorMetadata>
where
    I: std::fmt::Debug + Send + Sync + 'static,
    O: std::fmt::Debug + Send + Sync + 'static,
{
    // The parts of the SDK's own clients, without those that only describe the client to AWS.
    Operation::builder()
        .service_name(service.id)
        .operation_name(name)
        .endpoint_url(endpoint)
        .runtime_plugin(
            StaticRuntimePlugin::new()
                .with_config(settings(config, service).freeze())
                .with_runtime_components(components(config, service)),
        )
        .with_connection_poisoning()
        // Lambda stops functions that invoke each other in a loop, by the trace that this passes on.
        .interceptor(RecursionDetectionInterceptor::new())
        .retry_classifier(TransientErrorClassifier::<ErrorMetadata>::new())
        .retry_classifier(AwsErrorCodeClassifier::<ErrorMetadata>::new())
        .retry_classifier(HttpStatusCodeClassifier::default())
        .serializer(serialize)
        .deserializer(move |response: &HttpResponse| read(response, &deserialize))
        .build()
}

fn settings(config: &SdkConfig, service: &Service) -> Layer {
    let mut settings = Layer::new(service.id);
    settings.store_put(signing(service));
    settings.store_put(SigningName::from_static(service.host));
    settings.store_put(AuthSchemeOptionResolverParams::new(()));
    if let Some(region) = config.region() {
        settings.store_put(SigningRegion::from(region.clone()));
    }
    let retries = config.retry_config().cloned();
    settings.store_put(retries.unwrap_or_else(RetryConfig::standard));
    if let Some(timeouts) = config.timeout_config() {
        settings.store_put(timeouts.clone());
    }
    if let Some(protection) = config.stalled_stream_protection() {
        settings.store_put(protection);
    }
    settings
}

fn signing(service: &Service) -> SigV4OperationSigningConfig {
    let mut signing = SigV4OperationSigningConfig::default();
    if service.signing == SigningStyle::ObjectStore {
        signing.signing_options.double_uri_encode = false;
        signing.signing_options.normalize_uri_path = false;
        signing.signing_options.content_sha256_header = true;
    }
    signing
}

fn components(config: &SdkConfig, service: &Service) -> RuntimeComponentsBuilder {
    let signature_v4 = StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID]);
    let mut components = RuntimeComponentsBuilder::new(service.id);
    components
        .set_http_client(config.http_client())
        .set_auth_scheme_option_resolver(Some(SharedAuthSchemeOptionResolver::new(signature_v4)))
        .push_auth_scheme(SharedAuthScheme::new(SigV4AuthScheme::new()))
        .set_identity_cache(config.identity_cache())
        .set_time_source(config.time_source())
        .set_sleep_impl(config.sleep_impl());
    if let Some(credentials) = config.credentials_provider() {
        components.set_identity_resolver(SCHEME_ID, credentials);
    }
    components
}

/// `CloudFormation`'s `AWS::URLSuffix`.
pub(super) fn url_suffix() -> String {
    std::env::var("URL_SUFFIX").unwrap_or_else(|_| "amazonaws.com".to_owned())
}

/// A custom endpoint for the service, or else for all services.
pub(super) fn custom_endpoint(config: &SdkConfig, service: &Service) -> Option<String> {
    let key = ServiceConfigKey::builder()
        .service_id(service.id)
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build();
    let own = key
        .ok()
        .and_then(|key| config.service_config()?.load_config(key));
    own.or(config.endpoint_url().map(str::to_owned))
}

/// A custom endpoint, or else the region's.
pub(super) fn endpoint(config: &SdkConfig, service: &Service, url_suffix: &str) -> String {
    if let Some(url) = custom_endpoint(config, service) {
        return url;
    }
    let host = match config.use_fips() {
        Some(true) => format!("{}-fips", service.host),
        _ => service.host.to_owned(),
    };
    let domain = match (config.use_dual_stack(), url_suffix) {
        (Some(true), "amazonaws.com") => "api.aws",
        (Some(true), "amazonaws.com.cn") => "api.amazonwebservices.com.cn",
        _ => url_suffix,
    };
    let region = config.region().map(AsRef::as_ref).unwrap_or_default();
    format!("https://{host}.{region}.{domain}")
}

fn read<O>(
    response: &HttpResponse,
    deserialize: impl Fn(&HttpResponse) -> Option<O>,
) -> Result<O, OrchestratorError<ErrorMetadata>> {
    if response.status().is_success() {
        return deserialize(response)
            .ok_or_else(|| OrchestratorError::other("the answer has an unknown form"));
    }
    let error = apply_request_id(error_of(response), response.headers()).build();
    Err(OrchestratorError::operation(error))
}

/// What an answer in JSON, or S3's in XML, says of an error.
fn error_of(response: &HttpResponse) -> ErrorMetadataBuilder {
    let mut error = ErrorMetadata::builder();
    let body = response.body().bytes().unwrap_or_default();
    if let Some(code) = element(body, "Code") {
        return error
            .code(code)
            .message(element(body, "Message").unwrap_or_default());
    }
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name| body.get(name).and_then(Value::as_str);
    let code = response.headers().get("x-amzn-errortype");
    if let Some(code) = code.or_else(|| text("__type")) {
        // A namespace may precede the code, and an address may follow it.
        let code = code.split(':').next().unwrap_or_default();
        error = error.code(code.rsplit('#').next().unwrap_or_default());
    }
    if let Some(message) = text("message").or_else(|| text("Message")) {
        error = error.message(message);
    }
    error
}

/// The text of an element without attributes, as the elements of S3's answers are.
#[must_use]
pub fn element<'a>(body: &'a [u8], name: &str) -> Option<&'a str> {
    let body = std::str::from_utf8(body).ok()?;
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(text)
}
