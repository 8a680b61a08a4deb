use super::super::ground::tests::ground;
use super::*;
use crate::ban_view::tests::{NOW, ban};

const WORKSPACE: &str = "arena";

fn typed(pairs: &[(&str, &str)]) -> TypedBan {
    let pairs = pairs.iter();
    let owned = pairs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let form = Submitted::new(owned.collect());
    TypedBan::of_form(&form, &ground().offer, WORKSPACE, false, true)
}

const FINE: [(&str, &str); 4] = [
    ("scope", "experience"),
    ("experience", "75521396999004"),
    ("length", "7d"),
    ("public_reason", "Spam"),
];

#[test]
fn form_becomes_a_ban() {
    let mut typed = typed(&FINE);
    let length = typed.judge_length(None, NOW);
    let moderator = ModeratorId::new(1).unwrap();
    let request = typed
        .request(ground().user, length, moderator, false)
        .unwrap();
    assert_eq!(request.length, Length::For(7 * 86_400));
    assert_eq!(request.private_reason, "Spam");
    assert!(!request.overwrite && !request.applied);
}

#[test]
fn each_error_stands_beside_its_field() {
    let empty = typed(&[]);
    assert!(empty.public.error.is_some() && empty.experience_error.is_some());
    assert!(!empty.is_fine());
    let elsewhere = [
        ("scope", "experience"),
        ("experience", "7"),
        ("public_reason", "x"),
    ];
    assert!(typed(&elsewhere).experience_error.is_some());
    let mut own = typed(&[("length", "own"), ("own", "soon")]);
    assert_eq!(own.judge_length(None, NOW), None);
    assert!(own.length_error.unwrap().contains("12h"));
}

#[test]
fn global_ban_requires_the_exact_name_of_the_workspace() {
    for (name, is_fine) in [
        ("arena", true),
        ("Arena", false),
        ("", false),
        (" arena ", true),
    ] {
        let typed = typed(&[
            ("scope", "global"),
            ("public_reason", "x"),
            ("workspace", name),
        ]);
        assert_eq!(typed.workspace.is_fine(), is_fine, "{name:?}");
        assert_eq!(typed.experience_error, None);
    }
}

#[test]
fn global_ban_requires_its_permission() {
    let form = [
        ("scope", "global"),
        ("public_reason", "x"),
        ("workspace", "arena"),
    ];
    let form = form.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let form = Submitted::new(form.to_vec());
    let typed = TypedBan::of_form(&form, &ground().offer, WORKSPACE, false, false);
    assert!(typed.scope_error.is_some() && !typed.is_fine());
}

#[test]
fn preset_fills_what_is_empty() {
    let name = crate::ban_view::tests::HOSTILE;
    let filled = typed(&[("preset", name)]);
    assert_eq!(filled.public.text, name);
    let own = typed(&[("preset", name), ("public_reason", "Own")]);
    assert_eq!(own.public.text, "Own");
}

#[test]
fn number_without_a_unit_is_no_length() {
    for (own, is_fine) in [("5", false), ("5d", true), ("1h30m", true)] {
        let mut typed = typed(&[("length", OWN), ("own", own)]);
        let length = typed.judge_length(None, NOW);
        assert_eq!(
            (length.is_some(), typed.length_error.is_none()),
            (is_fine, is_fine),
            "{own}"
        );
    }
}

#[test]
fn edited_ban_can_keep_its_end() {
    let mut typed = TypedBan::to_edit(&ban("Spam"));
    let end = Expiry::At(NOW.plus(60));
    assert_eq!(
        typed.judge_length(Some(end), NOW),
        Some(Length::Until(NOW.plus(60)))
    );
    assert_eq!(
        typed.judge_length(Some(Expiry::Never), NOW),
        Some(Length::Permanent)
    );
    assert_eq!(typed.judge_length(None, NOW), None);
}

#[test]
fn length_of_an_ended_ban_is_offered_again() {
    for (seconds, length, own) in [
        (86_400, "1d", ""),
        (2 * 86_400, "own", "2d"),
        (7_200, "own", "2h"),
        (90, "own", "90s"),
    ] {
        assert_eq!(as_length(seconds), (length.to_owned(), own.to_owned()));
    }
}
