//! `portcullis evidence add` through the API.

use std::path::Path;

use anyhow::{Context, Result};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use shared::domain::evidence::{DeclaredFile, EvidenceState};
use shared::domain::ids::ModeratorId;

use super::{AddArgs, AddedFile, Outcome, print};
use crate::api::ApiClient;
use crate::commands::evidence::files;
use crate::commands::evidence::remote::{ReceivedPiece, of_ban};
use crate::commands::evidence::summary::EvidenceRow;
use crate::commands::evidence::transfer::{Transferred, upload};
use crate::names::{NO_TABLES, UserNames};
use crate::output::Output;

pub async fn run_remote(
    args: &AddArgs,
    api: &ApiClient,
    names: &UserNames,
    output: Output,
) -> Result<()> {
    let moderator = names.find_given(NO_TABLES, args.moderator.as_ref()).await?;
    let addition = RemoteAddition {
        args,
        api,
        moderator: moderator.map(|moderator| moderator.id.into()),
    };
    if let Some(text) = &args.text {
        if args.dry_run {
            note!("Would add a text of {} bytes.", text.len());
            return Ok(());
        }
        let content = BASE64_STANDARD.encode(text);
        let kind = json!({ "evidenceType": "Metadata", "evidenceContent": content });
        let piece = addition.create(kind)?;
        if let Some(hint) = &piece.hint {
            warning!("{hint}");
        }
        return output.one(&EvidenceRow::received(&piece)?);
    }
    let paths = files::walk(&args.paths)?;
    let mut known = of_ban(api, args.ban)?;
    let mut transferred = Transferred::begin("KB uploaded", None);
    let mut added = Vec::new();
    for path in &paths {
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
            Some(piece) => (Outcome::AlreadyThere, Some(piece.evidence_guid.clone())),
            None if args.dry_run => (Outcome::WouldAdd, None),
            None => {
                let piece = addition.file(path, &declared, &mut transferred);
                let piece = piece.with_context(|| format!("could not add {file}"))?;
                let guid = piece.evidence_guid.clone();
                known.push(piece);
                (Outcome::Added, Some(guid))
            }
        };
        added.push(AddedFile {
            file,
            outcome,
            guid,
            size: Some(bytes),
            reason: None,
        });
    }
    transferred.finish();
    print(&added, output)
}

/// Whether a complete piece has this content. An upload that was interrupted cannot be continued through
/// the API, which removes its piece after a day.
fn has_content(piece: &ReceivedPiece, declared: &DeclaredFile) -> bool {
    piece.state == EvidenceState::Available
        && piece.sha256.as_deref() == Some(declared.sha256.as_str())
        && piece.size == declared.size.bytes()
}

/// What all new pieces have.
struct RemoteAddition<'a> {
    args: &'a AddArgs,
    api: &'a ApiClient,
    moderator: Option<ModeratorId>,
}

impl RemoteAddition<'_> {
    /// Creates a piece; `kind` has what a text and a file do not share.
    fn create(&self, mut kind: Value) -> Result<ReceivedPiece> {
        let shared = [
            ("caseId", Some(json!(self.args.ban.to_string()))),
            (
                "moderatorId",
                self.moderator.map(|moderator| json!(moderator)),
            ),
            (
                "comment",
                self.args.comment.as_ref().map(|comment| json!(comment)),
            ),
        ];
        if let Some(fields) = kind.as_object_mut() {
            let given = shared.into_iter();
            let given = given.filter_map(|(name, value)| Some((name.to_owned(), value?)));
            fields.extend(given);
        }
        self.api.post("evidence/create", &Vec::new(), &kind)
    }

    fn file(
        &self,
        path: &Path,
        declared: &DeclaredFile,
        transferred: &mut Transferred,
    ) -> Result<ReceivedPiece> {
        let piece = self.create(json!({
            "evidenceType": "File",
            "fileName": declared.name.as_str(),
            "contentType": declared.content_type.name(),
            "size": declared.size.bytes(),
            "sha256": declared.sha256.as_str(),
        }))?;
        let to = piece.upload.as_ref();
        let to = to.context("the API's answer does not say where to upload the file")?;
        let headers = to.headers.iter();
        let headers = headers.map(|(name, value)| (name.as_str(), value.as_str()));
        upload(&to.url, headers, path, transferred)?;
        let complete = format!("evidence/{}/complete", piece.evidence_guid);
        self.api.post(&complete, &Vec::new(), &json!({}))
    }
}
