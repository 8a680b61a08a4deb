//! The requests about ranks and evidence. A number that no other request has, sent as the moderator,
//! identifies each in events and pieces.

use end_to_end::evidence::{base64, file_body, text_body};
use end_to_end::{Call, Notification};
use serde_json::{Value, json};
use shared::domain::ids::UserId;

/// A change of a member's role in the workspace's group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RankRequest {
    pub user: UserId,
    pub group: u64,
    pub rank: u64,
    pub number: u64,
}

impl RankRequest {
    pub fn call(&self) -> Call {
        let (user, group, rank) = (self.user, self.group, self.rank);
        Call::new("PATCH", "/group-role").json(&json!({
            "userId": user, "groupId": group, "rankId": rank, "moderatorId": self.number,
        }))
    }
}

/// A call about evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EvidenceCall {
    /// `PATCH /evidence/create`.
    Create(Submission),
    /// The presigned `PUT` to the object store.
    Upload(String),
    /// `POST /evidence/{guid}/complete`.
    Complete(String),
    /// `GET /evidence/{guid}`.
    Get(String),
    /// `GET /evidence/{guid}/metadata`.
    Metadata(String),
    /// `PATCH /evidence/{guid}/metadata`, which sets `note`.
    Update { guid: String, note: u64 },
    /// `DELETE /evidence/{guid}`.
    Delete(String),
    /// `GET /bans/{guid}/evidence`, all pages as one call.
    List {
        case: String,
        /// Sent to find the ban by its key.
        user: Option<UserId>,
    },
}

/// A new piece of evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// The guid of the ban.
    pub case: String,
    /// Sent to find the ban by its key.
    pub user: Option<UserId>,
    pub number: u64,
    pub content: Content,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    Text,
    Picture,
    /// A file that is no picture, declared as one.
    Disguised,
}

impl Submission {
    /// The content, which contains the number.
    pub fn bytes(&self) -> Vec<u8> {
        let number = self.number;
        match self.content {
            Content::Text => format!("seen in round {number}").into_bytes(),
            Content::Picture => [b"\x89PNG\r\n\x1a\n", number.to_string().as_bytes()].concat(),
            Content::Disguised => format!("MZ {number}").into_bytes(),
        }
    }

    pub fn body(&self) -> Value {
        let bytes = self.bytes();
        let mut body = match self.content {
            Content::Text => text_body(&self.case, &String::from_utf8_lossy(&bytes)),
            _ => file_body(&self.case, "image/png", &bytes),
        };
        if let Some(fields) = body.as_object_mut() {
            fields.insert("moderatorId".to_owned(), json!(self.number));
            fields.extend(self.user.map(|user| ("userId".to_owned(), json!(user))));
        }
        body
    }

    /// Whether an answer shows this piece as it was sent.
    pub fn is_shown_by(&self, piece: &Value) -> bool {
        let body = self.body();
        let is_text = self.content == Content::Text;
        let same = |field: &str| piece.get(field) == body.get(field);
        let content = piece.get("evidenceContent");
        same("caseId")
            && same("evidenceType")
            && piece.get("size") == Some(&json!(self.bytes().len()))
            && (is_text || (same("fileName") && same("contentType") && same("sha256")))
            && content.is_none_or(|content| *content == base64(&self.bytes()))
    }
}

impl EvidenceCall {
    /// The request; for an upload, only the address of its piece, to be named in findings.
    pub fn call(&self) -> Call {
        let about = |method: &str, guid: &str, rest: &str| {
            Call::new(method, &format!("/evidence/{guid}{rest}"))
        };
        match self {
            Self::Create(submission) => {
                Call::new("PATCH", "/evidence/create").json(&submission.body())
            }
            Self::Upload(guid) => about("PUT", guid, ""),
            Self::Complete(guid) => about("POST", guid, "/complete"),
            Self::Get(guid) => about("GET", guid, ""),
            Self::Metadata(guid) => about("GET", guid, "/metadata"),
            Self::Update { guid, note } => {
                about("PATCH", guid, "/metadata").json(&json!({ "note": note }))
            }
            Self::Delete(guid) => about("DELETE", guid, ""),
            Self::List { case, user } => {
                let list = Call::get(&format!("/bans/{case}/evidence")).query("limit", 2);
                match user {
                    Some(user) => list.query("userId", user),
                    None => list,
                }
            }
        }
    }

    /// The function that answers it.
    pub const fn function(&self) -> &'static str {
        match self {
            Self::Create(_) => "evidence-create",
            Self::Upload(_) => "the object store",
            Self::Complete(_) => "evidence-complete",
            Self::Get(_) => "evidence-get",
            Self::Metadata(_) => "evidence-metadata",
            Self::Update { .. } => "evidence-update",
            Self::Delete(_) => "evidence-delete",
            Self::List { .. } => "ban-evidence",
        }
    }

    /// The piece that it names.
    pub fn guid(&self) -> Option<&str> {
        match self {
            Self::Create(_) | Self::List { .. } => None,
            Self::Upload(guid)
            | Self::Complete(guid)
            | Self::Get(guid)
            | Self::Metadata(guid)
            | Self::Update { guid, .. }
            | Self::Delete(guid) => Some(guid),
        }
    }
}

/// Roblox's request to erase a user, in one notification.
#[derive(Clone, Debug)]
pub struct ErasureRequest {
    pub user: UserId,
    pub notification: Notification,
    pub secret: String,
}

impl PartialEq for ErasureRequest {
    fn eq(&self, other: &Self) -> bool {
        self.notification.id() == other.notification.id()
    }
}

impl Eq for ErasureRequest {}

impl ErasureRequest {
    pub fn new(user: UserId, secret: &str) -> Self {
        Self {
            user,
            notification: Notification::erasure(user.get()),
            secret: secret.to_owned(),
        }
    }

    pub fn call(&self) -> Call {
        self.notification.signed(&self.secret)
    }
}
