//! `portcullis evidence get`.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;
use shared::domain::evidence::{Evidence, FileName};

use super::transfer::{self, Transferred};
use super::{PieceArgs, Session, remote};
use crate::api::ApiClient;
use crate::commands::export::confirm_overwriting;
use crate::output::word;

#[derive(Debug, Args)]
pub struct GetArgs {
    #[command(flatten)]
    pub piece: PieceArgs,
    /// The file to write [default: the piece's own name, or GUID.txt for a text].
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// Overwrite the file without a prompt.
    #[arg(long)]
    yes: bool,
}

pub async fn run(args: &GetArgs, session: &Session) -> Result<()> {
    let guid = args.piece.guid;
    let evidence = session.store.evidence(session.prefix(), guid).await?;
    let path = args.to.clone().unwrap_or_else(|| own_name(&evidence));
    confirm_overwriting(&path, args.yes)?;
    let total = Some(evidence.body.bytes());
    let mut transferred = Transferred::begin("KB received", total);
    fetch(session, &evidence, &path, &mut transferred).await?;
    transferred.finish();
    note!("Saved {}.", path.display());
    Ok(())
}

/// Downloads a piece through the API.
pub fn run_remote(args: &GetArgs, api: &ApiClient) -> Result<()> {
    let piece = remote::piece(api, args.piece.guid)?;
    let name = match piece.file_name.as_str() {
        "" => format!("{}.txt", piece.evidence_guid),
        // Parsed, so that it leads to no other folder.
        name => FileName::parse(name)
            .map_err(|fault| anyhow::anyhow!("its name {fault}"))?
            .to_string(),
    };
    let path = args.to.clone().unwrap_or_else(|| PathBuf::from(name));
    confirm_overwriting(&path, args.yes)?;
    let mut transferred = Transferred::begin("KB received", Some(piece.size));
    if let Some(text) = piece.text()? {
        transfer::write(text.as_bytes(), &path)?;
    } else {
        let (file, link) = piece.file()?;
        transfer::download(link, &file, &path, &mut transferred)?;
    }
    transferred.finish();
    note!("Saved {}.", path.display());
    Ok(())
}

/// Saves the content of a piece in a file.
pub async fn fetch(
    session: &Session,
    evidence: &Evidence,
    path: &Path,
    transferred: &mut Transferred,
) -> Result<()> {
    let Session { store, bucket, .. } = session;
    let Some(file) = evidence.body.file() else {
        let text = store.evidence_text(session.prefix(), evidence.guid).await?;
        transferred.advance(evidence.body.bytes());
        return transfer::write(text.as_str().as_bytes(), path);
    };
    if !evidence.state.is_readable() {
        bail!(
            "the file of {} cannot be read: it is {}",
            evidence.guid,
            word(evidence.state)
        );
    }
    let link = bucket.link(session.prefix(), evidence.guid, file).await?;
    transfer::download(&link, file, path, transferred)
}

fn own_name(evidence: &Evidence) -> PathBuf {
    evidence.body.file().map_or_else(
        || PathBuf::from(format!("{}.txt", evidence.guid)),
        |file| PathBuf::from(file.name.as_str()),
    )
}
