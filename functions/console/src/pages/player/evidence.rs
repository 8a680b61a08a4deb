//! The evidence about a player's bans.

use std::collections::HashMap;

use futures::stream::{self, StreamExt, TryStreamExt};
use shared::domain::actor::DecidedBy;
use shared::domain::error::ApiError;
use shared::domain::evidence::{ContentType, EvidenceBody, EvidenceState, EvidenceText};
use shared::domain::ids::{Guid, ModeratorId, UserId};
use shared::domain::rules::{Ban, Scope};
use shared::domain::text::{printable, printable_lines};
use shared::store::{BanRecord, ListedEvidence};
use url::Url;

use super::super::ban_form::new_key;
use super::super::message::sentence;
use crate::ban_view::{Reader, StateView};
use crate::form::{Submitted, TypedField};
use crate::look::Choice;
use crate::times::{self, TimeTag};
use crate::visit::Visit;

/// How many pieces a page shows.
const SHOWN: usize = 20;

/// How many pieces a page shows on request.
const MOST: usize = 100;

/// How many texts are read at once.
const CONCURRENCY: usize = 8;

/// The most characters of a text on the page; the download has all.
const EXCERPT: usize = 2_000;

/// The longest text that a form takes, in bytes. Encoded, it fits into a form.
const LONGEST_TEXT: usize = 16_000;

/// The evidence on a player's page, for those who may moderate.
pub struct EvidenceSection {
    pub pieces: Vec<PieceView>,
    pub done: Option<&'static str>,
    /// Whether there are more pieces than the page shows, and where they are shown.
    pub more: Option<String>,
    pub has_more: bool,
    /// The bans that a piece can be about.
    pub bans: Vec<Choice>,
    pub typed: TypedEvidence,
    pub key: String,
}

/// A new text, as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypedEvidence {
    pub case: Option<Guid>,
    pub case_error: Option<&'static str>,
    pub text: TypedField,
}

/// A piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PieceView {
    pub guid: String,
    /// The ban that it is about.
    pub ban: String,
    media: Option<PieceMedia>,
    pub title: String,
    pub size: String,
    /// What is wrong, in words.
    pub state: Option<&'static str>,
    /// Whether the content may be shown.
    pub is_readable: bool,
    pub by: String,
    pub added: TimeTag,
    pub comment: Option<String>,
    pub text: Option<String>,
    pub is_cut: bool,
    /// The text, if it is a link and nothing else.
    pub link: Option<String>,
    pub hint: Option<String>,
    /// Until when the removal can be undone.
    pub removed_until: Option<TimeTag>,
}

/// What a browser shows of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PieceMedia {
    Picture,
    Video,
}

impl TypedEvidence {
    pub fn read(form: &Submitted) -> Self {
        let missing = "Paste a link or type what you saw.";
        Self {
            case: form.parsed("case"),
            case_error: None,
            text: form.required("text", LONGEST_TEXT, missing),
        }
    }
}

impl EvidenceSection {
    pub async fn read(
        visit: &Visit,
        user: UserId,
        records: &[BanRecord],
        reader: &Reader,
        typed: TypedEvidence,
    ) -> Result<Self, ApiError> {
        let query = visit.query();
        let shows_all = query.text("pieces") == "all";
        let limit = if shows_all { MOST } else { SHOWN };
        let (store, prefix) = (&visit.store, visit.prefix());
        let found = store.evidence_of_user(prefix, user, limit).await?;
        let texts: Vec<Guid> = found
            .pieces
            .iter()
            .filter(|piece| piece.evidence.body.file().is_none() && piece.removed_until.is_none())
            .map(|piece| piece.evidence.guid)
            .collect();
        let texts = texts.into_iter().map(|guid| async move {
            match store.evidence_text(prefix, guid).await {
                Ok(text) => Ok(Some((guid, text))),
                // It was removed just now.
                Err(ApiError::NotFound(_)) => Ok(None),
                Err(error) => Err(error),
            }
        });
        let texts: Vec<_> = stream::iter(texts)
            .buffered(CONCURRENCY)
            .try_collect::<Vec<_>>()
            .await?;
        let texts: HashMap<_, _> = texts.into_iter().flatten().collect();
        let pieces = found.pieces.iter();
        let pieces = pieces.map(|piece| {
            let text = texts.get(&piece.evidence.guid);
            PieceView::new(piece, text, records, reader)
        });
        let chosen = typed.case.or_else(|| Some(records.first()?.ban.guid));
        Ok(Self {
            pieces: pieces.collect(),
            done: done(query.text("evidence")),
            has_more: found.has_more,
            more: (found.has_more && !shows_all)
                .then(|| format!("/console/players/{user}?pieces=all#evidence")),
            bans: records
                .iter()
                .map(|record| {
                    let ban = &record.ban;
                    let guid = ban.guid.to_string();
                    Choice::new(guid, title(ban, reader), Some(ban.guid) == chosen)
                })
                .collect(),
            typed,
            key: new_key(),
        })
    }
}

