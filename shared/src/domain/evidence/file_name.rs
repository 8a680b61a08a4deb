//! Names of files, as the uploader chose them. Objects are stored under their guid; the name only
//! appears in answers and in the header of a download.

use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};

use crate::domain::text::is_blank;

/// A file name of 1 to 200 bytes without folders, control characters or directional characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct FileName(String);

/// Why a name is rejected. Displayed, it completes a sentence that begins with the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileNameFault {
    #[error("must be 1 to {} bytes long", FileName::MAX_BYTES)]
    Length,
    #[error("must not contain control or directional characters (it contains U+{:04X})", u32::from(*.0))]
    Control(char),
    /// A folder, in the notation of any system.
    #[error("must be a name without a folder")]
    Folder,
    /// No visible character, or dots only.
    #[error("must contain at least one visible character other than a dot")]
    Invisible,
}

impl FileName {
    pub const MAX_BYTES: usize = 200;

    /// Validates a name. Surrounding white space is dropped.
    pub fn parse(text: &str) -> Result<Self, FileNameFault> {
        let name = text.trim();
        if name.is_empty() || name.len() > Self::MAX_BYTES {
            return Err(FileNameFault::Length);
        }
        if let Some(c) = name.chars().find(|c| steers(*c)) {
            return Err(FileNameFault::Control(c));
        }
        if name.contains(['/', '\\']) {
            return Err(FileNameFault::Folder);
        }
        if name.chars().all(|c| c == '.' || is_blank(c)) {
            return Err(FileNameFault::Invisible);
        }
        Ok(Self(name.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The `content-disposition` that makes a browser save the file under its name (RFC 6266).
    #[must_use]
    pub fn attachment(&self) -> String {
        use std::fmt::Write;
        let mut header = String::from("attachment; filename*=UTF-8''");
        for byte in self.0.bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_') {
                header.push(char::from(byte));
            } else {
                let _ = write!(header, "%{byte:02X}");
            }
        }
        header
    }
}

/// Whether a character ends a line, controls a terminal or reorders the text around it, which
/// can disguise an extension (`gpj.exe`).
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061C}' | '\u{200E}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

impl Display for FileName {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<FileName> for String {
    fn from(name: FileName) -> Self {
        name.0
    }
}

impl TryFrom<String> for FileName {
    type Error = FileNameFault;

    fn try_from(text: String) -> Result<Self, FileNameFault> {
        Self::parse(&text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ordinary_names_in_any_language_are_kept() {
        for name in [
            "clip.mp4",
            "Zoë – 3.png",
            "צילום.jpg",
            "a b.json",
            ".log",
            &"x".repeat(200),
        ] {
            assert_eq!(FileName::parse(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn hostile_names_are_rejected() {
        for (name, fault) in [
            ("", FileNameFault::Length),
            ("  ", FileNameFault::Length),
            (&*"x".repeat(201), FileNameFault::Length),
            (&*"ä".repeat(101), FileNameFault::Length),
            ("a\nb", FileNameFault::Control('\n')),
            ("a\0.png", FileNameFault::Control('\0')),
            ("a\u{1b}[2J", FileNameFault::Control('\u{1b}')),
            ("photo\u{202e}gpj.exe", FileNameFault::Control('\u{202e}')),
            ("a\u{2066}b", FileNameFault::Control('\u{2066}')),
            ("a\u{200f}b", FileNameFault::Control('\u{200f}')),
            ("../etc/passwd", FileNameFault::Folder),
            ("C:\\x", FileNameFault::Folder),
            ("..", FileNameFault::Invisible),
            ("\u{200b}.", FileNameFault::Invisible),
        ] {
            assert_eq!(FileName::parse(name), Err(fault), "{name:?}");
        }
    }

    #[test]
    fn download_header_escapes_everything_but_plain_letters() {
        let name = FileName::parse("a\"; x=é.png").unwrap();
        assert_eq!(
            name.attachment(),
            "attachment; filename*=UTF-8''a%22%3B%20x%3D%C3%A9.png"
        );
    }

    proptest! {
        #[test]
        fn accepted_name_is_a_fixed_point_and_its_header_is_visible_ascii(text in any::<String>()) {
            if let Ok(name) = FileName::parse(&text) {
                prop_assert_eq!(FileName::parse(name.as_str()), Ok(name.clone()));
                prop_assert!(name.attachment().bytes().all(|b| b == b' ' || b.is_ascii_graphic()));
            }
        }
    }
}
