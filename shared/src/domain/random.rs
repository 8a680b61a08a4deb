//! The operating system's random number generator: the source of every secret, id and jitter.

/// Random bytes, fit for a secret.
///
/// # Panics
///
/// If the operating system cannot give any. No secret may be made without them.
#[must_use]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if let Err(error) = getrandom::fill(&mut bytes) {
        #[expect(clippy::panic, reason = "there is nothing to fall back on")]
        {
            panic!("the operating system gives no random numbers: {error}");
        }
    }
    bytes
}

/// A random number.
#[must_use]
pub fn number() -> u64 {
    u64::from_be_bytes(bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_gives_other_bytes() {
        assert_ne!(bytes::<32>(), bytes::<32>());
        assert_ne!(number(), number());
    }
}
