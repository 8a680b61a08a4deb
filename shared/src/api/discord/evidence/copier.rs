//! Copies one file from Discord into the bucket of evidence, as an upload of the API does: declared with its
//! size and hash, uploaded, and checked.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::super::desk::CommandDesk;
use super::super::flow::{Flow, sentence};
use crate::api::auth::{ModerateBans, Moderator};
use crate::domain::actor::Channel;
use crate::domain::discord::AttachmentLink;
use crate::domain::error::ApiError;
use crate::domain::evidence::{
    ContentType, DeclaredFile, Evidence, EvidenceBody, EvidenceMetadata, FileSize, NewEvidence,
    NewEvidenceBody, Sha256Digest,
};
use crate::domain::idempotency::IdempotencyKey;
use crate::domain::members::DiscordId;
use crate::domain::rules::{Ban, Meaning};
use crate::integrations::discord::{DiscordFiles, FILE_TIME, FileFault, FileHead};
use crate::store::{EvidenceActor, EvidenceBucket};

/// How often Discord is asked for a file, and the pauses between.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];

/// What the work on a file takes besides reading it: the upload and its check.
const STORING: Duration = Duration::from_secs(20);

const TYPES: &str =
    "pictures (PNG, JPEG, GIF, WebP), videos (MP4, WebM), texts, JSON and PDF are accepted.";

/// Copies files. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct EvidenceCopier {
    pub files: DiscordFiles,
    pub bucket: EvidenceBucket,
}

impl EvidenceCopier {
    /// Copies a file once for each `asked` interaction: the piece, or why there is none. An error is one of the
    /// database or the bucket; the same interaction may then be answered again, and continues.
    pub(super) async fn copy(
        &self,
        desk: &CommandDesk<'_>,
        asked: DiscordId,
        moderator: &Moderator<ModerateBans>,
        ban: &Ban,
        link: &AttachmentLink,
        metadata: &EvidenceMetadata,
    ) -> Flow<Result<Evidence, String>> {
        if !desk.store.has_time(FILE_TIME + STORING) {
            let late = "too little time is left. Use the message again for this file.";
            return Ok(Err(late.to_owned()));
        }
        let fetched = tokio::time::timeout(FILE_TIME, self.fetch(link)).await;
        let slow = || Err("Discord returns it too slowly. Try again in a minute.".to_owned());
        let (file, bytes) = match fetched.unwrap_or_else(|_| slow()) {
            Ok(fetched) => fetched,
            Err(why) => return Ok(Err(why)),
        };
        let new = NewEvidence {
            case: ban.guid,
            user: ban.user,
            body: NewEvidenceBody::File(file),
            metadata: metadata.clone(),
            key_id: moderator.member().id.to_string(),
            channel: Some(Channel::Discord),
            moderator: Some(moderator.member().moderator()),
        };
        let stored = self.store(desk, asked, moderator, link, &new, bytes).await;
        match stored {
            Ok(piece) => Ok(Ok(piece)),
            Err(error) if error.status() < 500 => Ok(Err(sentence(&error.message()))),
            Err(error) => Err(error.into()),
        }
    }

    /// The file as it will be declared, if it can be evidence.
    async fn fetch(&self, link: &AttachmentLink) -> Result<(DeclaredFile, Bytes), String> {
        let head = retried(|| self.files.head(link)).await?;
        let (content_type, size) = acceptable(&head)?;
        let bytes = retried(|| self.files.read(link)).await?;
        declared(link, content_type, size, bytes)
    }

    async fn store(
        &self,
        desk: &CommandDesk<'_>,
        asked: DiscordId,
        moderator: &Moderator<ModerateBans>,
        link: &AttachmentLink,
        new: &NewEvidence,
        bytes: Bytes,
    ) -> Result<Evidence, ApiError> {
        let (store, prefix) = (desk.store, moderator.prefix());
        let case = new.case.to_string();
        let meaning = Meaning::of_parts(&["evidence", &case, &link.id]);
        let name = format!("discord-{asked}-{}", link.id);
        let key = IdempotencyKey::of_form(&name, &meaning);
        let piece = store.create_evidence(prefix, new, Some(&key)).await?;
        let EvidenceBody::File(file) = &piece.body else {
            return Err(ApiError::Internal("the piece is no file".to_owned()));
        };
        if piece.state.awaits_upload() {
            self.bucket.store(prefix, piece.guid, file, bytes).await?;
        }
        let by = EvidenceActor {
            id: &new.key_id,
            channel: new.channel,
        };
        store
            .complete_evidence(prefix, piece.guid, by, &self.bucket)
            .await
    }
}

