//! Resolves names itself, so that the connector gets exactly the addresses that were checked.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

use super::addresses::is_public;
use crate::domain::webhooks::AddressPolicy;
use crate::domain::webhooks::Failure;
use crate::domain::webhooks::is_local_name;

/// How many addresses of a name are tried.
const ADDRESSES: usize = 16;

/// A way to resolve a name.
pub trait Lookup: Clone + Send + Sync + 'static {
    /// The addresses of a name; empty if it has none.
    fn lookup(&self, name: String) -> impl Future<Output = io::Result<Vec<IpAddr>>> + Send;
}

/// The system's resolver.
#[derive(Clone, Copy, Debug)]
pub struct System;

impl Lookup for System {
    async fn lookup(&self, name: String) -> io::Result<Vec<IpAddr>> {
        let found = tokio::net::lookup_host((name, 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }
}

/// Resolves a name and checks its addresses, in one step.
#[derive(Clone, Debug)]
pub(super) struct Resolver<L> {
    lookup: L,
    reach: AddressPolicy,
}

impl<L: Lookup> Resolver<L> {
    pub const fn new(lookup: L, reach: AddressPolicy) -> Self {
        Self { lookup, reach }
    }
}

/// Whether an address may be connected to; `is_local` if it belongs to a name of this machine.
pub(super) fn is_admitted(address: IpAddr, is_local: bool, reach: AddressPolicy) -> bool {
    let loopback =
        address.to_canonical().is_loopback() && reach == AddressPolicy::PublicAndLoopback;
    loopback || (!is_local && is_public(address))
}

impl<L: Lookup> Service<Name> for Resolver<L> {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Failure>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let Self { lookup, reach } = self.clone();
        let name = name.as_str().to_owned();
        Box::pin(async move {
            let is_local = is_local_name(&name);
            let found = lookup.lookup(name).await;
            let found = found.map_err(|_| Failure::NameNotFound)?;
            if found.is_empty() {
                return Err(Failure::NameNotFound);
            }
            // A mix of public and private addresses is a DNS-rebinding attempt, so one private
            // address condemns the name.
            if !found
                .iter()
                .all(|address| is_admitted(*address, is_local, reach))
            {
                return Err(Failure::RefusedAddress);
            }
            let addresses = found.into_iter().take(ADDRESSES);
            let checked: Vec<_> = addresses.map(|ip| SocketAddr::new(ip, 0)).collect();
            Ok(checked.into_iter())
        })
    }
}
