//! The types of files that are accepted, and whether a file begins like its type.

use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};

/// An accepted type. Formats that browsers run as code (HTML, SVG) are not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ContentType {
    #[serde(rename = "image/png")]
    Png,
    #[serde(rename = "image/jpeg")]
    Jpeg,
    #[serde(rename = "image/gif")]
    Gif,
    #[serde(rename = "image/webp")]
    Webp,
    #[serde(rename = "video/mp4")]
    Mp4,
    #[serde(rename = "video/webm")]
    Webm,
    #[serde(rename = "text/plain")]
    PlainText,
    #[serde(rename = "application/json")]
    Json,
    #[serde(rename = "application/pdf")]
    Pdf,
}

impl ContentType {
    pub const ALL: [Self; 9] = [
        Self::Png,
        Self::Jpeg,
        Self::Gif,
        Self::Webp,
        Self::Mp4,
        Self::Webm,
        Self::PlainText,
        Self::Json,
        Self::Pdf,
    ];

    /// How many of a file's first bytes [`ContentType::begins`] looks at.
    pub const LEADING_BYTES: usize = 4096;

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::Webp => "image/webp",
            Self::Mp4 => "video/mp4",
            Self::Webm => "video/webm",
            Self::PlainText => "text/plain",
            Self::Json => "application/json",
            Self::Pdf => "application/pdf",
        }
    }

    /// The type with this name in any case, without parameters: the upload must send exactly the
    /// name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_named = |kind: &Self| kind.name().eq_ignore_ascii_case(text);
        Self::ALL.into_iter().find(is_named)
    }

    /// Whether a file with these first bytes can be of this type. Texts have no signature: they must
    /// be UTF-8 without NUL, and JSON must begin like a value.
    #[must_use]
    pub fn begins(self, leading: &[u8]) -> bool {
        match self {
            Self::PlainText => is_text(leading),
            Self::Json => {
                is_text(leading)
                    && leading
                        .trim_ascii_start()
                        .first()
                        .is_some_and(|byte| starts_json(*byte))
            }
            Self::Mp4 => is_sniffed(leading, &[self.name(), "video/x-m4v"]),
            _ => is_sniffed(leading, &[self.name()]),
        }
    }
}

fn is_sniffed(leading: &[u8], names: &[&str]) -> bool {
    infer::get(leading).is_some_and(|kind| names.contains(&kind.mime_type()))
}

/// UTF-8 without NUL; the last character may be cut off.
fn is_text(leading: &[u8]) -> bool {
    let is_utf8 = match std::str::from_utf8(leading) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    is_utf8 && !leading.contains(&0)
}

const fn starts_json(byte: u8) -> bool {
    matches!(
        byte,
        b'{' | b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n'
    )
}

impl Display for ContentType {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn webm() -> Vec<u8> {
        let mut bytes = b"\x1a\x45\xdf\xa3\x01\0\0\0\0\0\0\x1f\x42\x82\x84webm".to_vec();
        bytes.resize(300, 0);
        bytes
    }

    fn samples() -> Vec<(ContentType, Vec<u8>)> {
        vec![
            (ContentType::Png, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec()),
            (ContentType::Jpeg, b"\xff\xd8\xff\xe0\0\x10JFIF\0".to_vec()),
            (ContentType::Gif, b"GIF89a\x01\0\x01\0".to_vec()),
            (ContentType::Webp, b"RIFF\x24\0\0\0WEBPVP8 ".to_vec()),
            (
                ContentType::Mp4,
                b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom".to_vec(),
            ),
            (ContentType::Webm, webm()),
            (ContentType::Pdf, b"%PDF-1.7\n%\xe2\xe3\xcf\xd3".to_vec()),
        ]
    }

    #[test]
    fn each_binary_type_accepts_its_own_beginning_only() {
        for (kind, bytes) in samples() {
            for other in ContentType::ALL {
                let accepted = other.begins(&bytes);
                let is_text = matches!(other, ContentType::PlainText | ContentType::Json);
                if other == kind {
                    assert!(accepted, "{kind}");
                } else if !is_text {
                    assert!(!accepted, "{kind} as {other}");
                }
            }
        }
    }

    #[test]
    fn programs_and_pages_are_no_image_or_video() {
        for bytes in [
            &b"MZ\x90\0\x03"[..],
            b"\x7fELF\x02\x01\x01",
            b"<html><script>",
            b"<svg xmlns=",
            b"PK\x03\x04",
            b"",
        ] {
            for kind in [
                ContentType::Png,
                ContentType::Jpeg,
                ContentType::Mp4,
                ContentType::Pdf,
                ContentType::Json,
            ] {
                assert!(!kind.begins(bytes), "{bytes:?} as {kind}");
            }
        }
    }

    #[test]
    fn text_is_utf8_whose_last_character_may_be_cut_off() {
        assert!(ContentType::PlainText.begins(b"the moov"));
        assert!(ContentType::PlainText.begins("é".as_bytes().split_at(1).0));
        assert!(!ContentType::PlainText.begins(b"\xff\xfea\0"));
        assert!(!ContentType::PlainText.begins(b"a\0b"));
        assert!(!ContentType::PlainText.begins(b"\xe9t\xe9"));
    }

    #[test]
    fn json_begins_like_a_value() {
        for bytes in [&b" \n{}"[..], b"[1]", b"\"a\"", b"-1", b"true", b"null"] {
            assert!(ContentType::Json.begins(bytes), "{bytes:?}");
        }
        for bytes in [&b""[..], b"  ", b"<a>", b"x", b"\xff{"] {
            assert!(!ContentType::Json.begins(bytes), "{bytes:?}");
        }
    }

    #[test]
    fn name_is_parsed_in_any_case_without_parameters() {
        for kind in ContentType::ALL {
            assert_eq!(ContentType::parse(&kind.name().to_uppercase()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
        for text in [
            "",
            "image/svg+xml",
            "text/html",
            "text/plain; charset=utf-8",
            " image/png",
        ] {
            assert_eq!(ContentType::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged_without_a_panic(
            sample in 0..7_usize,
            kept in 0..300_usize,
            noise in proptest::collection::vec(any::<u8>(), 0..300),
        ) {
            let mut bytes = samples().swap_remove(sample).1;
            bytes.truncate(kept);
            bytes.extend(noise);
            for kind in ContentType::ALL {
                let _ = kind.begins(&bytes);
            }
        }
    }
}