/// What Discord says about a file, if evidence may be so.
fn acceptable(head: &FileHead) -> Result<(ContentType, FileSize), String> {
    let content_type = ContentType::parse(&head.content_type);
    let content_type = content_type.ok_or_else(|| format!("it is of another type; {TYPES}"))?;
    let size = FileSize::new(head.size);
    let size = size.ok_or_else(|| "it is empty or larger than 100 MiB.".to_owned())?;
    Ok((content_type, size))
}

fn declared(
    link: &AttachmentLink,
    content_type: ContentType,
    size: FileSize,
    bytes: Bytes,
) -> Result<(DeclaredFile, Bytes), String> {
    let is_whole = u64::try_from(bytes.len()).ok() == Some(size.bytes());
    let leading = bytes.get(..bytes.len().min(ContentType::LEADING_BYTES));
    if !is_whole {
        return Err("Discord sent only a part of it. Try again.".to_owned());
    }
    if !leading.is_some_and(|leading| content_type.begins(leading)) {
        return Err(format!("it is not what its type says; {TYPES}"));
    }
    let sha256 = BASE64_STANDARD.encode(Sha256::digest(&bytes));
    let sha256 = Sha256Digest::parse(&sha256).ok_or_else(|| "it has no hash.".to_owned())?;
    let file = DeclaredFile {
        name: link.name.clone(),
        content_type,
        size,
        sha256,
    };
    Ok((file, bytes))
}

/// Asks again after failures that pass.
async fn retried<T, F>(ask: impl Fn() -> F) -> Result<T, String>
where
    F: Future<Output = Result<T, FileFault>>,
{
    let mut pauses = PAUSES.into_iter();
    loop {
        match (ask().await, pauses.next()) {
            (Ok(answer), _) => return Ok(answer),
            (Err(FileFault::Gone), _) => {
                return Err("its link has expired, or the file was deleted.".to_owned());
            }
            (Err(FileFault::Unavailable(_)), Some(pause)) => tokio::time::sleep(pause).await,
            (Err(FileFault::Unavailable(_)), None) => {
                return Err("Discord does not return it. Try again in a minute.".to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(size: u64, content_type: &str) -> FileHead {
        FileHead {
            size,
            content_type: content_type.to_owned(),
        }
    }

    #[test]
    fn size_and_type_are_judged_before_a_byte_is_read() {
        let png = acceptable(&head(FileSize::MAX, "image/png")).unwrap();
        assert_eq!(png.0, ContentType::Png);
        for (size, kind) in [
            (0, "image/png"),
            (FileSize::MAX + 1, "image/png"),
            (1, "image/svg+xml"),
            (1, "text/html"),
            (1, ""),
        ] {
            assert!(acceptable(&head(size, kind)).is_err(), "{size} {kind}");
        }
    }

    #[test]
    fn file_must_be_whole_and_begin_like_its_type() {
        let link = "https://cdn.discordapp.com/attachments/61/62/a.txt";
        let link = AttachmentLink::parse(link).unwrap();
        let of = |kind, size, bytes: &'static [u8]| {
            let size = FileSize::new(size).unwrap();
            declared(&link, kind, size, Bytes::from_static(bytes))
        };
        let (file, _) = of(ContentType::PlainText, 5, b"Hello").unwrap();
        assert_eq!(
            file.sha256.as_str(),
            "GF+NsyJx/iX1Yab8k4suJkMG7DBO2lGAB9F2SCY4GWk="
        );
        assert!(of(ContentType::PlainText, 6, b"Hello").is_err());
        assert!(of(ContentType::Png, 5, b"Hello").is_err());
    }
}
