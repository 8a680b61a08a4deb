//! `portcullis evidence add`.

mod remote;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use clap::Args;
use serde::Serialize;
use serde_json::{Map, Value};
use shared::domain::evidence::{
    DeclaredFile, Evidence, EvidenceMetadata, EvidenceState, EvidenceText, NewEvidence,
    NewEvidenceBody,
};
use shared::domain::ids::{Guid, ModeratorId, UserId};
use shared::domain::user_reference::UserReference;

use super::listing::of_ban;
use super::summary::{EvidenceRow, size};
use super::transfer::{Transferred, upload};
use super::{KEY_ID, Session, files, guid};
use crate::arguments::{WorkspaceArg, user};
use crate::names::UserNames;
use crate::output::{Output, Printable};
pub use remote::run_remote;

#[derive(Debug, Args)]
pub struct AddArgs {
    /// The GUID of the ban.
    #[arg(value_name = "BAN", value_parser = guid)]
    ban: Guid,
    /// Files, or directories with files. Those with a name that starts with a dot are left out.
    #[arg(value_name = "PATH", required_unless_present = "text")]
    paths: Vec<PathBuf>,
    /// A text instead of files.
    #[arg(long, value_name = "TEXT", conflicts_with = "paths")]
    text: Option<String>,
    /// A comment on each piece.
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
    /// The moderator who collected it, a Roblox user.
    #[arg(long, env = "PORTCULLIS_MODERATOR", value_name = "USER", value_parser = user)]
    moderator: Option<UserReference>,
    #[command(flatten)]
    pub place: WorkspaceArg,
    /// Print what would be added, without changing anything.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Outcome {
    Added,
    /// The ban has a piece with this content.
    AlreadyThere,
    /// The file is not accepted.
    Refused,
    /// A dry run would add it.
    WouldAdd,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AddedFile {
    file: String,
    outcome: Outcome,
    guid: Option<String>,
    size: Option<u64>,
    /// Why it is refused.
    reason: Option<String>,
}

impl AddedFile {
    fn refused(file: String, why: &anyhow::Error) -> Self {
        Self {
            file,
            outcome: Outcome::Refused,
            guid: None,
            size: None,
            reason: Some(format!("{why:#}")),
        }
    }
}

impl Printable for AddedFile {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let outcome = match self.outcome {
            Outcome::Added => "added",
            Outcome::AlreadyThere => "already there",
            Outcome::Refused => "refused",
            Outcome::WouldAdd => "would be added",
        };
        let reason = self.reason.as_deref();
        let outcome = reason.map_or_else(|| outcome.to_owned(), |why| format!("{outcome}: {why}"));
        vec![
            ("file", self.file.clone()),
            ("guid", self.guid.clone().unwrap_or_else(|| "-".to_owned())),
            ("size", self.size.map_or_else(|| "-".to_owned(), size)),
            ("outcome", outcome),
        ]
    }
}

/// A ban, and what all its new pieces have.
pub struct Addition<'a> {
    pub session: &'a Session,
    pub ban: Guid,
    pub user: UserId,
    pub metadata: EvidenceMetadata,
    pub moderator: Option<ModeratorId>,
}

pub async fn run(args: AddArgs, session: &Session, names: &UserNames) -> Result<()> {
    let moderator = names.find_given(&session.store, args.moderator.as_ref());
    let moderator = moderator.await?.map(|moderator| moderator.id.into());
    let user = session
        .store
        .user_of_ban(session.prefix(), args.ban)
        .await
        .with_context(|| format!("could not find ban {}", args.ban))?;
    let addition = Addition {
        session,
        ban: args.ban,
        user,
        metadata: metadata(args.comment)?,
        moderator,
    };
    if let Some(text) = &args.text {
        return addition.text(text, args.dry_run).await;
    }
    let paths = files::walk(&args.paths)?;
    let added = addition.files(&paths, args.dry_run).await?;
    print(&added, session.output)
}

/// Prints what became of the files; fails if one was refused.
fn print(added: &[AddedFile], output: Output) -> Result<()> {
    output.list(added, "no files")?;
    let refused = added
        .iter()
        .filter(|file| file.outcome == Outcome::Refused)
        .count();
    if refused > 0 {
        bail!("{refused} of {} files were refused", added.len());
    }
    Ok(())
}