fn done(what: &str) -> Option<&'static str> {
    match what {
        "added" => Some("The evidence is added."),
        "removed" => {
            Some("Removed. It is deleted permanently in ten minutes; until then you can undo it.")
        }
        "restored" => Some("Restored."),
        _ => None,
    }
}

/// A ban in one line: `Permanent, everywhere, 3 d ago`.
fn title(ban: &Ban, reader: &Reader) -> String {
    let state = StateView::of(ban, reader.now).word;
    let place = match ban.scope {
        Scope::Global => "everywhere".to_owned(),
        Scope::Experience => format!("experience {}", ban.made_in),
    };
    let made = times::exact(ban.created);
    format!("{state}, {place}, made {made}")
}

impl PieceMedia {
    const fn of(kind: ContentType) -> Option<Self> {
        match kind {
            ContentType::Png | ContentType::Jpeg | ContentType::Gif | ContentType::Webp => {
                Some(Self::Picture)
            }
            ContentType::Mp4 | ContentType::Webm => Some(Self::Video),
            ContentType::PlainText | ContentType::Json | ContentType::Pdf => None,
        }
    }
}

impl PieceView {
    pub fn is_picture(&self) -> bool {
        self.is_readable && self.media == Some(PieceMedia::Picture)
    }

    pub fn is_video(&self) -> bool {
        self.is_readable && self.media == Some(PieceMedia::Video)
    }

    fn new(
        piece: &ListedEvidence,
        text: Option<&EvidenceText>,
        records: &[BanRecord],
        reader: &Reader,
    ) -> Self {
        let evidence = &piece.evidence;
        let file = evidence.body.file();
        let name = file.map(|file| file.name.to_string());
        let kind = file.map(|file| file.content_type);
        let of_ban = records.iter().find(|it| it.ban.guid == evidence.case);
        let by = DecidedBy::new(&evidence.key_id, None);
        let moderator = evidence.moderator.unwrap_or(ModeratorId::NOBODY);
        let whole = text.map(|text| printable_lines(text.as_str()).into_owned());
        let excerpt = whole
            .as_ref()
            .map(|text| text.chars().take(EXCERPT).collect::<String>());
        let hint = text.and_then(EvidenceText::expiring_link);
        Self {
            guid: evidence.guid.to_string(),
            ban: of_ban.map_or_else(|| evidence.case.to_string(), |it| title(&it.ban, reader)),
            media: kind.and_then(PieceMedia::of),
            title: name.unwrap_or_else(|| "Text".to_owned()),
            size: size(&evidence.body),
            state: match evidence.state {
                EvidenceState::Available => None,
                EvidenceState::Pending => Some("Upload not finished"),
                EvidenceState::Rejected => Some("Rejected: not the file that was declared"),
                EvidenceState::Quarantined => Some("Quarantined: a scan found malware"),
            },
            is_readable: evidence.state.is_readable() && piece.removed_until.is_none(),
            by: reader.people.name(Some(&by), moderator),
            added: TimeTag::new(evidence.created, reader.now),
            comment: evidence
                .metadata
                .comment()
                .map(|it| printable(it).into_owned()),
            link: whole.as_deref().and_then(link),
            is_cut: excerpt.as_ref().map(String::len) != whole.as_ref().map(String::len),
            text: excerpt,
            hint: hint.map(|hint| match hint.expires {
                Some(at) => sentence(&format!(
                    "the link to a chat attachment expires at {}: add the file instead",
                    times::exact(at)
                )),
                None => sentence(&hint.to_string()),
            }),
            removed_until: piece.removed_until.map(|at| TimeTag::new(at, reader.now)),
        }
    }
}

/// The text as a link, if a browser may follow it.
fn link(text: &str) -> Option<String> {
    let text = text.trim();
    let url = Url::parse(text).ok()?;
    let is_web = matches!(url.scheme(), "https" | "http");
    let is_one = !text.contains(char::is_whitespace);
    (is_web && is_one).then(|| url.to_string())
}

