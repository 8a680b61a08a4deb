//! Text that people write and others read: which reasons are accepted, and how text is printed.
//!
//! Right-to-left languages need marks and isolates, and emoji and Indic scripts need joiners, so
//! these are kept byte for byte. Embeddings, overrides and unclosed isolates are rejected: they
//! reorder the text after them (CVE-2021-42574).

use std::borrow::Cow;
use std::fmt::{self, Display, Formatter, Write};

/// Why a reason is rejected. Displayed, it completes a sentence that begins with the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// More bytes than allowed.
    TooLong { bytes: usize, most: usize },
    /// A control character other than tab, line feed and carriage return.
    Control(char),
    /// An embedding or override, U+202A to U+202E.
    Override(char),
    /// An isolate (U+2066 to U+2068) without U+2069 in the same paragraph, or the reverse.
    UnclosedIsolate,
    /// No visible character.
    Invisible,
}

impl Display for Fault {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { bytes, most } => {
                write!(f, "is {bytes} bytes long: must be at most {most}")
            }
            Self::Control(c) => write!(
                f,
                "must not contain control characters (it contains U+{:04X})",
                u32::from(*c)
            ),
            Self::Override(c) => write!(
                f,
                "must not contain directional embeddings or overrides (it contains U+{:04X})",
                u32::from(*c)
            ),
            Self::UnclosedIsolate => f.write_str(
                "must close each directional isolate: U+2066, U+2067 or U+2068, then U+2069 on the \
                 same line",
            ),
            Self::Invisible => f.write_str("must contain at least one visible character"),
        }
    }
}

/// The longest display name, in characters.
pub const LONGEST_NAME: usize = 100;

/// The text without surrounding white space, if it can be a display name: printable, on one line.
#[must_use]
pub fn display_name(text: &str) -> Option<&str> {
    // A character has at most four bytes.
    let name = judge(text, LONGEST_NAME.saturating_mul(4)).ok()?;
    let length = name.chars().count();
    let fits = (1..=LONGEST_NAME).contains(&length) && !name.contains(char::is_control);
    fits.then_some(name)
}

/// Validates a reason of at most `most` bytes, for the API, the CLI and imports. Returns it without
/// surrounding white space; it may be empty.
pub fn judge(text: &str, most: usize) -> Result<&str, Fault> {
    let text = text.trim();
    if text.len() > most {
        let bytes = text.len();
        return Err(Fault::TooLong { bytes, most });
    }
    let mut isolates: u32 = 0;
    for c in text.chars() {
        match c {
            '\u{202A}'..='\u{202E}' => return Err(Fault::Override(c)),
            '\u{2066}'..='\u{2068}' => isolates = isolates.saturating_add(1),
            '\u{2069}' => isolates = isolates.checked_sub(1).ok_or(Fault::UnclosedIsolate)?,
            // A paragraph ends here, and every isolate with it.
            '\n' | '\r' | '\u{2029}' if isolates > 0 => return Err(Fault::UnclosedIsolate),
            '\t' | '\n' | '\r' => {}
            _ if c.is_control() => return Err(Fault::Control(c)),
            _ => {}
        }
    }
    if isolates > 0 {
        return Err(Fault::UnclosedIsolate);
    }
    if !text.is_empty() && text.chars().all(|c| is_blank(c) || combines(c)) {
        return Err(Fault::Invisible);
    }
    Ok(text)
}

/// A text that comes from code and not from a person, in a form that [`judge`] accepts: on one line,
/// without control and directional characters, cut to `most` bytes; none if nothing visible is left.
#[must_use]
pub fn cleaned(text: &str, most: usize) -> Option<String> {
    let is_unsafe =
        |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    let plain = text.replace(is_unsafe, " ");
    let mut kept = String::new();
    for c in plain.trim().chars() {
        if kept.len().saturating_add(c.len_utf8()) > most {
            break;
        }
        kept.push(c);
    }
    let kept = judge(&kept, most).unwrap_or_default();
    (!kept.is_empty()).then(|| kept.to_owned())
}

