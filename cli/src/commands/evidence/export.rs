//! `portcullis evidence export`: one file for each piece, and an index in JSON Lines.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use shared::domain::evidence::Evidence;

use super::download::fetch;
use super::listing::WorkspaceEvidence;
use super::summary::{EvidenceDetails, size};
use super::transfer::Transferred;
use super::{Session, part_of};
use crate::arguments::WorkspaceArg;

pub const INDEX: &str = "evidence.jsonl";

#[derive(Debug, Args)]
pub struct EvidenceExportArgs {
    /// The directory to write to, which may hold an earlier or unfinished export.
    #[arg(value_name = "DIRECTORY")]
    pub directory: PathBuf,
    #[command(flatten)]
    pub place: WorkspaceArg,
}

pub async fn run(directory: &Path, session: &Session) -> Result<()> {
    let unwritten = || format!("could not write to {}", directory.display());
    std::fs::create_dir_all(directory).with_context(unwritten)?;
    let index = directory.join(INDEX);
    let part = part_of(&index);
    let mut lines = BufWriter::new(File::create(&part).with_context(unwritten)?);
    let mut pieces = WorkspaceEvidence::of(&session.store, session.prefix());
    let mut transferred = Transferred::begin("KB received", None);
    let (mut count, mut bytes) = (0_u64, 0_u64);
    while let Some(evidence) = pieces.next().await? {
        let name = file_of(&evidence);
        if let Some(name) = &name {
            let path = directory.join(name);
            if !is_there(&path, &evidence) {
                fetch(session, &evidence, &path, &mut transferred)
                    .await
                    .with_context(|| format!("could not export {}", evidence.guid))?;
            }
            bytes = bytes.saturating_add(evidence.body.bytes());
        }
        let details = EvidenceDetails::of(&evidence, session.workspace, None).in_file(name);
        serde_json::to_writer(&mut lines, &details)?;
        lines.write_all(b"\n").with_context(unwritten)?;
        count = count.saturating_add(1);
    }
    transferred.finish();
    let written = lines
        .into_inner()
        .map_err(std::io::IntoInnerError::into_error);
    written
        .and_then(|file| file.sync_all())
        .and_then(|()| std::fs::rename(&part, &index))
        .with_context(unwritten)?;
    note!(
        "Exported {count} pieces ({}) to {}.",
        size(bytes),
        directory.display()
    );
    Ok(())
}

/// The name of a piece's file in the export; none if its content cannot be read.
fn file_of(evidence: &Evidence) -> Option<String> {
    if !evidence.state.is_readable() {
        return None;
    }
    let guid = evidence.guid;
    // The name of the file is in the index; here its type is enough.
    let extension = evidence.body.file().map_or("txt", |file| {
        let (_, kind) = file.content_type.name().split_once('/').unwrap_or_default();
        if kind == "plain" { "txt" } else { kind }
    });
    Some(format!("{guid}.{extension}"))
}

/// A file gets its name when it is complete, so its size is enough.
fn is_there(path: &Path, evidence: &Evidence) -> bool {
    let about = path.metadata();
    about.is_ok_and(|about| about.len() == evidence.body.bytes())
}
