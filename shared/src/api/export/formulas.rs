//! Cells that a spreadsheet would run as a formula (OWASP, "CSV Injection").
//!
//! A cell starts at the beginning of the text, and after any character at which a spreadsheet may
//! split. That character depends on the reader's locale: `x;=1+1` in a file with commas is two
//! cells to a spreadsheet that expects semicolons. A leading apostrophe makes a formula text.
//! Existing apostrophes get one more, so removing one restores every text.

use std::borrow::Cow;

use crate::domain::text::is_blank;

/// Characters within a cell at which a spreadsheet may split a row.
const SEPARATORS: [char; 5] = [';', '|', '\t', '\n', '\r'];

/// A text in which no spreadsheet finds a formula.
#[must_use]
pub fn defused(text: &str) -> Cow<'_, str> {
    if !starts(text).any(is_formula_like) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len().saturating_add(4));
    for part in parts(text) {
        if is_formula_like(part.rest) {
            out.push('\'');
        }
        out.push_str(part.own);
    }
    Cow::Owned(out)
}

/// The original of a [`defused`] text.
#[must_use]
pub fn restored(text: &str) -> Cow<'_, str> {
    let has_apostrophe = |rest: &str| rest.strip_prefix('\'').is_some_and(is_formula_like);
    if !starts(text).any(has_apostrophe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for part in parts(text) {
        let cut = usize::from(has_apostrophe(part.rest));
        out.push_str(part.own.get(cut..).unwrap_or_default());
    }
    Cow::Owned(out)
}

/// A part of a text that may become a cell.
struct Part<'a> {
    /// The part, with the separator after it.
    own: &'a str,
    /// The text from the beginning of the part.
    rest: &'a str,
}

fn parts(text: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = text;
    text.split_inclusive(SEPARATORS).map(move |own| {
        let part = Part { own, rest };
        rest = rest.get(own.len()..).unwrap_or_default();
        part
    })
}

fn starts(text: &str) -> impl Iterator<Item = &str> {
    parts(text).map(|part| part.rest)
}

/// Whether a formula follows: any apostrophes, then characters that a spreadsheet may skip, then
/// one that begins a formula.
fn is_formula_like(text: &str) -> bool {
    let text = text.trim_start_matches('\'');
    let skipped = |c: char| (c == '"' || is_blank(c)) && !SEPARATORS.contains(&c);
    text.trim_start_matches(skipped).starts_with([
        '=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠', '﹦', '﹢', '﹣', '﹫', '−',
    ])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn formulas_are_defused_wherever_a_spreadsheet_may_split() {
        for (text, safe) in [
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t'=1"),
            ("'=1", "''=1"),
            ("x;=1+1", "x;'=1+1"),
            ("x\t=1", "x\t'=1"),
            ("x|@a", "x|'@a"),
            ("x\r\n=1", "x\r\n'=1"),
            ("x; =1", "x;' =1"),
            ("x;\"=1\"", "x;'\"=1\""),
            ("＝1", "'＝1"),
            ("x;＋1;－1;＠a", "x;'＋1;'－1;'＠a"),
        ] {
            assert_eq!(defused(text), safe);
            assert_eq!(restored(safe), text);
        }
        for text in [
            "a=1", "it's", "'quoted'", "'", "", "a; b", "a - b", "1+1", "e-mail",
        ] {
            assert!(matches!(defused(text), Cow::Borrowed(_)), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn defused_text_has_no_formula_and_is_restorable(
            text in prop_oneof!["['=+@;|\t\n\r \"ab＝－-]{0,12}", any::<String>()],
        ) {
            let safe = defused(&text).into_owned();
            prop_assert_eq!(restored(&safe), text);
            for cell in safe.split(SEPARATORS) {
                let first = cell.trim_start_matches(|c| c == '"' || is_blank(c)).chars().next();
                let runs = |c| "=+-@＝＋－＠".contains(c);
                prop_assert!(!first.is_some_and(runs), "{:?} in {:?}", cell, safe);
            }
        }
    }
}
