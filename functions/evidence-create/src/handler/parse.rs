//! The fields of a creation.

use serde_json::{Value, json};
use shared::api::{ApiRequest, Fields};
use shared::domain::error::ApiError;
use shared::domain::evidence::{
    ContentType, DeclaredFile, EvidenceMetadata, EvidenceText, FileName, FileSize, NewEvidenceBody,
    Sha256Digest,
};
use shared::domain::ids::{Guid, ModeratorId, UserId};
use shared::domain::number::integer;
use shared::domain::rules::Meaning;

/// The largest body in bytes: the longest text has 64 KiB in base64, and JSON may escape its slashes.
const LARGEST_BODY: usize = 96 * 1024;

/// The longest comment in bytes, as for a private reason.
const COMMENT: usize = 1000;

#[derive(Clone, Copy)]
enum Kind {
    Text,
    File,
}

pub struct Creation {
    pub case: Guid,
    pub user: Option<UserId>,
    pub moderator: Option<ModeratorId>,
    pub body: NewEvidenceBody,
    pub metadata: EvidenceMetadata,
}

impl Creation {
    pub fn parse(request: &ApiRequest) -> Result<Self, ApiError> {
        let mut fields = request.body_up_to(LARGEST_BODY)?;
        let case = fields.guid("caseId");
        let user = fields.optional_id("userId");
        let moderator = fields.optional_id("moderatorId");
        let comment = fields.optional_text("comment", COMMENT);
        let kinds = [("Metadata", Kind::Text), ("File", Kind::File)];
        let body = match fields.word("evidenceType", &kinds) {
            Some(Kind::Text) => text(&mut fields).map(NewEvidenceBody::Text),
            Some(Kind::File) => file(&mut fields).map(NewEvidenceBody::File),
            None => None,
        };
        let metadata = commented(comment.as_deref())?;
        fields.build(|| {
            Some(Self {
                case: case?,
                user,
                moderator,
                body: body?,
                metadata,
            })
        })
    }

    /// What the call means, apart from its spelling.
    pub fn meaning(&self) -> Meaning {
        let moderator = self.moderator.map(|id| id.to_string());
        let content = match &self.body {
            NewEvidenceBody::Text(text) => text.as_str().to_owned(),
            NewEvidenceBody::File(file) => json!([
                file.name.as_str(),
                file.content_type.name(),
                file.size.bytes(),
                file.sha256.as_str(),
            ])
            .to_string(),
        };
        Meaning::of_parts(&[
            "evidence",
            &self.case.to_string(),
            self.body.body().type_name(),
            &content,
            moderator.as_deref().unwrap_or_default(),
            &self.metadata.to_json(),
        ])
    }
}

fn commented(comment: Option<&str>) -> Result<EvidenceMetadata, ApiError> {
    EvidenceMetadata::commented(comment.unwrap_or_default())
        .map_err(|fault| ApiError::field("comment", fault.to_string()))
}

fn text(fields: &mut Fields) -> Option<EvidenceText> {
    let sent = string(fields, "evidenceContent")?;
    let text = EvidenceText::decode(&sent);
    accepted(fields, "evidenceContent", text)
}

fn file(fields: &mut Fields) -> Option<DeclaredFile> {
    let name = string(fields, "fileName").map(|sent| FileName::parse(&sent));
    let name = name.and_then(|name| accepted(fields, "fileName", name));
    let content_type = content_type(fields);
    let size = size(fields);
    let sha256 = string(fields, "sha256").map(|sent| {
        Sha256Digest::parse(&sent).ok_or("must be the SHA-256 of the file in standard base64")
    });
    let sha256 = sha256.and_then(|sha256| accepted(fields, "sha256", sha256));
    Some(DeclaredFile {
        name: name?,
        content_type: content_type?,
        size: size?,
        sha256: sha256?,
    })
}

fn content_type(fields: &mut Fields) -> Option<ContentType> {
    let sent = string(fields, "contentType")?;
    let parsed = ContentType::parse(&sent).ok_or_else(|| {
        let names = ContentType::ALL.map(ContentType::name).join(", ");
        format!("must be one of {names}")
    });
    accepted(fields, "contentType", parsed)
}

fn size(fields: &mut Fields) -> Option<FileSize> {
    let size = fields.value("size").and_then(integer);
    let size = size.and_then(FileSize::new);
    if size.is_none() {
        let most = FileSize::MAX;
        let required = format!("is required and must be the size in bytes, 1 to {most}");
        fields.reject("size", required);
    }
    size
}

fn string(fields: &mut Fields, field: &'static str) -> Option<String> {
    let text = fields.value(field).and_then(Value::as_str);
    let text = text.map(str::to_owned);
    if text.is_none() {
        fields.reject(field, "is required and must be a string");
    }
    text
}

fn accepted<T>(
    fields: &mut Fields,
    field: &'static str,
    parsed: Result<T, impl ToString>,
) -> Option<T> {
    match parsed {
        Ok(value) => Some(value),
        Err(fault) => {
            fields.reject(field, fault.to_string());
            None
        }
    }
}
