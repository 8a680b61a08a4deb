//! The size and hash that an uploader declares; S3 verifies both.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

/// The size of a file in bytes: 1 to 100 MiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FileSize(u64);

impl FileSize {
    pub const MAX: u64 = 100 * 1024 * 1024;

    #[must_use]
    pub const fn new(bytes: u64) -> Option<Self> {
        if bytes >= 1 && bytes <= Self::MAX {
            Some(Self(bytes))
        } else {
            None
        }
    }

    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

/// The SHA-256 of a file, as 32 bytes in standard padded base64: the form of S3's
/// `x-amz-checksum-sha256`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sha256Digest(String);

impl Sha256Digest {
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_digest = text.len() == 44
            && BASE64_STANDARD
                .decode(text)
                .is_ok_and(|hash| hash.len() == 32);
        is_digest.then(|| Self(text.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_is_1_byte_to_100_mib() {
        for (bytes, valid) in [
            (0, false),
            (1, true),
            (FileSize::MAX, true),
            (FileSize::MAX + 1, false),
            (u64::MAX, false),
        ] {
            assert_eq!(
                FileSize::new(bytes).map(FileSize::bytes),
                valid.then_some(bytes)
            );
        }
    }

    #[test]
    fn hash_is_32_bytes_in_the_one_base64_form_of_s3() {
        let valid = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        assert_eq!(Sha256Digest::parse(valid).unwrap().as_str(), valid);
        for text in [
            "",
            "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=",
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
            // The unused bits of the last character are set.
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=",
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuA==",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ] {
            assert_eq!(Sha256Digest::parse(text), None, "{text}");
        }
    }
}
