//! URLs that others chose.

use std::fmt;
use std::net::IpAddr;

use lambda_http::http::Uri;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::domain::webhooks::Failure;

/// Which addresses may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressPolicy {
    /// The public internet, over TLS.
    Public,
    /// And this machine itself, for local development.
    PublicAndLoopback,
}

/// The maximum length of a URL in bytes.
const LONGEST: usize = 2048;

/// From this port on any is allowed; of those below, only the web's own. The others belong to
/// services that must not be reachable through a URL (mail, SSH, old database ports).
const FIRST_FREE_PORT: u16 = 1024;

/// A URL that can be called: `https` with a host, or `http` with a host that is this machine. The
/// caller decides whether the latter is allowed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Target(Url);

/// Why a URL cannot be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTarget {
    /// Not a URL with a host.
    #[error("not a valid URL: expected one like https://example.com/hook")]
    Unreadable,
    #[error("the URL must have at most {LONGEST} characters")]
    TooLong,
    /// Not `https`.
    #[error("the URL must begin with https:// (http:// is only for this machine)")]
    Scheme,
    /// Contains a user or a password.
    #[error("the URL must not contain a user name or a password")]
    Credentials,
    /// Contains the port of another kind of service.
    #[error("the port must be 443, 80, or at least 1024")]
    Port,
}

impl Target {
    /// Parses a URL as browsers do, which covers all spellings of a host: `https://0x7f.1/` is
    /// `https://127.0.0.1/`. Drops the fragment and a dot after the host.
    pub fn parse(text: &str) -> Result<Self, InvalidTarget> {
        if text.len() > LONGEST {
            return Err(InvalidTarget::TooLong);
        }
        let mut url = Url::parse(text.trim()).map_err(|_| InvalidTarget::Unreadable)?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(InvalidTarget::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidTarget::Credentials);
        }
        url.set_fragment(None);
        if let Some(Host::Domain(name)) = url.host() {
            let bare = name.trim_end_matches('.').to_owned();
            url.set_host(Some(&bare))
                .map_err(|_| InvalidTarget::Unreadable)?;
        }
        let port = url.port_or_known_default();
        if !port.is_some_and(|port| port >= FIRST_FREE_PORT || matches!(port, 80 | 443)) {
            return Err(InvalidTarget::Port);
        }
        let target = Self(url);
        if target.0.scheme() == "http" && !target.is_local() {
            return Err(InvalidTarget::Scheme);
        }
        // The client must arrive at the very same host.
        match target.read() {
            Some(uri) if uri.host() == target.0.host_str() => Ok(target),
            _ => Err(InvalidTarget::Unreadable),
        }
    }

    /// Whether the host is this machine, by address or by name.
    #[must_use]
    pub fn is_local(&self) -> bool {
        match self.0.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
            Some(Host::Domain(name)) => is_local_name(name),
            None => false,
        }
    }

    /// The address, if the host is one and not a name.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        match self.0.host()? {
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
            Host::Domain(_) => None,
        }
    }

    /// The whole URL. Its query may contain a secret.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The URL for the client, if it may be called.
    pub(crate) fn uri(&self, reach: AddressPolicy) -> Result<Uri, Failure> {
        if self.0.scheme() != "https" && reach == AddressPolicy::Public {
            return Err(Failure::RefusedUrl);
        }
        self.read().ok_or(Failure::RefusedUrl)
    }

    fn read(&self) -> Option<Uri> {
        self.0.as_str().parse().ok()
    }
}

/// Whether a name is reserved for the machine itself.
pub(crate) fn is_local_name(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name.eq_ignore_ascii_case("localhost")
        || name
            .rsplit_once('.')
            .is_some_and(|(_, last)| last.eq_ignore_ascii_case("localhost"))
}

/// The URL without its query.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut url = self.0.clone();
        url.set_query(None);
        f.write_str(url.as_str())?;
        match self.0.query() {
            Some(_) => f.write_str("?..."),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({self})")
    }
}

impl TryFrom<String> for Target {
    type Error = InvalidTarget;

    fn try_from(text: String) -> Result<Self, InvalidTarget> {
        Self::parse(&text)
    }
}

