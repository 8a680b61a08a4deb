//! Roblox's signature of a notification: `roblox-signature: t=<unix seconds>,v1=<base64>`.
//!
//! `v1` is the HMAC-SHA256, under the webhook's secret, of the time as written in `t`, a full stop
//! and the raw body.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::secret::NotificationSecret;
use crate::domain::clock::UnixSeconds;

/// How many seconds before and after its time a signature is accepted. This prevents a recorded
/// notification from being replayed later.
pub const ACCEPTED: u64 = 600;

/// A well-formed signature, not verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature<'a> {
    /// The time as written, because that is what was signed.
    written: &'a str,
    time: UnixSeconds,
    mac: Vec<u8>,
}

impl<'a> Signature<'a> {
    /// The request header.
    pub const HEADER: &'static str = "roblox-signature";

    /// Parses the header. Parts with other names are ignored: they are left to later versions of
    /// the scheme.
    #[must_use]
    pub fn parse(header: &'a str) -> Option<Self> {
        let (mut written, mut mac) = (None, None);
        for part in header.split(',') {
            let (name, value) = part.trim().split_once('=')?;
            let place = match name {
                "t" => &mut written,
                "v1" => &mut mac,
                _ => continue,
            };
            if place.replace(value).is_some() {
                return None;
            }
        }
        let (written, mac) = (written?, mac?);
        let is_number = written.bytes().all(|byte| byte.is_ascii_digit());
        Some(Self {
            written,
            time: UnixSeconds(written.parse().ok().filter(|_| is_number)?),
            mac: BASE64_STANDARD.decode(mac).ok()?,
        })
    }

    /// Whether the signature's time is within the accepted range.
    #[must_use]
    pub const fn is_fresh(&self, now: UnixSeconds) -> bool {
        self.time.0.abs_diff(now.0) <= ACCEPTED
    }

    /// Whether the signature was made with this secret over this body. Compares in constant time.
    #[must_use]
    pub fn is_by(&self, secret: &NotificationSecret, body: &[u8]) -> bool {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes()) else {
            return false;
        };
        mac.update(self.written.as_bytes());
        mac.update(b".");
        mac.update(body);
        mac.verify_slice(&self.mac).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "a shared secret";
    const BODY: &[u8] = br#"{"NotificationId":"n-1","EventType":"SampleNotification"}"#;
    /// `printf '1800000000.%s' "$BODY" | openssl dgst -sha256 -hmac "$SECRET" -binary | base64`
    const HEADER: &str = "t=1800000000,v1=trorP14yW6ICBPZeFqCBJoE+kM+HsD+rqDndGcFElmM=";

    fn secret(text: &str) -> NotificationSecret {
        NotificationSecret::new(text).unwrap()
    }

    #[test]
    fn signature_made_by_openssl_verifies() {
        let signature = Signature::parse(HEADER).unwrap();
        assert!(signature.is_by(&secret(SECRET), BODY));
    }

    /// RFC 4231, test case 2: the key `Jefe`, the data `what do ya want for nothing?`, which has
    /// no full stop. Here the same construction is fed in the parts that a signature has.
    #[test]
    fn the_mac_is_hmac_sha_256() {
        let mut mac = Hmac::<Sha256>::new_from_slice(b"Jefe").unwrap();
        mac.update(b"what do ya want ");
        mac.update(b"for nothing?");
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(
            crate::domain::digest::hex(&mac.finalize().into_bytes()),
            expected
        );
    }

    #[test]
    fn wrong_secret_body_or_time_does_not_verify() {
        let signature = Signature::parse(HEADER).unwrap();
        assert!(!signature.is_by(&secret("another secret"), BODY));
        assert!(!signature.is_by(&secret(SECRET), &BODY[1..]));
        assert!(!signature.is_by(&secret(SECRET), b""));
        let later = HEADER.replace("1800000000", "1800000001");
        assert!(
            !Signature::parse(&later)
                .unwrap()
                .is_by(&secret(SECRET), BODY)
        );
        // The time is signed as written.
        let padded = HEADER.replace("1800000000", "01800000000");
        assert!(
            !Signature::parse(&padded)
                .unwrap()
                .is_by(&secret(SECRET), BODY)
        );
    }

    #[test]
    fn truncated_mac_does_not_verify() {
        for mac in ["", "AA==", "AAAA"] {
            let header = format!("t=1800000000,v1={mac}");
            let signature = Signature::parse(&header).unwrap();
            assert!(!signature.is_by(&secret(SECRET), BODY));
        }
        let whole = Signature::parse(HEADER).unwrap();
        let half = Signature {
            mac: whole.mac[..16].to_vec(),
            ..whole
        };
        assert!(!half.is_by(&secret(SECRET), BODY));
    }

    #[test]
    fn only_the_documented_format_is_a_signature() {
        let accepted = [
            "t=1,v1=AAAA",
            "v1=AAAA,t=1",
            "t=1, v1=AAAA",
            "t=1,v1=AAAA,v2=x",
        ];
        for header in accepted {
            assert!(Signature::parse(header).is_some(), "{header}");
        }
        let refused = [
            "",
            "t=1",
            "v1=AAAA",
            "t=,v1=AAAA",
            "t=-1,v1=AAAA",
            "t=+1,v1=AAAA",
            "t=1.5,v1=AAAA",
            "t=99999999999999999999,v1=AAAA",
            "t=1,v1=%%%%",
            "t=1,v1=AAA",
            "t=1,v1=AAAA,",
            "t=1,t=2,v1=AAAA",
            "t=1,v1=AAAA,v1=BBBB",
            "t=1;v1=AAAA",
            "AAAA",
        ];
        for header in refused {
            assert!(Signature::parse(header).is_none(), "{header}");
        }
    }

    #[test]
    fn signature_is_accepted_ten_minutes_before_and_after() {
        let signature = Signature::parse(HEADER).unwrap();
        let time = UnixSeconds(1_800_000_000);
        for now in [time, time.plus(ACCEPTED), time.minus(ACCEPTED)] {
            assert!(signature.is_fresh(now), "{now}");
        }
        for now in [time.plus(ACCEPTED + 1), time.minus(ACCEPTED + 1)] {
            assert!(!signature.is_fresh(now), "{now}");
        }
    }
}
