//! `portcullis evidence import`: adds an export to the bans of a workspace that has the same bans.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use shared::domain::error::ApiError;
use shared::domain::evidence::{
    DeclaredFile, Evidence, EvidenceMetadata, EvidenceText, FileName, NewEvidenceBody, Sha256Digest,
};
use shared::domain::ids::{Guid, ModeratorId, UserId};

use super::add::{Addition, has_content};
use super::export::INDEX;
use super::listing::of_ban;
use super::transfer::Transferred;
use super::{Session, files};
use crate::arguments::WorkspaceArg;
use crate::output::Printable;

/// The field of the metadata that says where a piece comes from.
const ORIGIN: &str = "imported";

#[derive(Debug, Args)]
pub struct EvidenceImportArgs {
    /// The directory that `evidence export` wrote.
    #[arg(value_name = "DIRECTORY")]
    directory: PathBuf,
    #[command(flatten)]
    pub place: WorkspaceArg,
    /// Print the counts, without changing anything.
    #[arg(long)]
    dry_run: bool,
}

/// A line of the index, as far as an import needs it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Exported {
    evidence_guid: String,
    case_id: String,
    user_id: UserId,
    created: String,
    created_by: String,
    file_name: String,
    metadata: Map<String, Value>,
    sha256: Option<Sha256Digest>,
    path: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Counts {
    added: u64,
    /// The ban has a piece with this content.
    already_there: u64,
    /// Unfinished and rejected uploads, of which an export has no file.
    without_content: u64,
    /// The workspace does not have the ban.
    without_ban: u64,
    /// The file is missing, changed or not accepted.
    refused: u64,
}

impl Printable for Counts {
    fn fields(&self) -> Vec<(&'static str, String)> {
        [
            ("added", self.added),
            ("already there", self.already_there),
            ("without content", self.without_content),
            ("without ban", self.without_ban),
            ("refused", self.refused),
        ]
        .map(|(name, count)| (name, count.to_string()))
        .into()
    }
}

