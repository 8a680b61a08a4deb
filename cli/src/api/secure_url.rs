//! Refuses to send API keys in clear text to other machines.

use anyhow::{Result, bail};
use ureq::http::Uri;

/// Fails unless the URL is https, or http to this machine.
pub fn require_secure_url(url: &str) -> Result<()> {
    let uri: Uri = match url.parse() {
        Ok(uri) => uri,
        Err(error) => bail!("{url} is not a URL such as https://bans.example.com ({error})"),
    };
    match uri.scheme_str() {
        Some("https") => Ok(()),
        Some("http") if uri.host().is_some_and(is_loopback) => Ok(()),
        Some("http") => bail!(
            "{url} is not encrypted, so the key was not sent: use https:// (plain http is for this \
             machine only)"
        ),
        _ => bail!("{url} is not a URL such as https://bans.example.com"),
    }
}

/// Whether a URL is of this machine.
pub fn is_here(url: &str) -> bool {
    let uri: Option<Uri> = url.parse().ok();
    uri.is_some_and(|uri| uri.host().is_some_and(is_loopback))
}

fn is_loopback(host: &str) -> bool {
    if host.eq_ignore_ascii_case("localhost") {
        return true;
    }
    let address = host.trim_start_matches('[').trim_end_matches(']');
    address
        .parse::<std::net::IpAddr>()
        .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sent_over_tls_or_to_this_machine() {
        for url in [
            "https://bans.example.com",
            "HTTPS://bans.example.com/api/v1",
            "http://127.0.0.1:9000",
            "http://localhost:9000/api/v1",
            "http://[::1]:9000",
        ] {
            assert!(require_secure_url(url).is_ok(), "{url}");
        }
        for url in [
            "http://bans.example.com",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
            "http://localhost@example.com",
            "http://10.0.0.1",
            "http://0.0.0.0",
            "ftp://localhost",
            "bans.example.com",
            "",
        ] {
            assert!(require_secure_url(url).is_err(), "{url}");
        }
    }
}
