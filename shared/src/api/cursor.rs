//! Cursors: where a list continues, authenticated with the workspace's secret.
//!
//! A cursor is the URL-safe base64, without padding, of
//!
//! ```text
//! version (1 byte) | MAC (16 bytes) | position (ASCII)
//! ```
//!
//! The MAC covers the version, the workspace, the list with everything that selects its rows, and the
//! position. So a cursor that is forged, altered or from another workspace or query does not open. A
//! position is decimal numbers separated by full stops, and each has exactly one spelling that is
//! accepted.

mod positions;

use std::fmt::Display;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::api::Fields;
use crate::api::auth::Caller;
use crate::domain::error::ApiError;
use crate::domain::ids::WorkspaceId;
use crate::domain::keys::{Purpose, WorkspaceSecret};
use crate::store::Store;

/// The version of the encoding. Cursors of another version are refused.
const VERSION: u8 = 1;

/// How many bytes of the MAC a cursor contains: 128 bits.
const MAC: usize = 16;

/// A place in a list.
pub trait Position: Sized {
    fn write(&self) -> String;
    /// Parses the output of [`Position::write`]. It may be lenient: [`ListName::open`] accepts a
    /// text only if the position is written the same way.
    fn read(text: &str) -> Option<Self>;
}

/// The list that a cursor is valid for, in one workspace.
#[derive(Clone, Debug)]
pub struct ListName {
    workspace: WorkspaceId,
    parts: Vec<String>,
}

impl ListName {
    /// The list of a route in a workspace.
    #[must_use]
    pub fn new(workspace: WorkspaceId, route: &'static str) -> Self {
        Self {
            workspace,
            parts: vec![route.to_owned()],
        }
    }

    /// The list filtered by this parameter; `None` means unfiltered.
    #[must_use]
    pub fn with(mut self, parameter: &'static str, value: Option<impl Display>) -> Self {
        if let Some(value) = value {
            self.parts.extend([parameter.to_owned(), value.to_string()]);
        }
        self
    }

    /// The cursor of a position in this list.
    #[must_use]
    pub fn seal(&self, secret: &WorkspaceSecret, position: &impl Position) -> String {
        let position = position.write();
        let mac = self.over(&position, |parts| secret.mac(Purpose::Cursor, parts));
        let mut bytes = vec![VERSION];
        bytes.extend(mac.iter().take(MAC));
        bytes.extend(position.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The position in a cursor, if it was issued for this list.
    #[must_use]
    pub fn open<P: Position>(&self, secret: &WorkspaceSecret, cursor: &str) -> Option<P> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (version, bytes) = bytes.split_first()?;
        let (mac, text) = bytes.split_at_checked(MAC)?;
        let text = std::str::from_utf8(text).ok()?;
        let is_genuine = *version == VERSION
            && self.over(text, |parts| secret.verifies(Purpose::Cursor, parts, mac));
        let position = P::read(text).filter(|_| is_genuine)?;
        (position.write() == text).then_some(position)
    }

    fn over<T>(&self, position: &str, keyed: impl FnOnce(&[&[u8]]) -> T) -> T {
        let workspace = self.workspace.to_string();
        let own = [&[VERSION][..], workspace.as_bytes()];
        let parts = self.parts.iter().map(String::as_bytes);
        let parts: Vec<&[u8]> = own
            .into_iter()
            .chain(parts)
            .chain([position.as_bytes()])
            .collect();
        keyed(&parts)
    }
}

/// The cursors of the list in an answer. The secret is read only if a cursor comes in or goes out.
#[derive(Clone, Debug)]
pub struct Cursors {
    store: Store,
    list: ListName,
}

impl Cursors {
    /// The cursors of the list that a route returns to a caller.
    #[must_use]
    pub fn new<P>(caller: &Caller<P>, store: &Store, route: &'static str) -> Self {
        Self {
            store: store.clone(),
            list: ListName::new(caller.workspace(), route),
        }
    }

    /// The same list filtered by this parameter.
    #[must_use]
    pub fn with(self, parameter: &'static str, value: Option<impl Display>) -> Self {
        Self {
            list: self.list.with(parameter, value),
            ..self
        }
    }

    /// The position in the query's `cursor` parameter; `None` at the beginning. A cursor that is
    /// not valid for this list is noted as an error of the query.
    pub async fn open<P: Position>(&self, query: &mut Fields) -> Result<Option<P>, ApiError> {
        let Some(value) = query.value("cursor") else {
            return Ok(None);
        };
        let position = match value.as_str() {
            Some(cursor) => self.list.open(&self.secret().await?, cursor),
            None => None,
        };
        if position.is_none() {
            query.reject("cursor", NOT_OURS);
        }
        Ok(position)
    }

    /// The cursor of a position.
    pub async fn seal(&self, position: &impl Position) -> Result<String, ApiError> {
        Ok(self.list.seal(&self.secret().await?, position))
    }

    /// The cursor of a position, if there is one.
    pub async fn seal_next(
        &self,
        position: Option<impl Position>,
    ) -> Result<Option<String>, ApiError> {
        match position {
            Some(position) => Ok(Some(self.seal(&position).await?)),
            None => Ok(None),
        }
    }

