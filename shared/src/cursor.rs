//! Cursors: where a list goes on, as an opaque word.
//!
//! A cursor is a position and a checksum over the position, the workspace and the query. Nothing
//! depends on it being secret: the partition that is read always follows from the caller's key.
//! The checksum makes one that was tampered with, or belongs to another workspace or query, a
//! clear error instead of a strange page.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::http::Fields;
use crate::ids::WorkspaceId;

/// Bytes of the checksum.
const CHECK: usize = 8;

/// The list that a cursor belongs to.
#[derive(Clone, Debug)]
pub struct CursorScope(String);

impl CursorScope {
    /// The list that `query` names in a workspace: everything that selects its rows, but not how
    /// many of them are wanted at a time.
    #[must_use]
    pub fn new(workspace: WorkspaceId, query: &str) -> Self {
        Self(format!("{workspace} {query}"))
    }

    /// The cursor of a position in this list.
    #[must_use]
    pub fn seal(&self, position: &str) -> String {
        let mut bytes = self.check(position).to_vec();
        bytes.extend(position.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The position that the parameter `cursor` names; nothing at the beginning.
    pub fn open<T>(&self, query: &mut Fields, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let value = query.value("cursor")?;
        let position = value.as_str().and_then(|cursor| self.position(cursor));
        let opened = position.as_deref().and_then(parse);
        if opened.is_none() {
            query.reject(
                "cursor",
                "is not a cursor of this list: begin again without one",
            );
        }
        opened
    }

    fn position(&self, cursor: &str) -> Option<String> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (check, position) = bytes.split_at_checked(CHECK)?;
        let position = String::from_utf8(position.to_vec()).ok()?;
        (self.check(&position) == check).then_some(position)
    }

    fn check(&self, position: &str) -> [u8; CHECK] {
        let mut hasher = Sha256::new();
        hasher.update(self.0.len().to_be_bytes());
        hasher.update(&self.0);
        hasher.update(position);
        let mut check = [0; CHECK];
        for (to, from) in check.iter_mut().zip(hasher.finalize()) {
            *to = from;
        }
        check
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value};

    use super::*;

    fn open(scope: &CursorScope, cursor: &str) -> Result<Option<String>, ()> {
        let values = Map::from_iter([("cursor".to_owned(), Value::String(cursor.to_owned()))]);
        let mut fields = Fields::new(values);
        let opened = scope.open(&mut fields, |position| Some(position.to_owned()));
        if fields.is_sound() {
            Ok(opened)
        } else {
            Err(())
        }
    }

    #[test]
    fn a_cursor_opens_only_in_its_own_list_and_untouched() {
        let workspace = WorkspaceId::random();
        let scope = CursorScope::new(workspace, "bans user=1");
        let cursor = scope.seal("633197862920433664");
        assert_eq!(
            open(&scope, &cursor),
            Ok(Some("633197862920433664".to_owned()))
        );
        assert_eq!(
            open(&CursorScope::new(workspace, "bans user=2"), &cursor),
            Err(())
        );
        assert_eq!(
            open(
                &CursorScope::new(WorkspaceId::random(), "bans user=1"),
                &cursor
            ),
            Err(())
        );
        for (at, _) in cursor.char_indices() {
            let mut tampered = cursor.clone().into_bytes();
            tampered[at] = if tampered[at] == b'A' { b'B' } else { b'A' };
            let tampered = String::from_utf8(tampered).unwrap();
            assert_eq!(open(&scope, &tampered), Err(()), "{tampered}");
        }
        assert_eq!(open(&scope, ""), Err(()));
        assert_eq!(open(&scope, "%%%"), Err(()));
    }
}
