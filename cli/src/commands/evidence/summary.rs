//! How pieces of evidence are printed.

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::{Map, Value};
use shared::domain::clock::UnixSeconds;
use shared::domain::evidence::{AttachedEvidence, Evidence, EvidenceState};
use shared::domain::ids::{UserId, WorkspaceId};

use super::remote::ReceivedPiece;
use crate::names::NamedUser;
use crate::output::{Printable, word};
use crate::times::Time;

/// A piece in a list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EvidenceRow {
    guid: String,
    ban: String,
    /// The API does not say whom the ban is about.
    #[serde(flatten)]
    pub user: Option<NamedUser>,
    state: EvidenceState,
    file_name: Option<String>,
    content_type: Option<String>,
    size: u64,
    added: Time,
}

impl EvidenceRow {
    pub fn of(evidence: &Evidence) -> Self {
        let file = evidence.body.file();
        Self {
            guid: evidence.guid.to_string(),
            ban: evidence.case.to_string(),
            user: Some(evidence.user.into()),
            state: evidence.state,
            file_name: file.map(|file| file.name.to_string()),
            content_type: file.map(|file| file.content_type.name().to_owned()),
            size: evidence.body.bytes(),
            added: Time(evidence.created),
        }
    }

    /// A piece that the API has answered.
    pub fn received(piece: &ReceivedPiece) -> Result<Self> {
        let added = piece.created.parse().context("the time is not a number")?;
        Ok(Self {
            guid: piece.evidence_guid.clone(),
            ban: piece.case_id.clone(),
            user: None,
            state: piece.state,
            file_name: Some(piece.file_name.clone()).filter(|name| !name.is_empty()),
            content_type: piece.content_type.clone(),
            size: piece.size,
            added: Time(UnixSeconds(added)),
        })
    }

    /// The prompt before it is removed.
    pub fn removal(&self) -> String {
        let what = self.what();
        format!(
            "Remove {} ({what}, for ban {})? This cannot be undone.",
            self.guid, self.ban
        )
    }

    /// The name of the file, or that it is a text.
    fn what(&self) -> &str {
        self.file_name.as_deref().unwrap_or("a text")
    }
}

impl Printable for EvidenceRow {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("guid", self.guid.clone()),
            ("ban", self.ban.clone()),
            (
                "user",
                self.user
                    .as_ref()
                    .map_or_else(|| "-".to_owned(), NamedUser::cell),
            ),
            ("state", word(self.state)),
            ("what", self.what().to_owned()),
            ("size", size(self.size)),
            ("added", self.added.shown()),
        ]
    }
}

/// A piece with everything that is known about it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EvidenceDetails {
    #[serde(flatten)]
    attached: EvidenceFields,
    user_id: Option<UserId>,
    /// The user's name, unless it is unknown; an export has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// The file in an export, relative to the index.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip)]
    summary: EvidenceRow,
    #[serde(skip)]
    metadata: String,
}

/// From the tables or from the API.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum EvidenceFields {
    Stored(Box<AttachedEvidence>),
    Received(Map<String, Value>),
}

/// What an answer has besides the piece.
const AROUND: [&str; 5] = ["status", "streamUri", "evidenceContent", "hint", "upload"];

impl EvidenceDetails {
    /// A piece that the API has answered.
    pub fn received(answer: Value) -> Result<Self> {
        let piece: ReceivedPiece = serde_json::from_value(answer.clone())?;
        let metadata = answer.get("metadata").map(Value::to_string);
        let mut fields = match answer {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        fields.retain(|name, _| !AROUND.contains(&name.as_str()));
        Ok(Self {
            attached: EvidenceFields::Received(fields),
            user_id: None,
            name: None,
            text: piece.text()?,
            path: None,
            summary: EvidenceRow::received(&piece)?,
            metadata: metadata.unwrap_or_default(),
        })
    }

    pub fn of(evidence: &Evidence, workspace: WorkspaceId, text: Option<String>) -> Self {
        Self {
            attached: EvidenceFields::Stored(Box::new(AttachedEvidence::of(evidence, workspace))),
            user_id: Some(evidence.user),
            name: None,
            text,
            path: None,
            summary: EvidenceRow::of(evidence),
            metadata: evidence.metadata.to_json(),
        }
    }

    pub fn named(mut self, user: &NamedUser) -> Self {
        self.name.clone_from(&user.name);
        self.summary.user = Some(user.clone());
        self
    }

    pub fn in_file(mut self, path: Option<String>) -> Self {
        self.path = path;
        self
    }
}

impl Printable for EvidenceDetails {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = self.summary.fields();
        fields.push(("metadata", self.metadata.clone()));
        fields.extend(self.text.clone().map(|text| ("text", text)));
        fields
    }
}

/// A size as people read it.
pub fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let unit = UNITS.into_iter().find(|(unit, _)| bytes >= *unit);
    unit.map_or_else(
        || format!("{bytes} B"),
        |(unit, name)| {
            let tenths = bytes.saturating_mul(10) / unit;
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_one_decimal() {
        for (bytes, shown) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1536, "1.5 KiB"),
            (100 << 20, "100.0 MiB"),
            (3 << 30, "3.0 GiB"),
        ] {
            assert_eq!(size(bytes), shown);
        }
    }
}
