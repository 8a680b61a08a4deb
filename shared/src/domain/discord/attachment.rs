//! Files that people attach to messages, by the links in which Discord shows them.

use std::fmt;

use percent_encoding::percent_decode_str;
use serde_json::Value;
use url::Url;

use super::interaction::{list, text};
use crate::domain::evidence::FileName;

/// A link to a file in Discord's own store: no other address is ever called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachmentLink {
    pub store: FileStore,
    /// The id of the attachment.
    pub id: String,
    /// The name at the end of the link.
    pub name: FileName,
    /// Path and query, with the signature that lets the link expire.
    path: String,
}

/// Discord's hosts with files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileStore {
    Cdn,
    Media,
}

impl FileStore {
    pub const ALL: [Self; 2] = [Self::Cdn, Self::Media];

    #[must_use]
    pub const fn host(self) -> &'static str {
        match self {
            Self::Cdn => "cdn.discordapp.com",
            Self::Media => "media.discordapp.net",
        }
    }
}

impl AttachmentLink {
    /// Reads a link; none if it leads anywhere else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text.trim()).ok()?;
        let is_plain = url.scheme() == "https"
            && url.port().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        let mut stores = FileStore::ALL.into_iter();
        let store = stores.find(|store| url.host_str() == Some(store.host()))?;
        let parts: Vec<_> = url.path_segments()?.collect();
        let ["attachments" | "ephemeral-attachments", channel, id, name] = parts.as_slice() else {
            return None;
        };
        let is_id = |text: &str| {
            (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        let name = percent_decode_str(name).decode_utf8().ok()?;
        let query = url.query().map(|query| format!("?{query}"));
        (is_plain && is_id(channel) && is_id(id)).then_some(())?;
        Some(Self {
            store,
            id: (*id).to_owned(),
            name: FileName::parse(&name).ok()?,
            path: format!("{}{}", url.path(), query.unwrap_or_default()),
        })
    }

    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl fmt::Display for AttachmentLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}{}", self.store.host(), self.path)
    }
}

/// The links to the files of the target message, and to those of messages that it forwards.
pub fn attachments(data: &Value) -> Vec<String> {
    let target = data.get("target_id").and_then(Value::as_str);
    let messages = data.get("resolved").and_then(|it| it.get("messages"));
    let message = messages.zip(target).and_then(|(all, id)| all.get(id));
    let forwarded = list(message.and_then(|it| it.get("message_snapshots")));
    let forwarded = forwarded.iter().filter_map(|it| it.get("message"));
    let all = message.into_iter().chain(forwarded);
    let files = all.flat_map(|message| list(message.get("attachments")));
    files.filter_map(|file| text(file.get("url"))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LINK: &str =
        "https://cdn.discordapp.com/attachments/61/62/a%20clip.mp4?ex=6b&is=6a&hm=0f&";

    #[test]
    fn link_keeps_its_signature_and_has_the_name_of_the_file() {
        let link = AttachmentLink::parse(LINK).unwrap();
        assert_eq!((link.store, link.id.as_str()), (FileStore::Cdn, "62"));
        assert_eq!(link.name.as_str(), "a clip.mp4");
        assert_eq!(link.to_string(), LINK);
        let media = "https://media.discordapp.net/ephemeral-attachments/61/62/a.png";
        assert_eq!(
            AttachmentLink::parse(media).unwrap().store,
            FileStore::Media
        );
    }

    #[test]
    fn link_to_any_other_address_is_none() {
        for other in [
            "",
            "http://cdn.discordapp.com/attachments/61/62/a.png",
            "https://cdn.discordapp.com.evil.example/attachments/61/62/a.png",
            "https://evil.example/attachments/61/62/a.png",
            "https://cdn.discordapp.com@evil.example/attachments/61/62/a.png",
            "https://user@cdn.discordapp.com/attachments/61/62/a.png",
            "https://cdn.discordapp.com:8443/attachments/61/62/a.png",
            "https://cdn.discordapp.com/icons/61/62/a.png",
            "https://cdn.discordapp.com/attachments/61/62/..%2fa.png",
            "https://cdn.discordapp.com/attachments/../62/a.png",
            "https://cdn.discordapp.com/attachments/61/x/a.png",
            "https://cdn.discordapp.com/attachments/61/62/",
        ] {
            assert_eq!(AttachmentLink::parse(other), None, "{other}");
        }
    }

    #[test]
    fn files_are_those_of_the_target_message_and_of_what_it_forwards() {
        let file = |url: Value| json!({ "id": "1", "filename": "a", "size": 1, "url": url });
        let message = json!({ "id": "7", "content": "",
            "attachments": [file(json!("https://cdn/a")), file(json!(7)), {}, null],
            "message_snapshots": [{ "message": { "attachments": [file(json!("https://cdn/b"))] } }, 7] });
        let other = json!({ "id": "8", "attachments": [file(json!("https://cdn/c"))] });
        let data = json!({ "name": "Use as evidence", "type": 3, "target_id": "7",
            "resolved": { "messages": { "7": message, "8": other } } });
        assert_eq!(attachments(&data), ["https://cdn/a", "7", "https://cdn/b"]);
        for lenient in [
            json!({}),
            json!({ "target_id": "9", "resolved": { "messages": { "7": [] } } }),
            json!({ "target_id": "7", "resolved": { "messages": { "7": { "attachments": {} } } } }),
        ] {
            assert_eq!(attachments(&lenient), [""; 0]);
        }
    }
}
