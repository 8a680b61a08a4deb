//! How pieces of evidence are printed.

use serde::Serialize;
use shared::domain::evidence::{AttachedEvidence, Evidence, EvidenceState};
use shared::domain::ids::{UserId, WorkspaceId};

use crate::names::NamedUser;
use crate::output::{Printable, word};
use crate::times::Time;

/// A piece in a list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EvidenceRow {
    guid: String,
    ban: String,
    #[serde(flatten)]
    pub user: NamedUser,
    state: EvidenceState,
    file_name: Option<String>,
    content_type: Option<&'static str>,
    size: u64,
    added: Time,
}

impl EvidenceRow {
    pub fn of(evidence: &Evidence) -> Self {
        let file = evidence.body.file();
        Self {
            guid: evidence.guid.to_string(),
            ban: evidence.case.to_string(),
            user: evidence.user.into(),
            state: evidence.state,
            file_name: file.map(|file| file.name.to_string()),
            content_type: file.map(|file| file.content_type.name()),
            size: evidence.body.bytes(),
            added: Time(evidence.created),
        }
    }

    /// The name of the file, or that it is a text.
    pub fn what(&self) -> &str {
        self.file_name.as_deref().unwrap_or("a text")
    }
}

impl Printable for EvidenceRow {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("guid", self.guid.clone()),
            ("ban", self.ban.clone()),
            ("user", self.user.cell()),
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
    attached: AttachedEvidence,
    user_id: UserId,
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

impl EvidenceDetails {
    pub fn of(evidence: &Evidence, workspace: WorkspaceId, text: Option<String>) -> Self {
        Self {
            attached: AttachedEvidence::of(evidence, workspace),
            user_id: evidence.user,
            name: None,
            text,
            path: None,
            summary: EvidenceRow::of(evidence),
            metadata: evidence.metadata.to_json(),
        }
    }

    pub fn named(mut self, user: &NamedUser) -> Self {
        self.name.clone_from(&user.name);
        self.summary.user.clone_from(user);
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