fn metadata(comment: Option<String>) -> Result<EvidenceMetadata> {
    let mut fields = Map::new();
    fields.extend(comment.map(|comment| ("comment".to_owned(), Value::from(comment))));
    let merged = EvidenceMetadata::default().merged(fields);
    merged.map_err(|fault| anyhow::anyhow!("the comment {fault}"))
}

impl Addition<'_> {
    async fn text(&self, text: &str, is_dry: bool) -> Result<()> {
        let text = EvidenceText::decode(&BASE64_STANDARD.encode(text))
            .map_err(|fault| anyhow::anyhow!("the text {fault}"))?;
        if let Some(link) = text.expiring_link() {
            warning!("{link}");
        }
        if is_dry {
            note!("Would add a text of {} bytes.", text.as_str().len());
            return Ok(());
        }
        let added = self.create(NewEvidenceBody::Text(text)).await?;
        self.session.output.one(&EvidenceRow::of(&added))
    }

    pub async fn create(&self, body: NewEvidenceBody) -> Result<Evidence> {
        let new = NewEvidence {
            case: self.ban,
            user: self.user,
            body,
            metadata: self.metadata.clone(),
            key_id: KEY_ID.to_owned(),
            channel: None,
            moderator: self.moderator,
        };
        let Session { store, .. } = self.session;
        Ok(store
            .create_evidence(self.session.prefix(), &new, None)
            .await?)
    }

    async fn files(&self, paths: &[PathBuf], is_dry: bool) -> Result<Vec<AddedFile>> {
        let Session { store, .. } = self.session;
        let ban = (self.user, self.ban);
        let mut known = of_ban(store, self.session.prefix(), ban).await?;
        let total = paths.iter().filter_map(|path| path.metadata().ok());
        let total = total.map(|about| about.len()).sum();
        let mut transferred = Transferred::begin("KB uploaded", Some(total));
        let mut added = Vec::new();
        for path in paths {
            let file = path.display().to_string();
            let declared = match files::declare(path) {
                Ok(declared) => declared,
                Err(why) => {
                    added.push(AddedFile::refused(file, &why));
                    continue;
                }
            };
            let bytes = declared.size.bytes();
            let present = known.iter().find(|piece| has_content(piece, &declared));
            let (outcome, guid) = match present {
                Some(piece) if !piece.state.awaits_upload() => {
                    transferred.advance(bytes);
                    (Outcome::AlreadyThere, Some(piece.guid))
                }
                _ if is_dry => (Outcome::WouldAdd, None),
                present => {
                    let piece = self
                        .file(path, declared, present.cloned(), &mut transferred)
                        .await
                        .with_context(|| format!("could not add {file}"))?;
                    let guid = piece.guid;
                    known.retain(|piece| piece.guid != guid);
                    known.push(piece);
                    (Outcome::Added, Some(guid))
                }
            };
            added.push(AddedFile {
                file,
                outcome,
                guid: guid.map(|guid| guid.to_string()),
                size: Some(bytes),
                reason: None,
            });
        }
        transferred.finish();
        Ok(added)
    }

    /// Uploads a file as a new piece, or as one that an interrupted run has created.
    pub async fn file(
        &self,
        path: &Path,
        declared: DeclaredFile,
        pending: Option<Evidence>,
        transferred: &mut Transferred,
    ) -> Result<Evidence> {
        let Session { store, bucket, .. } = self.session;
        let prefix = self.session.prefix();
        let piece = match pending {
            Some(piece) => piece,
            None => self.create(NewEvidenceBody::File(declared)).await?,
        };
        let file = piece.body.file().context("the piece is not a file")?;
        let to = bucket.upload(prefix, piece.guid, file).await?;
        upload(to.url(), to.headers(), path, transferred)?;
        Ok(store
            .complete_evidence(prefix, piece.guid, KEY_ID.into(), bucket)
            .await?)
    }
}

/// Whether a piece is, or is to become, a file with this content.
pub fn has_content(piece: &Evidence, declared: &DeclaredFile) -> bool {
    piece.state != EvidenceState::Rejected
        && piece
            .body
            .file()
            .is_some_and(|file| (&file.sha256, file.size) == (&declared.sha256, declared.size))
}
