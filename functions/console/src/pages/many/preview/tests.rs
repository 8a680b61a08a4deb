//! Tests of the preview.

use std::borrow::Cow;

use shared::domain::bulk::{BulkOutcome, BulkResult};

use super::order::tests::{BAN, typed};
use super::*;
use crate::ban_view::tests::HOSTILE;

/// The most bytes of a preview of a thousand players.
const BUDGET: usize = 400_000;

fn user(id: u64) -> UserId {
    UserId::new(id).unwrap()
}

fn result(id: u64, result: BulkResult, code: Option<&'static str>) -> UserResult {
    UserResult {
        user_id: user(id),
        outcome: BulkOutcome {
            result,
            guid: Some("633".to_owned()),
            code: code.map(Cow::Borrowed),
        },
    }
}

fn pasted(text: &str, entry: PastedPlayer) -> PastedEntry {
    let text = text.to_owned();
    PastedEntry { text, entry }
}

fn page(action: &str, found: &[PastedEntry], would: &[UserResult]) -> ManyPreviewPage {
    let mut fields = BAN.to_vec();
    fields[0].1 = action;
    fields[4].1 = HOSTILE;
    fields.extend([("users", HOSTILE), ("reason", HOSTILE)]);
    let ground = Ground {
        found,
        would,
        details: HashMap::from([(user(2), HOSTILE.to_owned())]),
        names: HashMap::new(),
    };
    let (look, frame) = (Look::default(), Frame::example(true));
    ManyPreviewPage::new(look, frame, &typed(&fields), HOSTILE, &ground, None)
}

#[test]
fn every_pasted_text_is_accounted_for() {
    let found = [
        pasted("1", PastedPlayer::Player(user(1))),
        pasted("2", PastedPlayer::Player(user(2))),
        pasted("3", PastedPlayer::Player(user(3))),
        pasted(HOSTILE, PastedPlayer::Unknown(HOSTILE.to_owned())),
        pasted("1", PastedPlayer::Duplicate(user(1))),
    ];
    let would = [
        result(1, BulkResult::Banned, None),
        result(2, BulkResult::Refused, Some("already_banned")),
        result(3, BulkResult::Refused, Some("protected_user")),
    ];
    let page = page("ban", &found, &would);
    let counts = [
        (1, "Would be banned"),
        (1, "Already banned"),
        (1, "Protected"),
        (1, "Unknown"),
        (1, "Duplicate"),
    ];
    assert_eq!(page.counts, counts);
    let html = page.render().unwrap();
    for hostile in ["<img", "<script>alert", "\"'"] {
        assert!(!html.contains(hostile), "{hostile:?}");
    }
    assert!(html.contains("Type 1 to confirm") && html.contains("Ban 1 player"));
}

#[test]
fn lift_names_the_bans_that_were_seen() {
    let found = [pasted("1", PastedPlayer::Player(user(1)))];
    let page = page("lift", &found, &[result(1, BulkResult::Unbanned, None)]);
    let fields = page.form.unwrap().fields;
    assert!(
        fields.contains(&("users", "1-633".to_owned())),
        "{fields:?}"
    );
}

#[test]
fn nothing_to_do_offers_no_button() {
    let found = [pasted("2", PastedPlayer::Player(user(2)))];
    let would = [result(2, BulkResult::Refused, Some("already_banned"))];
    let html = page("ban", &found, &would).render().unwrap();
    assert!(!html.contains("/console/many/run"), "{html}");
    assert!(html.contains("Nobody to ban"), "{html}");
}

#[test]
fn thousand_players_stay_in_their_budget() {
    let ids = 7_000_000_000..7_000_001_000;
    let found: Vec<_> = ids
        .clone()
        .map(|id| pasted("7000000000", PastedPlayer::Player(user(id))))
        .collect();
    let would: Vec<_> = ids.map(|id| result(id, BulkResult::Banned, None)).collect();
    let html = page("ban", &found, &would).render().unwrap();
    assert!(html.len() < BUDGET, "{} bytes", html.len());
}
