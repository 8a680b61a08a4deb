//! The items of evidence: each piece has its ban, its entry and, if it is a text, its content; and
//! the workspace's count has their bytes.

use std::collections::BTreeSet;

use serde_json::Value;
use shared::domain::ids::Guid;

use super::Audit;

impl Audit<'_> {
    pub(super) fn evidence(&mut self) {
        let stored = self.stored;
        let pieces = &stored.evidence.pieces;
        let entries: BTreeSet<_> = pieces.iter().map(entry).collect();
        self.check(entries == stored.evidence.entries, || {
            format!(
                "the evidence {entries:?} is listed as {:?}",
                stored.evidence.entries
            )
        });
        let texts = pieces.iter().filter(|piece| piece["file"].is_null());
        let texts: BTreeSet<_> = texts.map(|piece| guid(piece, "guid")).collect();
        self.check(texts == stored.evidence.texts, || {
            format!(
                "the texts of {texts:?} are stored for {:?}",
                stored.evidence.texts
            )
        });
        for piece in pieces {
            let has_ban = stored.records.contains_key(&guid(piece, "case"));
            self.check(has_ban, || format!("there is no ban for {piece}"));
        }
        let bytes: i64 = pieces.iter().map(bytes).sum();
        self.check(bytes == stored.evidence.bytes, || {
            format!(
                "{bytes} bytes of evidence are counted as {}",
                stored.evidence.bytes
            )
        });
    }
}

fn guid(piece: &Value, field: &str) -> Guid {
    Guid::from(piece[field].as_u64().unwrap())
}

/// The user, the ban and the guid of a piece.
fn entry(piece: &Value) -> (u64, Guid, Guid) {
    let user = piece["user"].as_u64().unwrap();
    (user, guid(piece, "case"), guid(piece, "guid"))
}

/// The bytes that a piece counts for. The file of a rejected one is removed.
fn bytes(piece: &Value) -> i64 {
    let size = match &piece["file"] {
        Value::Null => &piece["text_bytes"],
        _ if piece["state"] == "rejected" => return 0,
        file => &file["size"],
    };
    size.as_i64().unwrap()
}
