//! The key of a file in the bucket of evidence.

use std::fmt;
use std::str::FromStr;

use crate::domain::ids::{Guid, InvalidId, WorkspacePrefix};

/// `<prefix>/<guid>`, which names no user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileKey {
    pub prefix: WorkspacePrefix,
    pub guid: Guid,
}

impl fmt::Display for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.prefix, self.guid)
    }
}

/// Accepts one spelling only: another would be another object.
impl FromStr for FileKey {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let (prefix, guid) = text.split_once('/').ok_or(InvalidId)?;
        let key = Self {
            prefix: prefix.parse()?,
            guid: guid.parse()?,
        };
        if key.to_string() == text {
            Ok(key)
        } else {
            Err(InvalidId)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_is_read_as_written() {
        for text in ["0a1b2c3d/633197862920433664", "00000000/0"] {
            assert_eq!(text.parse::<FileKey>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn other_spellings_and_other_objects_are_no_key() {
        for text in [
            "",
            "/",
            "0a1b2c3d",
            "0a1b2c3d/",
            "0a1b2c3d/x",
            "0A1B2C3D/7",
            "+a1b2c3d/7",
            "0a1b2c3d/+7",
            "0a1b2c3d/07",
            "0a1b2c3d/-7",
            "0a1b2c3d/7/8",
            "/0a1b2c3d/7",
            "a1b2c3d/7",
            "0a1b2c3d/7 ",
            "0a1b2c3d/18446744073709551616",
            "0a1b2c3d#U#156/7",
            "malware-protection-resource-validation-object",
        ] {
            assert_eq!(text.parse::<FileKey>(), Err(InvalidId), "{text}");
        }
    }
}
