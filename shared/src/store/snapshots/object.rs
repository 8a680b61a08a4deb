//! The stored form of a snapshot: a line of JSON with its header, then the encoded users.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::domain::banned_users::BannedUsers;
use crate::domain::clock::UnixSeconds;
use crate::domain::digest::hex;
use crate::domain::history::LogPosition;
use crate::domain::sync::SyncPosition;

/// What a snapshot is, beside its users.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotHeader {
    /// The millisecond of the build; grows with each build of a workspace.
    pub version: u64,
    pub epoch: u64,
    /// The position of the event log that the snapshot covers.
    pub position: u64,
    /// The second at which the log had been read up to the position.
    pub read: UnixSeconds,
    pub built: UnixSeconds,
    /// When the last full build was.
    pub full: UnixSeconds,
    pub count: u64,
    /// SHA-256 of the encoded users.
    sha256: String,
}

impl SnapshotHeader {
    #[must_use]
    pub const fn log_position(&self) -> LogPosition {
        LogPosition {
            epoch: self.epoch,
            position: self.position,
        }
    }

    /// The position from which a reader follows the changes.
    #[must_use]
    pub const fn sync_position(&self) -> SyncPosition {
        SyncPosition {
            log: self.log_position(),
            at: self.read,
        }
    }
}

/// A snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotObject {
    header: SnapshotHeader,
    bytes: Vec<u8>,
    /// Where the encoded users begin.
    users: usize,
}

/// What a build has found.
#[derive(Clone, Debug)]
pub(super) struct Contents {
    pub version: u64,
    pub reached: LogPosition,
    pub read: UnixSeconds,
    pub built: UnixSeconds,
    pub full: UnixSeconds,
    pub users: BannedUsers,
}

impl SnapshotObject {
    pub(super) fn new(contents: &Contents) -> Self {
        let encoded = contents.users.encode();
        let header = SnapshotHeader {
            version: contents.version,
            epoch: contents.reached.epoch,
            position: contents.reached.position,
            read: contents.read,
            built: contents.built,
            full: contents.full,
            count: contents.users.count(),
            sha256: hex(&Sha256::digest(&encoded)),
        };
        let mut bytes = serde_json::to_vec(&header).unwrap_or_default();
        bytes.push(b'\n');
        let users = bytes.len();
        bytes.extend(encoded);
        Self {
            header,
            bytes,
            users,
        }
    }

    /// Reads a stored object; `None` if it is damaged.
    pub(super) fn parse(bytes: Vec<u8>) -> Option<Self> {
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let header: SnapshotHeader = serde_json::from_slice(bytes.get(..end)?).ok()?;
        let users = end.checked_add(1)?;
        let digest = hex(&Sha256::digest(bytes.get(users..)?));
        (digest == header.sha256).then_some(Self {
            header,
            bytes,
            users,
        })
    }

    #[must_use]
    pub const fn header(&self) -> &SnapshotHeader {
        &self.header
    }

    /// The encoded users.
    #[must_use]
    pub fn encoded(&self) -> &[u8] {
        self.bytes.get(self.users..).unwrap_or_default()
    }

    pub(super) fn users(&self) -> Option<BannedUsers> {
        BannedUsers::decode(self.encoded())
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::UserId;

    fn object() -> SnapshotObject {
        let users = [156, 157, 457].map(|id| UserId::new(id).unwrap());
        SnapshotObject::new(&Contents {
            version: 1_800_000_000_123,
            reached: LogPosition {
                epoch: 1,
                position: 9,
            },
            read: UnixSeconds(1_800_000_000),
            built: UnixSeconds(1_800_000_000),
            full: UnixSeconds(1_799_990_000),
            users: BannedUsers::new(users.to_vec()),
        })
    }

    #[test]
    fn object_says_what_it_contains() {
        let object = object();
        let parsed = SnapshotObject::parse(object.clone().into_bytes()).unwrap();
        assert_eq!(parsed, object);
        assert_eq!(parsed.header().count, 3);
        assert_eq!(parsed.encoded(), [0x9c, 1, 1, 0xac, 2]);
        assert_eq!(parsed.users().unwrap().count(), 3);
    }

    #[test]
    fn damaged_object_is_not_read() {
        let whole = object().into_bytes();
        for end in 0..whole.len() {
            assert_eq!(SnapshotObject::parse(whole[..end].to_vec()), None, "{end}");
        }
        let mut altered = whole;
        *altered.last_mut().unwrap() ^= 1;
        assert_eq!(SnapshotObject::parse(altered), None);
    }
}