impl From<Target> for String {
    fn from(target: Target) -> Self {
        target.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_parsed_like_in_browsers() {
        for (text, read) in [
            ("https://example.com", "https://example.com/"),
            (
                "HTTPS://EXAMPLE.com:443/a b#part",
                "https://example.com/a%20b",
            ),
            ("https://example.com./x", "https://example.com/x"),
            (
                "https://example.com:8443/?q=1",
                "https://example.com:8443/?q=1",
            ),
            (
                "https://b\u{fc}cher.example/",
                "https://xn--bcher-kva.example/",
            ),
            ("https://2130706433/", "https://127.0.0.1/"),
            ("https://0x7f.1/", "https://127.0.0.1/"),
            ("https://0177.0.0.1/", "https://127.0.0.1/"),
            ("https://127.1./", "https://127.0.0.1/"),
            ("https://%31%32%37.0.0.1/", "https://127.0.0.1/"),
            ("https://\u{ff11}27.0.0.1/", "https://127.0.0.1/"),
            ("https://[::FFFF:10.0.0.1]/", "https://[::ffff:a00:1]/"),
            ("http://localhost:3000/hook", "http://localhost:3000/hook"),
            ("http://127.0.0.1:3000/", "http://127.0.0.1:3000/"),
            ("http://[::1]:3000/", "http://[::1]:3000/"),
        ] {
            assert_eq!(Target::parse(text).unwrap().as_str(), read, "{text}");
        }
    }

    #[test]
    fn other_schemes_credentials_and_low_ports_are_refused() {
        use InvalidTarget::{Credentials, Port, Scheme, TooLong, Unreadable};
        let long = format!("https://example.com/{}", "x".repeat(2048));
        for (text, why) in [
            ("", Unreadable),
            ("example.com/hook", Unreadable),
            ("https://", Unreadable),
            ("https://exa mple.com/", Unreadable),
            ("https://[::1", Unreadable),
            ("https://1.2.3.4.5/", Unreadable),
            ("http://example.com/", Scheme),
            ("http://10.0.0.1/", Scheme),
            ("http://localhost.example.com/", Scheme),
            ("ftp://example.com/", Scheme),
            ("file:///etc/passwd", Scheme),
            ("gopher://127.0.0.1:6379/_x", Scheme),
            ("https://user@example.com/", Credentials),
            ("https://user:secret@example.com/", Credentials),
            ("https://:secret@example.com/", Credentials),
            ("https://example.com:22/", Port),
            ("https://example.com:25/", Port),
            ("https://example.com:1023/", Port),
            (&long, TooLong),
        ] {
            assert_eq!(Target::parse(text), Err(why), "{text}");
        }
    }

    #[test]
    fn a_url_is_shown_without_its_query() {
        let target = Target::parse("https://example.com/hook?token=hunter2").unwrap();
        assert_eq!(target.to_string(), "https://example.com/hook?...");
        assert!(!format!("{target:?}").contains("hunter2"));
    }

    #[test]
    fn plain_http_requires_permission_for_this_machine() {
        let target = Target::parse("http://localhost:3000/").unwrap();
        assert_eq!(target.uri(AddressPolicy::Public), Err(Failure::RefusedUrl));
        assert!(target.uri(AddressPolicy::PublicAndLoopback).is_ok());
    }

    proptest::proptest! {
        /// For any input, the client gets the same host, no user, and an allowed port; and parsing
        /// the result again yields the same.
        #[test]
        fn called_url_equals_the_parsed_one(
            text in "(https?|HTTPS)://[ -~\u{e4}\u{ff0e}\u{3002}]{0,12}[@:/\\\\?#.%]{0,3}[ -~]{0,12}"
        ) {
            if let Ok(target) = Target::parse(&text) {
                let uri = target.uri(AddressPolicy::PublicAndLoopback).unwrap();
                proptest::prop_assert_eq!(uri.host(), target.0.host_str());
                proptest::prop_assert!(!uri.authority().unwrap().as_str().contains('@'));
                let port = uri.port_u16().unwrap_or(443);
                proptest::prop_assert!(port >= 1024 || port == 80 || port == 443);
                proptest::prop_assert!(uri.scheme_str() == Some("https") || target.is_local());
                proptest::prop_assert_eq!(Target::parse(target.as_str()), Ok(target));
            }
        }
    }
}