impl Counts {
    const fn of(&mut self, outcome: Outcome) -> &mut u64 {
        match outcome {
            Outcome::Added => &mut self.added,
            Outcome::AlreadyThere => &mut self.already_there,
            Outcome::WithoutContent => &mut self.without_content,
            Outcome::WithoutBan => &mut self.without_ban,
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Outcome {
    Added,
    AlreadyThere,
    WithoutContent,
    WithoutBan,
}

/// A piece whose content has been read and checked.
struct Piece {
    path: PathBuf,
    body: NewEvidenceBody,
    metadata: EvidenceMetadata,
}

/// The evidence for the ban of the last line; an export has that of a ban together.
struct Known {
    ban: (UserId, Guid),
    /// `None` if the workspace does not have the ban.
    pieces: Option<Vec<Evidence>>,
}

pub async fn run(args: &EvidenceImportArgs, session: &Session) -> Result<()> {
    let index = args.directory.join(INDEX);
    let unread = || format!("could not read {}", index.display());
    let lines = BufReader::new(File::open(&index).with_context(unread)?).lines();
    let mut transferred = Transferred::begin("KB uploaded", None);
    let (mut counts, mut known) = (Counts::default(), None);
    for (number, line) in (1_u64..).zip(lines) {
        let line = line.with_context(unread)?;
        let place = || format!("line {number} of {}", index.display());
        let exported: Exported = serde_json::from_str(&line).with_context(place)?;
        let ban: Guid = exported.case_id.parse().with_context(place)?;
        let ban = (exported.user_id, ban);
        let mut next = match known.take().filter(|known: &Known| known.ban == ban) {
            Some(same) => same,
            None => Known::of(session, ban).await?,
        };
        let count = match next
            .outcome_of(&exported, args, session, &mut transferred)
            .await?
        {
            Ok(outcome) => counts.of(outcome),
            Err(why) => {
                warning!("{} ({}): {why:#}", exported.evidence_guid, place());
                &mut counts.refused
            }
        };
        *count = count.saturating_add(1);
        known = Some(next);
    }
    transferred.finish();
    session.output.one(&counts)?;
    if counts.without_ban > 0 {
        bail!(
            "{} pieces belong to bans that the workspace does not have: import the bans first",
            counts.without_ban
        );
    }
    ensure!(
        counts.refused == 0,
        "{} pieces were refused",
        counts.refused
    );
    Ok(())
}

impl Known {
    async fn of(session: &Session, ban: (UserId, Guid)) -> Result<Self> {
        let Session { store, .. } = session;
        let pieces = match store.demand_ban(session.prefix(), ban.0, ban.1).await {
            Ok(()) => Some(of_ban(store, session.prefix(), ban).await?),
            Err(ApiError::NotFound(_)) => None,
            Err(error) => return Err(error.into()),
        };
        Ok(Self { ban, pieces })
    }

    /// Adds a piece unless it is there. The inner error is about the piece only.
    async fn outcome_of(
        &mut self,
        exported: &Exported,
        args: &EvidenceImportArgs,
        session: &Session,
        transferred: &mut Transferred,
    ) -> Result<Result<Outcome>> {
        let Some(pieces) = &mut self.pieces else {
            return Ok(Ok(Outcome::WithoutBan));
        };
        let Some(path) = &exported.path else {
            return Ok(Ok(Outcome::WithoutContent));
        };
        let new = match exported.read(&args.directory, path) {
            Ok(new) => new,
            Err(why) => return Ok(Err(why)),
        };
        let mut present = None;
        for piece in pieces.iter() {
            if is_same(session, piece, &new).await? {
                present = Some(piece.clone());
                break;
            }
        }
        if present
            .as_ref()
            .is_some_and(|piece| !piece.state.awaits_upload())
        {
            return Ok(Ok(Outcome::AlreadyThere));
        }
        if args.dry_run {
            return Ok(Ok(Outcome::Added));
        }
        let addition = Addition {
            session,
            ban: self.ban.1,
            user: self.ban.0,
            metadata: new.metadata,
            moderator: exported.created_by.parse().ok().and_then(ModeratorId::new),
        };
        let added = match new.body {
            NewEvidenceBody::File(file) => {
                addition.file(&new.path, file, present, transferred).await
            }
            text @ NewEvidenceBody::Text(_) => addition.create(text).await,
        };
        let added = added.with_context(|| format!("could not add {}", new.path.display()))?;
        pieces.retain(|piece| piece.guid != added.guid);
        pieces.push(added);
        Ok(Ok(Outcome::Added))
    }
}

impl Exported {
    fn read(&self, directory: &Path, path: &Path) -> Result<Piece> {
        let mut parts = path.components();
        ensure!(
            matches!(
                (parts.next(), parts.next()),
                (Some(Component::Normal(_)), None)
            ),
            "its path is not a name in the directory"
        );
        let path = directory.join(path);
        let body = match &self.sha256 {
            Some(sha256) => NewEvidenceBody::File(self.file(&path, sha256)?),
            None => NewEvidenceBody::Text(text(&path)?),
        };
        let metadata = self.metadata()?;
        Ok(Piece {
            path,
            body,
            metadata,
        })
    }

    fn file(&self, path: &Path, sha256: &Sha256Digest) -> Result<DeclaredFile> {
        let file = files::declare(path)?;
        ensure!(
            &file.sha256 == sha256,
            "its file was changed since the export"
        );
        let name = FileName::parse(&self.file_name)
            .map_err(|fault| anyhow::anyhow!("its name {fault}"))?;
        Ok(DeclaredFile { name, ..file })
    }

    /// The metadata without the two fields that every answer has, and with the origin if it fits.
    fn metadata(&self) -> Result<EvidenceMetadata> {
        let mut fields = self.metadata.clone();
        for (name, absent) in [("comment", json!("")), ("customS3", json!(false))] {
            if fields.get(name) == Some(&absent) {
                fields.remove(name);
            }
        }
        let stored = EvidenceMetadata::default()
            .merged(fields)
            .map_err(|fault| anyhow::anyhow!("its metadata {fault}"))?;
        if stored.fields().contains_key(ORIGIN) {
            return Ok(stored);
        }
        let origin = json!({
            "evidenceGuid": self.evidence_guid, "created": self.created, "createdBy": self.created_by,
        });
        let origin = Map::from_iter([(ORIGIN.to_owned(), origin)]);
        Ok(stored.merged(origin).unwrap_or(stored))
    }
}

fn text(path: &Path) -> Result<EvidenceText> {
    let bytes = std::fs::read(path)?;
    EvidenceText::decode(&BASE64_STANDARD.encode(bytes))
        .map_err(|fault| anyhow::anyhow!("its text {fault}"))
}

/// Whether a piece has, or is to have, this content. Texts with different origins differ, which saves
/// reading them.
async fn is_same(session: &Session, piece: &Evidence, new: &Piece) -> Result<bool> {
    match &new.body {
        NewEvidenceBody::File(file) => Ok(has_content(piece, file)),
        NewEvidenceBody::Text(text) => {
            let origin = |metadata: &EvidenceMetadata| metadata.fields().get(ORIGIN).cloned();
            let (present, copied) = (origin(&piece.metadata), origin(&new.metadata));
            let is_other = present.is_some() && copied.is_some() && present != copied;
            let is_text = piece.body.file().is_none();
            if is_other || !is_text || piece.body.bytes() != new.body.body().bytes() {
                return Ok(false);
            }
            let stored = session.store.evidence_text(session.prefix(), piece.guid);
            Ok(stored.await?.as_str() == text.as_str())
        }
    }
}
