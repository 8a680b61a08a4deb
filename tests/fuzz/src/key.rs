//! The `authorization` header.

use shared::domain::keys::{KeyKind, PlainKey};

/// Reads bytes as the header's value.
pub fn key(bytes: &[u8]) {
    let Ok(header) = std::str::from_utf8(bytes) else {
        return;
    };
    let Some(key) = PlainKey::parse_authorization(header) else {
        return;
    };
    let text = key.reveal();
    assert!(header.contains(text), "the key is not what was sent");
    assert!(text.starts_with(match key.kind() {
        KeyKind::Secret => "sentinelAPI.",
        KeyKind::Public => "sentinelPublicAPI.",
    }));
    // A workspace is identified by the end of its keys.
    assert_eq!(
        text[text.len() - 8..].to_lowercase(),
        key.prefix().to_string()
    );

    let again = PlainKey::parse(text).expect("the bare key");
    assert_eq!(again.hash(), key.hash());
    assert_eq!((again.kind(), again.prefix()), (key.kind(), key.prefix()));
    let again = PlainKey::parse_authorization(&format!("bEARER {text}"));
    assert_eq!(again.expect("the key with its scheme").hash(), key.hash());

    let shown = format!("{key:?}");
    let secret = &text[text.len() - 36..text.len() - 8];
    assert!(!shown.contains(secret), "a key is shown: {shown}");
}