    async fn secret(&self) -> Result<WorkspaceSecret, ApiError> {
        self.store
            .workspace_secret(self.list.workspace.prefix())
            .await
    }
}

/// The message for a cursor that is not valid for the list.
const NOT_OURS: &str = "is not a cursor of this list: start again without one";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::UnixSeconds;
    use crate::domain::ids::{Guid, PlaceId, UserId};
    use crate::store::PollPosition;

    /// A position that parses any text and writes it without its spaces.
    #[derive(Debug, PartialEq, Eq)]
    struct Text(String);

    impl Position for Text {
        fn write(&self) -> String {
            self.0.clone()
        }

        fn read(text: &str) -> Option<Self> {
            (text != "unreadable").then(|| Self(text.replace(' ', "")))
        }
    }

    fn secret() -> WorkspaceSecret {
        WorkspaceSecret::random()
    }

    fn text(text: &str) -> Text {
        Text(text.to_owned())
    }

    #[test]
    fn cursor_opens_only_unaltered_and_in_its_own_list() {
        let (secret, workspace) = (secret(), WorkspaceId::random());
        let list = ListName::new(workspace, "bans").with("userId", Some(1));
        let cursor = list.seal(&secret, &text("633197862920433664"));
        let open = |list: &ListName, cursor: &str| list.open::<Text>(&secret, cursor);
        assert_eq!(open(&list, &cursor), Some(text("633197862920433664")));
        let elsewhere = [
            ListName::new(workspace, "bans"),
            ListName::new(workspace, "bans").with("userId", Some(2)),
            ListName::new(workspace, "bans").with("moderatorId", Some(1)),
            ListName::new(workspace, "events").with("userId", Some(1)),
            ListName::new(WorkspaceId::random(), "bans").with("userId", Some(1)),
        ];
        for other in &elsewhere {
            assert_eq!(open(other, &cursor), None, "{other:?}");
        }
        for (at, _) in cursor.char_indices() {
            let mut altered = cursor.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).unwrap();
            assert_eq!(open(&list, &altered), None, "{altered}");
            assert_eq!(open(&list, &cursor[..at]), None, "{}", &cursor[..at]);
        }
        for other in [
            format!("{cursor}A"),
            format!("{cursor}="),
            format!(" {cursor}"),
            cursor.replace(['-', '_'], "+"),
            "%%%".to_owned(),
        ] {
            assert!(other == cursor || open(&list, &other).is_none(), "{other}");
        }
    }

    /// Customers keep cursors. If this fails, theirs stop opening: raise [`VERSION`].
    #[test]
    fn encoding_is_the_same_byte_for_byte() {
        // 32 bytes of 7.
        let secret = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc".to_owned();
        let secret = WorkspaceSecret::try_from(secret).unwrap();
        let workspace: WorkspaceId = "9c1e2c6e-4f5a-4b1e-8a52-0d4b26092f67".parse().unwrap();
        let bans = ListName::new(workspace, "bans")
            .with("userId", Some(UserId::new(156).unwrap()))
            .with("experienceId", None::<PlaceId>)
            .with("isActive", Some(true));
        let cursor = bans.seal(&secret, &Guid::from(633_197_862_920_433_664));
        assert_eq!(cursor, "Abr9r_NLUyzlygAvHlfYHE42MzMxOTc4NjI5MjA0MzM2NjQ");
        let experience = PlaceId::new(1818);
        let unbans = ListName::new(workspace, "pending-unbans").with("experienceId", experience);
        let position = PollPosition {
            guid: Guid::from(7),
            user: UserId::new(156).unwrap(),
            due: Some(UnixSeconds(1_800_000_000)),
        };
        let cursor = unbans.seal(&secret, &position);
        assert_eq!(cursor, "AWtUEPCRXv4lweICda4otbc3LjE1Ni4xODAwMDAwMDAw");
    }

    #[test]
    fn cursor_under_another_secret_does_not_open() {
        let list = ListName::new(WorkspaceId::random(), "bans");
        let cursor = list.seal(&secret(), &text("7"));
        assert_eq!(list.open::<Text>(&secret(), &cursor), None);
    }

    /// What the previous version would have made of the same position: anyone could forge it.
    #[test]
    fn position_with_a_checksum_instead_of_a_mac_does_not_open() {
        use sha2::{Digest, Sha256};
        let list = ListName::new(WorkspaceId::random(), "events");
        let digest = Sha256::digest(b"0.7");
        for version in [&[][..], &[VERSION]] {
            let made_up = [version, &digest[..MAC], b"0.7"].concat();
            let made_up = URL_SAFE_NO_PAD.encode(made_up);
            assert_eq!(list.open::<Text>(&secret(), &made_up), None);
        }
    }

    #[test]
    fn authentic_cursor_in_another_spelling_or_version_does_not_open() {
        let secret = secret();
        let list = ListName::new(WorkspaceId::random(), "bans");
        for spelling in ["1 2", "unreadable"] {
            let cursor = list.seal(&secret, &text(spelling));
            assert_eq!(list.open::<Text>(&secret, &cursor), None, "{spelling}");
        }
        let mut bytes = URL_SAFE_NO_PAD
            .decode(list.seal(&secret, &text("7")))
            .unwrap();
        bytes[0] += 1;
        let later = URL_SAFE_NO_PAD.encode(bytes);
        assert_eq!(list.open::<Text>(&secret, &later), None);
    }
}