fn size(body: &EvidenceBody) -> String {
    let bytes = body.bytes();
    match bytes {
        ..1_024 => format!("{bytes} B"),
        1_024..1_048_576 => format!("{} KiB", bytes / 1_024),
        _ => format!("{} MiB", bytes / 1_048_576),
    }
}

#[cfg(test)]
pub mod tests {
    use shared::domain::evidence::{
        DeclaredFile, Evidence, EvidenceMetadata, FileName, FileSize, Sha256Digest,
    };

    use super::*;
    use crate::ban_view::tests::{HOSTILE, NOW, ban, reader, record};

    fn evidence(body: EvidenceBody, state: EvidenceState) -> ListedEvidence {
        ListedEvidence {
            evidence: Evidence {
                guid: Guid::from(7),
                case: ban("x").guid,
                user: ban("x").user,
                state,
                body,
                metadata: EvidenceMetadata::commented(HOSTILE).unwrap(),
                created: NOW,
                updated: NOW,
                key_id: "operator".to_owned(),
                moderator: None,
            },
            removed_until: None,
        }
    }

    fn file(kind: ContentType) -> EvidenceBody {
        EvidenceBody::File(DeclaredFile {
            name: FileName::parse("a<img>b.png").unwrap(),
            content_type: kind,
            size: FileSize::new(2 * 1_048_576).unwrap(),
            sha256: Sha256Digest::parse("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=").unwrap(),
        })
    }

    fn view(piece: &ListedEvidence, text: Option<&str>) -> PieceView {
        let text = text.map(|text| EvidenceText::new(text.to_owned()).unwrap());
        PieceView::new(piece, text.as_ref(), &[record(ban("x"))], &reader(true))
    }

    /// A section with a hostile text and a hostile file.
    pub fn section() -> EvidenceSection {
        let text = evidence(EvidenceBody::Text { bytes: 5 }, EvidenceState::Available);
        let of_file = evidence(file(ContentType::Pdf), EvidenceState::Available);
        EvidenceSection {
            pieces: vec![view(&text, Some(HOSTILE)), view(&of_file, None)],
            done: done("removed"),
            more: Some("/x".to_owned()),
            has_more: true,
            bans: vec![Choice::new("1", HOSTILE, true)],
            typed: TypedEvidence {
                case: None,
                case_error: Some("Choose"),
                text: TypedField {
                    text: HOSTILE.to_owned(),
                    error: Some(HOSTILE.to_owned()),
                },
            },
            key: "key".to_owned(),
        }
    }

    #[test]
    fn file_shows_its_kind_size_and_state() {
        let image = view(
            &evidence(file(ContentType::Png), EvidenceState::Available),
            None,
        );
        assert!(image.is_picture() && !image.is_video());
        assert_eq!((image.size.as_str(), image.state), ("2 MiB", None));
        let bad = view(
            &evidence(file(ContentType::Mp4), EvidenceState::Quarantined),
            None,
        );
        assert!(!bad.is_video() && !bad.is_readable);
        assert!(bad.state.unwrap().contains("malware"));
    }

    #[test]
    fn only_a_whole_link_to_the_web_is_a_link() {
        for (text, is_link) in [
            ("https://example.com/clip", true),
            (" https://example.com/clip\n", true),
            ("see https://example.com/clip", false),
            ("javascript:alert(1)", false),
            ("data:text/html,x", false),
        ] {
            assert_eq!(link(text).is_some(), is_link, "{text}");
        }
    }

    #[test]
    fn long_text_is_cut_and_expiring_link_is_noted() {
        let text = evidence(EvidenceBody::Text { bytes: 9 }, EvidenceState::Available);
        let long = view(&text, Some(&"ä".repeat(3_000)));
        assert!(long.is_cut);
        let chat = "https://cdn.discordapp.com/attachments/1/2/a.png?ex=6565f5d0&is=1&hm=2";
        assert!(view(&text, Some(chat)).hint.unwrap().contains("expires"));
    }

    #[test]
    fn removed_piece_shows_until_when_it_can_be_restored() {
        let mut text = evidence(EvidenceBody::Text { bytes: 9 }, EvidenceState::Available);
        text.removed_until = Some(NOW.plus(540));
        let removed = view(&text, None);
        assert!(removed.removed_until.is_some() && !removed.is_readable);
    }
}
