//! List cursors.

use shared::api::cursor::{ListName, Position};
use shared::domain::history::LogPosition;
use shared::domain::ids::{Guid, WorkspaceId};
use shared::domain::keys::WorkspaceSecret;
use shared::domain::sync::SyncPosition;
use shared::store::{HistoryPosition, PollPosition};

/// A position that is any text.
struct Anything(String);

impl Position for Anything {
    fn write(&self) -> String {
        self.0.clone()
    }

    fn read(text: &str) -> Option<Self> {
        Some(Self(text.to_owned()))
    }
}

/// Reads bytes as a cursor, and as the position of a new one.
pub fn cursor(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let [own, other]: [WorkspaceId; 2] = [
        "f2ab4802-48d6-41ef-82a0-222326092f67",
        // The same workspace prefix, and so the same partitions.
        "00000000-0000-4000-8000-000026092f67",
    ]
    .map(|id| id.parse().expect("an id"));
    let list = ListName::new(own, "bans").with("userId", Some(1));
    let foreign = [
        ListName::new(other, "bans").with("userId", Some(1)),
        ListName::new(own, "bans").with("userId", Some(11)),
        ListName::new(own, "bans"),
        ListName::new(own, "events").with("userId", Some(1)),
    ];
    let secret = secret(b'A');

    // A cursor opens to exactly what was sealed.
    if let Some(Anything(position)) = list.open(&secret, text) {
        assert_eq!(list.seal(&secret, &Anything(position)), text);
    }
    let sealed = list.seal(&secret, &Anything(text.to_owned()));
    let opened = list.open::<Anything>(&secret, &sealed);
    assert_eq!(opened.expect("it is genuine").0, text);
    let in_url = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    assert!(sealed.bytes().all(in_url), "{sealed} needs escaping");
    for list in &foreign {
        let opened = list.open::<Anything>(&secret, &sealed);
        assert!(opened.is_none(), "{sealed} opens elsewhere");
    }
    let opened = list.open::<Anything>(&self::secret(b'B'), &sealed);
    assert!(opened.is_none(), "{sealed} opens under another secret");

    // A genuine cursor opens as a position only in its canonical form.
    has_one_spelling::<Guid>(&list, &secret, &sealed);
    has_one_spelling::<LogPosition>(&list, &secret, &sealed);
    has_one_spelling::<SyncPosition>(&list, &secret, &sealed);
    has_one_spelling::<PollPosition>(&list, &secret, &sealed);
    has_one_spelling::<HistoryPosition>(&list, &secret, &sealed);

    // A cursor changed in one place does not open.
    let at = text.len() % sealed.len();
    let mut changed = sealed.clone().into_bytes();
    changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(changed).expect("ASCII");
    for wrong in [
        changed.as_str(),
        &sealed[..at],
        &format!("{sealed}="),
        &format!("{sealed}A"),
    ] {
        let opened = list.open::<Anything>(&secret, wrong);
        assert!(opened.is_none(), "{wrong} opens");
    }
}

fn has_one_spelling<P: Position>(list: &ListName, secret: &WorkspaceSecret, sealed: &str) {
    if let Some(position) = list.open::<P>(secret, sealed) {
        assert_eq!(list.seal(secret, &position), sealed);
    }
}

fn secret(letter: u8) -> WorkspaceSecret {
    let text = char::from(letter).to_string().repeat(42) + "A";
    WorkspaceSecret::try_from(text).expect("a secret")
}
