//! Cursors of lists.

use serde_json::{Map, Value};
use shared::cursor::CursorScope;
use shared::http::Fields;
use shared::ids::WorkspaceId;

/// Reads bytes as a cursor, and as a position to make one of.
pub fn cursor(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let [own, other]: [WorkspaceId; 2] = [
        "f2ab4802-48d6-41ef-82a0-222326092f67",
        // The same tag, and so the same partitions.
        "00000000-0000-4000-8000-000026092f67",
    ]
    .map(|id| id.parse().expect("an id"));
    let scope = CursorScope::new(own, "bans user=1");
    let foreign = [
        CursorScope::new(other, "bans user=1"),
        CursorScope::new(own, "bans user=11"),
        CursorScope::new(own, ""),
    ];

    // What opens is what was sealed, and nothing else is.
    if let Some(position) = open(&scope, text) {
        assert_eq!(scope.seal(&position), text);
    }
    let sealed = scope.seal(text);
    assert_eq!(open(&scope, &sealed).as_deref(), Some(text));
    let in_url = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    assert!(sealed.bytes().all(in_url), "{sealed} needs escaping");
    for scope in &foreign {
        assert_eq!(open(scope, &sealed), None, "{sealed} opens elsewhere");
    }

    // A cursor that was changed in one place does not open.
    let at = text.len() % sealed.len();
    let mut changed = sealed.clone().into_bytes();
    changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(changed).expect("ASCII");
    assert_eq!(open(&scope, &changed), None, "{changed} opens");
    assert_eq!(open(&scope, &sealed[..at]), None, "part of a cursor opens");
}

fn open(scope: &CursorScope, cursor: &str) -> Option<String> {
    let value = Value::from(cursor);
    let mut fields = Fields::new(Map::from_iter([("cursor".to_owned(), value)]));
    let opened = scope.open(&mut fields, |position| Some(position.to_owned()));
    assert_eq!(
        opened.is_some(),
        fields.is_sound(),
        "an error or a position"
    );
    opened
}
