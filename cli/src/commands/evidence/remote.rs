//! `portcullis evidence` through the API.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::Value;
use shared::domain::evidence::{
    ContentType, DeclaredFile, EvidenceState, FileName, FileSize, Sha256Digest,
};
use shared::domain::ids::Guid;

use super::summary::{EvidenceDetails, EvidenceRow};
use super::{EvidenceCommand, NO_EVIDENCE, add, download};
use crate::api::{ApiClient, LARGEST_PAGE};
use crate::arguments::SafetyArgs;
use crate::confirm::confirm;
use crate::names::UserNames;
use crate::output::Output;

/// A piece as the API answers it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceivedPiece {
    pub evidence_guid: String,
    pub case_id: String,
    pub state: EvidenceState,
    /// Empty for a text.
    pub file_name: String,
    pub content_type: Option<String>,
    pub size: u64,
    /// Unix seconds as text.
    pub created: String,
    pub sha256: Option<String>,
    /// A link to a file that can be read.
    stream_uri: Option<String>,
    /// A text, in base64.
    evidence_content: Option<String>,
    pub upload: Option<ReceivedUpload>,
    pub hint: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct ReceivedUpload {
    pub url: String,
    pub headers: BTreeMap<String, String>,
}

impl ReceivedPiece {
    /// The content of a text; `None` for a file.
    pub fn text(&self) -> Result<Option<String>> {
        let Some(content) = &self.evidence_content else {
            return Ok(None);
        };
        let bytes = BASE64_STANDARD.decode(content);
        let bytes = bytes.context("the text is not base64")?;
        Ok(Some(
            String::from_utf8(bytes).context("the text is not UTF-8")?,
        ))
    }

    /// A file that can be downloaded, with the link to it.
    pub fn file(&self) -> Result<(DeclaredFile, &str)> {
        let link = self.stream_uri.as_deref().filter(|link| !link.is_empty());
        let Some(link) = link else {
            let state = crate::output::word(self.state);
            bail!(
                "the file of {} cannot be read: it is {state}",
                self.evidence_guid
            );
        };
        let file = || {
            Some(DeclaredFile {
                name: FileName::parse(&self.file_name).ok()?,
                content_type: ContentType::parse(self.content_type.as_deref()?)?,
                size: FileSize::new(self.size)?,
                sha256: Sha256Digest::parse(self.sha256.as_deref()?)?,
            })
        };
        let file = file().context("the API's answer does not describe the file")?;
        Ok((file, link))
    }
}

pub async fn run_remote(
    command: EvidenceCommand,
    api: &ApiClient,
    names: &UserNames,
    output: Output,
) -> Result<()> {
    match command {
        EvidenceCommand::List { ban: Some(ban), .. } => {
            let pieces = of_ban(api, ban)?;
            let rows = pieces.iter().map(EvidenceRow::received);
            output.list(&rows.collect::<Result<Vec<_>>>()?, NO_EVIDENCE)
        }
        EvidenceCommand::Show(piece) => {
            let answer: Value = api.get(&path(piece.guid), &Vec::new())?;
            output.one(&EvidenceDetails::received(answer)?)
        }
        EvidenceCommand::Add(args) => add::run_remote(&args, api, names, output).await,
        EvidenceCommand::Get(args) => download::run_remote(&args, api),
        EvidenceCommand::Remove { piece, safety } => remove(piece.guid, safety, api, output),
        _ => bail!("this command needs the tables"),
    }
}

/// All evidence for a ban, newest first.
pub fn of_ban(api: &ApiClient, ban: Guid) -> Result<Vec<ReceivedPiece>> {
    let query = vec![("limit", LARGEST_PAGE.to_string())];
    api.all(&format!("bans/{ban}/evidence"), &query)
}

/// A piece, with its text or a link to its file.
pub fn piece(api: &ApiClient, guid: Guid) -> Result<ReceivedPiece> {
    api.get(&path(guid), &Vec::new())
}

fn path(guid: Guid) -> String {
    format!("evidence/{guid}")
}

fn remove(guid: Guid, safety: SafetyArgs, api: &ApiClient, output: Output) -> Result<()> {
    let summary = EvidenceRow::received(&piece(api, guid)?)?;
    if !safety.dry_run {
        confirm(&summary.removal(), safety.yes)?;
        api.delete(&path(guid))?;
    }
    output.one(&summary)
}
