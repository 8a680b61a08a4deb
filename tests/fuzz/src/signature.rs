//! Roblox's signatures.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use shared::domain::clock::UnixSeconds;
use shared::domain::keys::{NotificationSecret, Signature};

/// Reads bytes as the header, a line break and the signed body.
pub fn signature(bytes: &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    let (header, body) = match end {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (bytes, &b""[..]),
    };
    let secret = NotificationSecret::new("a secret that nobody knows").expect("a secret");
    if let Ok(header) = std::str::from_utf8(header)
        && let Some(signature) = Signature::parse(header)
    {
        assert!(!signature.is_by(&secret, body), "{header} was forged");
        // A time is fresh in its own second, whatever it is, and not 20 minutes away.
        let fresh = |now| signature.is_fresh(UnixSeconds(now));
        assert!(!(fresh(0) && fresh(u64::MAX)));
    }

    // A signature verifies only what was signed.
    let time = bytes.len().to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes()).expect("a key");
    mac.update(format!("{time}.").as_bytes());
    mac.update(body);
    let mac = BASE64_STANDARD.encode(mac.finalize().into_bytes());
    let header = format!("t={time},v1={mac}");
    let signature = Signature::parse(&header).expect("a signature");
    assert!(signature.is_by(&secret, body));
    assert!(!signature.is_by(&secret, &[body, b"x"].concat()));
    let later = format!("t=1{time},v1={mac}");
    let later = Signature::parse(&later).expect("a signature");
    assert!(!later.is_by(&secret, body));
}
