//! Amazon S3 as signed requests. The SDK's client adds 1.5 MB to a function, most of it for checksums
//! that nothing here uses.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{
    PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::ErrorMetadata;
use bytes::Bytes;
use url::Url;
use url::form_urlencoded::byte_serialize;

use crate::domain::error::{ApiError, causes};
use crate::integrations::aws::failure;
use crate::integrations::aws_call::{self, CallError, Service, SigningStyle, USER_AGENT};

pub const SERVICE: &str = "Amazon S3";

pub use aws_call::element;

const S3: Service = Service {
    id: "S3",
    host: "s3",
    signing: SigningStyle::ObjectStore,
};

/// One bucket. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Bucket {
    /// With a custom endpoint, the bucket's name is its path.
    address: String,
    region: String,
    credentials: Option<SharedCredentialsProvider>,
    calls: Operation<ObjectRequest, ObjectAnswer, ErrorMetadata>,
}

/// A request for one object.
#[derive(Clone, Debug)]
pub struct ObjectRequest {
    method: &'static str,
    key: String,
    query: Vec<(&'static str, String)>,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
}

/// A successful answer.
#[derive(Clone, Debug)]
pub struct ObjectAnswer {
    headers: BTreeMap<String, String>,
    pub body: Bytes,
}

impl ObjectRequest {
    #[must_use]
    pub const fn new(method: &'static str, key: String) -> Self {
        Self {
            method,
            key,
            query: Vec::new(),
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    #[must_use]
    pub fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    #[must_use]
    pub fn body(self, body: impl Into<Bytes>) -> Self {
        Self {
            body: body.into(),
            ..self
        }
    }

    /// The path, with a query in the encoding of signatures.
    fn path(&self) -> String {
        let encoded = |value: &str| {
            let value: String = byte_serialize(value.as_bytes()).collect();
            value.replace('+', "%20")
        };
        let query = self.query.iter();
        let query = query.map(|(name, value)| format!("{name}={}", encoded(value)));
        let query: Vec<_> = query.collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("/{}{mark}{}", self.key, query.join("&"))
    }
}

impl ObjectAnswer {
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

impl Bucket {
    /// A bucket with the configuration's credentials, region, endpoint, time limits and retries.
    #[must_use]
    pub fn new(config: &SdkConfig, name: &str) -> Self {
        let address = address(config, name);
        Self {
            calls: aws_call::operation_at(&address, config, &S3, "Object", serialize, answer),
            address,
            region: config.region().map(ToString::to_string).unwrap_or_default(),
            credentials: config.credentials_provider(),
        }
    }

    /// The bucket that a variable of the environment names, with time limits for an attempt and for all
    /// attempts of a call.
    pub fn from_environment(
        config: &SdkConfig,
        variable: &str,
        attempt: Duration,
        all_attempts: Duration,
    ) -> Result<Self, std::env::VarError> {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(1))
            .operation_attempt_timeout(attempt)
            .operation_timeout(all_attempts)
            .build();
        let config = config.to_builder().timeout_config(timeouts).build();
        Ok(Self::new(&config, &std::env::var(variable)?))
    }

    /// The scheme and host of links to objects.
    pub fn origin(&self) -> Result<String, ApiError> {
        let url = Url::parse(&self.address);
        let url = url.map_err(|error| ApiError::Internal(error.to_string()))?;
        Ok(url.origin().ascii_serialization())
    }

    pub async fn send(&self, request: ObjectRequest) -> Result<ObjectAnswer, ApiError> {
        let answer = self.calls.invoke(request).await;
        answer.map_err(|error| failure(SERVICE, &error))
    }

    /// The same; `None` if there is no such object. S3 answers so only to a role that may list the
    /// bucket, and 403 to others.
    pub async fn find(&self, request: ObjectRequest) -> Result<Option<ObjectAnswer>, ApiError> {
        match self.calls.invoke(request).await {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(failure(SERVICE, &error)),
        }
    }

    /// Sends a `PUT` of a new object; `false` if there is one already, as `if-none-match` requires.
    pub async fn put_new(&self, request: ObjectRequest) -> Result<bool, ApiError> {
        match self
            .calls
            .invoke(request.header("if-none-match", "*"))
            .await
        {
            Ok(_) => Ok(true),
            Err(error) if status_of(&error) == Some(412) => Ok(false),
            Err(error) => Err(failure(SERVICE, &error)),
        }
    }

    /// A URL with which anyone can make the request, with exactly its headers.
    pub async fn presign(
        &self,
        request: &ObjectRequest,
        valid: Duration,
    ) -> Result<String, ApiError> {
        let internal = |error: &(dyn std::error::Error + 'static)| {
            ApiError::Internal(format!("could not sign for Amazon S3: {}", causes(error)))
        };
        let provider = self.credentials.as_ref();
        let provider = provider.ok_or_else(|| ApiError::Internal("no credentials".to_owned()))?;
        let identity = provider.provide_credentials().await;
        let identity = identity.map_err(|error| internal(&error))?.into();
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(valid);
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(S3.host)
            .time(SystemTime::now())
            .settings(settings)
            .build()
            .map_err(|error| internal(&error))?;
        let url = format!("{}{}", self.address, request.path());
        let headers = request.headers.iter();
        let headers = headers.map(|(name, value)| (*name, value.as_str()));
        let body = SignableBody::UnsignedPayload;
        let signed = SignableRequest::new(request.method, &url, headers, body)
            .and_then(|request| sign(request, &params.into()))
            .map_err(|error| internal(&error))?;
        let mut http = http_request(request, url).map_err(|error| internal(&*error))?;
        let (instructions, _) = signed.into_parts();
        instructions.apply_to_request_http1x(&mut http);
        Ok(http.uri().to_string())
    }
}

/// The answer to `HEAD` has no code.
fn is_missing(error: &CallError) -> bool {
    let Some(service) = error.as_service_error() else {
        return false;
    };
    status_of(error) == Some(404) && matches!(service.code(), None | Some("NoSuchKey"))
}

fn status_of(error: &CallError) -> Option<u16> {
    Some(error.raw_response()?.status().as_u16())
}

/// A bucket's address: a host of its own, which S3 prefers, or a path of a custom endpoint.
fn address(config: &SdkConfig, name: &str) -> String {
    if let Some(url) = aws_call::custom_endpoint(config, &S3) {
        return format!("{}/{name}", url.trim_end_matches('/'));
    }
    let fips = if config.use_fips() == Some(true) {
        "-fips"
    } else {
        ""
    };
    let dual_stack = match config.use_dual_stack() {
        Some(true) => ".dualstack",
        _ => "",
    };
    let region = config.region().map(AsRef::as_ref).unwrap_or_default();
    let suffix = aws_call::url_suffix();
    format!("https://{name}.s3{fips}{dual_stack}.{region}.{suffix}")
}

#[expect(clippy::needless_pass_by_value, reason = "fits the operation")]
fn serialize(request: ObjectRequest) -> Result<HttpRequest, BoxError> {
    let path = request.path();
    let body = SdkBody::from(request.body.clone());
    let http = http_request(&request, path)?.map(|()| body);
    let mut http = HttpRequest::try_from(http)?;
    http.headers_mut().insert("user-agent", USER_AGENT);
    Ok(http)
}

fn http_request(
    request: &ObjectRequest,
    uri: String,
) -> Result<lambda_http::http::Request<()>, BoxError> {
    let mut http = lambda_http::http::Request::builder()
        .method(request.method)
        .uri(uri);
    for (name, value) in &request.headers {
        http = http.header(*name, value);
    }
    Ok(http.body(())?)
}

#[expect(clippy::unnecessary_wraps, reason = "fits the operation")]
fn answer(response: &HttpResponse) -> Option<ObjectAnswer> {
    let headers = response.headers().iter();
    Some(ObjectAnswer {
        headers: headers
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        body: Bytes::copy_from_slice(response.body().bytes().unwrap_or_default()),
    })
}
