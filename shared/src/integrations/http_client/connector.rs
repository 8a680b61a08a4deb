//! A connector that checks each address before it connects (SSRF protection).

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use lambda_http::http::Uri;
use tokio::net::TcpStream;
use tower_service::Service;

use super::resolver::{Lookup, Resolver, is_admitted};
use crate::domain::webhooks::AddressPolicy;
use crate::domain::webhooks::Failure;
use crate::domain::webhooks::is_local_name;

/// The time to connect to all addresses of a host, out of the time for the call.
const CONNECTING: Duration = Duration::from_secs(5);

/// Connects to permitted addresses. The inner connector asks the resolver for names only, so a host
/// that is an address is checked here.
#[derive(Clone, Debug)]
pub struct PublicOnlyConnector<L> {
    tcp: HttpConnector<Resolver<L>>,
    reach: AddressPolicy,
}

impl<L: Lookup> PublicOnlyConnector<L> {
    pub(super) fn new(resolver: Resolver<L>, reach: AddressPolicy) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(resolver);
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECTING));
        Self { tcp, reach }
    }

    fn admits(&self, uri: &Uri) -> Result<(), Failure> {
        let host = uri.host().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let is_plain = uri.scheme_str() != Some("https");
        match bare.parse::<IpAddr>() {
            Ok(address) if is_admitted(address, is_plain, self.reach) => Ok(()),
            Ok(_) => Err(Failure::RefusedAddress),
            Err(_) if is_plain && !is_local_name(bare) => Err(Failure::RefusedUrl),
            Err(_) => Ok(()),
        }
    }
}

impl<L: Lookup> Service<Uri> for PublicOnlyConnector<L> {
    type Response = TokioIo<TcpStream>;
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Failure>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.tcp
            .poll_ready(context)
            .map_err(|_| Failure::Connection)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        if let Err(refused) = self.admits(&uri) {
            return Box::pin(async move { Err(refused) });
        }
        let connecting = self.tcp.call(uri);
        Box::pin(async move {
            connecting
                .await
                .map_err(|error| match Failure::of(&error, false) {
                    Failure::NoAnswer => Failure::Connection,
                    failure => failure,
                })
        })
    }
}