/// Whether a character is invisible: white space, and what fonts leave empty. The ranges are
/// `Default_Ignorable_Code_Point` of Unicode 16, with the blank characters that are not in it.
#[must_use]
pub fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{13430}'..='\u{1345F}'
            | '\u{16FE4}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D159}' | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{E0FFF}')
}

/// Whether a character only modifies the one before it: the blocks of combining marks. Alone, they
/// have nothing to modify.
pub(crate) const fn combines(c: char) -> bool {
    matches!(c,
        '\u{0300}'..='\u{036F}' | '\u{0483}'..='\u{0489}' | '\u{1AB0}'..='\u{1AFF}'
        | '\u{1DC0}'..='\u{1DFF}' | '\u{20D0}'..='\u{20FF}' | '\u{FE20}'..='\u{FE2F}')
}

/// A text on one line that cannot control a terminal or reorder what is printed beside it: control
/// characters, line ends and directional characters become escapes such as `\u{1b}`. Everything
/// that the CLI prints from files or from storage passes through here.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    escaped(text, |_| false)
}

/// The same for a text of several lines: line feeds stay.
#[must_use]
pub fn printable_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c == '\n')
}

/// A JSON document with such characters, which can only be in its strings, as JSON escapes. Its
/// meaning is unchanged.
#[must_use]
pub fn printable_json(text: &str) -> Cow<'_, str> {
    let steers = |c: char| steers(c) && !matches!(c, '\t' | '\n' | '\r');
    if !text.chars().any(steers) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if steers(c) {
            // All of them are in the basic plane.
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

fn escaped(text: &str, is_kept: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(|c| steers(c) && !is_kept(c)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if steers(c) && !is_kept(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Whether a terminal may do anything other than show a character in its place.
pub(crate) fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{206F}'
            | '\u{FFF9}'..='\u{FFFB}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_in_any_language_is_kept_byte_for_byte() {
        for text in [
            "\u{200F}חזר בחשבון\u{200F}",
            "\u{200F}שלום 123\u{200E}",
            "\u{061C}مخادع",
            "ban of \u{2068}محمد\u{2069}, 7 days",
            "\u{2067}a\u{2066}b\u{2069}c\u{2069}",
            "👩\u{200D}🚀",
            "क\u{094D}\u{200D}ष",
            "می\u{200C}خواهم",
            "line 1\r\nline 2\tend",
            "👍🏽\u{FE0F}",
            "e\u{301}",
            "a\u{2028}b",
        ] {
            assert_eq!(judge(text, 400), Ok(text), "{text:?}");
        }
        assert_eq!(judge("  ä ", 2), Ok("ä"));
        assert_eq!(judge(" \n ", 2), Ok(""));
    }

    #[test]
    fn text_of_code_is_kept_on_one_line_and_cut() {
        for (text, kept) in [
            ("HTTP 429", Some("HTTP 429")),
            (" \n HTTP\r\n429\t", Some("HTTP  429")),
            ("\u{0}a\u{202E}b\u{2066}c", Some("a b c")),
            (
                "👩\u{200D}🚀 می\u{200C}خواهم",
                Some("👩\u{200D}🚀 می\u{200C}خواهم"),
            ),
            (" \u{200B}\n", None),
            ("", None),
        ] {
            assert_eq!(cleaned(text, 100).as_deref(), kept, "{text:?}");
        }
        let long = format!("a{}", "é".repeat(60));
        assert_eq!(cleaned(&long, 100).map(|kept| kept.len()), Some(99));
    }

    #[test]
    fn deceptive_text_is_rejected() {
        use Fault::{Control, Invisible, Override, UnclosedIsolate};
        let table = [
            ("a\u{0}b", Control('\u{0}')),
            ("a\u{1b}[31m", Control('\u{1b}')),
            ("a\u{7f}b", Control('\u{7f}')),
            ("a\u{9b}2Jb", Control('\u{9b}')),
            ("a\u{202A}b\u{202C}", Override('\u{202A}')),
            ("a\u{202B}b", Override('\u{202B}')),
            ("a\u{202C}b", Override('\u{202C}')),
            ("a\u{202D}b", Override('\u{202D}')),
            ("a\u{202E}b", Override('\u{202E}')),
            ("a\u{2066}b", UnclosedIsolate),
            ("a\u{2067}b\u{2068}c\u{2069}", UnclosedIsolate),
            ("a\u{2069}b", UnclosedIsolate),
            ("\u{2069}a\u{2066}", UnclosedIsolate),
            ("\u{2067}a\nb\u{2069}", UnclosedIsolate),
            ("\u{200B}", Invisible),
            ("\u{3164}", Invisible),
            ("\u{2800}\u{2800}", Invisible),
            ("\u{200F}\u{200F}", Invisible),
            ("\u{2067}\u{2069}", Invisible),
            ("\u{FEFF}\u{200D} \u{2060}", Invisible),
            ("\u{115F}\u{FFA0}\u{00AD}", Invisible),
            ("\u{E0041}\u{E007F}", Invisible),
            ("\u{1160}\u{180E}\u{FE0F}\u{E0100}", Invisible),
            ("\u{301}", Invisible),
            ("\u{200B}\u{20E3}\u{FE0F}", Invisible),
        ];
        for (text, fault) in table {
            assert_eq!(judge(text, 400), Err(fault), "{text:?}");
        }
        let (bytes, most) = (4, 3);
        assert_eq!(judge(" ää ", 3), Err(Fault::TooLong { bytes, most }));
    }

    #[test]
    fn escape_sequences_are_escaped() {
        let text = "a\u{1b}[2J\r\nb\u{202e}\u{9b}31m";
        assert_eq!(
            printable(text),
            "a\\u{1b}[2J\\u{d}\\u{a}b\\u{202e}\\u{9b}31m"
        );
        assert_eq!(printable_lines("a\nb\r\u{1b}"), "a\nb\\u{d}\\u{1b}");
        assert!(matches!(printable("שלום, 世界"), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn any_text_of_code_is_cleaned_to_an_acceptable_one(text in ".{0,200}", most in 1..150_usize) {
            if let Some(kept) = cleaned(&text, most) {
                prop_assert_eq!(judge(&kept, most), Ok(kept.as_str()));
                prop_assert_eq!(cleaned(&kept, most), Some(kept.clone()));
            }
        }

        #[test]
        fn accepted_reason_is_a_fixed_point_and_visible(text in any::<String>()) {
            if let Ok(accepted) = judge(&text, 400) {
                prop_assert_eq!(judge(accepted, 400), Ok(accepted));
                prop_assert!(text.contains(accepted));
                prop_assert!(accepted.is_empty() || !accepted.chars().all(is_blank));
                let embeds = |c| matches!(c, '\u{202A}'..='\u{202E}');
                prop_assert!(!accepted.contains(embeds));
            }
        }

        /// An accepted text between others does not affect their order: isolates pair up within it.
        #[test]
        fn isolates_pair_up_on_each_line(text in "[a\u{2066}-\u{2069}\n]{0,12}") {
            let accepted = judge(&text, 400).is_ok_and(|text| !text.is_empty());
            let trimmed = text.trim();
            let pairs = trimmed.split('\n').all(|line| {
                let mut depth = 0;
                let closes = line.chars().all(|c| {
                    depth += match c { '\u{2069}' => -1, 'a' => 0, _ => 1 };
                    depth >= 0
                });
                closes && depth == 0
            });
            prop_assert_eq!(accepted, pairs && text.contains('a'));
        }

        #[test]
        fn printed_text_cannot_control_the_terminal(text in any::<String>()) {
            prop_assert!(!printable(&text).contains(steers));
            prop_assert!(!printable_lines(&text).contains(|c| steers(c) && c != '\n'));
            let json = serde_json::to_string_pretty(&[&text]).unwrap();
            let printed = printable_json(&json);
            prop_assert!(!printed.contains(|c| steers(c) && c != '\n'));
            let back: Vec<String> = serde_json::from_str(&printed).unwrap();
            prop_assert_eq!(back, vec![text]);
        }
    }
}
