//! HTTPS calls to a service at one address, each with a time limit and a size limit. Retries are up
//! to the caller.

use std::time::Duration;

use aws_smithy_http_client::{Connector, tls};
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use lambda_http::http::{self, HeaderMap, Request, StatusCode};
use url::{Host, Url};

use crate::domain::error::causes;

/// A service at one address. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct ServiceClient {
    /// The SDK's own: another one would add a second copy of its protocols to a function.
    connector: SharedHttpConnector,
    base: Url,
    limits: CallLimits,
}

#[derive(Clone, Copy, Debug)]
pub struct CallLimits {
    /// The time for a whole call.
    pub time: Duration,
    /// How many bytes of an answer are read.
    pub answer: usize,
}

/// A whole answer, with any status.
#[derive(Clone, Debug)]
pub struct ServiceAnswer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Secrets must not be sent to this address.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error(
    "ROBLOX_API_URL, ROBLOX_USERS_URL, ROBLOX_GROUPS_URL, DISCORD_API_URL and DISCORD_CDN_URL must be an https \
     address without a path, or http on this machine"
)]
pub struct InvalidBase;

impl ServiceClient {
    /// Secrets are sent there, so plain HTTP is for this machine only.
    pub fn at(base: &str, limits: CallLimits) -> Result<Self, lambda_http::Error> {
        let base = checked(base)?;
        let roots = match base.scheme() {
            "https" => tls::TrustStore::default(),
            _ => tls::TrustStore::empty(),
        };
        let context = tls::TlsContext::builder().with_trust_store(roots).build()?;
        let ring = tls::rustls_provider::CryptoMode::Ring;
        let connector = Connector::builder()
            .tls_provider(tls::Provider::Rustls(ring))
            .tls_context(context)
            .pool_idle_timeout(Duration::from_secs(20))
            .build();
        Ok(Self {
            connector: SharedHttpConnector::new(connector),
            base,
            limits,
        })
    }

    /// The address of a path, without a leading slash.
    #[must_use]
    pub fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(path);
        url
    }

    /// The address of a path with a leading slash, and a query.
    #[must_use]
    pub fn link(&self, path_and_query: &str) -> String {
        format!(
            "{}{path_and_query}",
            self.base.origin().ascii_serialization()
        )
    }

    /// Sends a request once. The error says why there is no answer, for a log.
    pub async fn send(
        &self,
        request: http::Result<Request<Bytes>>,
    ) -> Result<ServiceAnswer, String> {
        let request = request.map_err(|error| causes(&error))?;
        let request = request.map(SdkBody::from).try_into();
        let exchange = async {
            let request = request.map_err(|error| causes(&error))?;
            let response = self.connector.call(request).await;
            let response = response.map_err(|error| causes(&error))?.try_into_http1x();
            let (parts, body) = response.map_err(|error| causes(&error))?.into_parts();
            let body = whole(body, self.limits.answer).await?;
            Ok(ServiceAnswer {
                status: parts.status,
                headers: parts.headers,
                body,
            })
        };
        let time = self.limits.time;
        tokio::time::timeout(time, exchange)
            .await
            .unwrap_or_else(|_| Err(format!("timed out after {time:?}")))
    }
}

/// The body in one piece of memory, which is taken at once if the answer says how much it needs: a second copy of
/// a large file would not fit.
async fn whole(body: SdkBody, most: usize) -> Result<Bytes, String> {
    let length = body.content_length().unwrap_or_default();
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let mut bytes = Vec::with_capacity(length.min(most));
    let mut body = Limited::new(body, most);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| causes(&*error))?;
        if let Ok(data) = frame.into_data() {
            bytes.extend_from_slice(&data);
        }
    }
    Ok(bytes.into())
}

/// The address, if secrets may be sent there.
fn checked(base: &str) -> Result<Url, InvalidBase> {
    let url = Url::parse(base).map_err(|_| InvalidBase)?;
    let is_here = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    let is_safe = match url.scheme() {
        "https" => true,
        "http" => is_here,
        _ => false,
    };
    let is_bare = url.path() == "/" && url.query().is_none() && url.username().is_empty();
    (is_safe && is_bare).then_some(url).ok_or(InvalidBase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_only_sent_over_tls_or_within_the_machine() {
        for (base, fits) in [
            ("https://apis.roblox.com", true),
            ("https://proxy.example", true),
            ("http://127.0.0.1:4010", true),
            ("http://[::1]:4010", true),
            ("http://localhost:4010", true),
            ("http://apis.roblox.com", false),
            ("http://10.0.0.1", false),
            ("https://proxy.example/roblox", false),
            ("https://me@proxy.example", false),
            ("ftp://localhost", false),
            ("apis.roblox.com", false),
        ] {
            assert_eq!(checked(base).is_ok(), fits, "{base}");
        }
    }
}
