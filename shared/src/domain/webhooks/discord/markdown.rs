//! Text of others in Discord's Markdown: shown as written, with no link, mention or format in it.

use std::fmt;

use serde::Serialize;

use crate::domain::clock::UnixSeconds;
use crate::domain::discord::limits::units;
use crate::domain::text::{combines, is_blank, steers};

/// Shown where a text was cut.
const CUT: char = '\u{2026}';

/// Markdown in which every text of others is escaped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct EscapedMarkdown(String);

impl EscapedMarkdown {
    /// Our own text, which has no Markdown.
    pub fn plain(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A text of others, cut to this length.
    pub fn of(text: &str, most: usize) -> Self {
        let mut out = String::new();
        let mut left = most;
        let mut characters = text.trim().chars().map(shown).peekable();
        while let Some(c) = characters.next() {
            let escaped = usize::from(is_markup(c));
            let needed = c.len_utf16().saturating_add(escaped);
            // One is kept for the mark of the cut, unless this is the last character.
            let spare = usize::from(characters.peek().is_some());
            if needed.saturating_add(spare) > left {
                // What is joined to the first lost character goes with it.
                if belongs_to_previous(c) {
                    cut_last(&mut out);
                }
                while out.ends_with(is_joiner) {
                    out.pop();
                }
                out.push(CUT);
                break;
            }
            if escaped > 0 {
                out.push('\\');
            }
            out.push(c);
            left = left.saturating_sub(needed);
        }
        Self(out)
    }

    /// A link to an address of ours, which has no parenthesis and no space.
    pub fn link(label: &Self, address: &str) -> Self {
        Self(format!("[{label}]({address})"))
    }

    /// A point in time, in the reader's own time zone and as a distance from now.
    pub fn time(at: UnixSeconds) -> Self {
        Self(format!("<t:{at}:f> (<t:{at}:R>)"))
    }

    pub fn is_blank(&self) -> bool {
        self.0.chars().all(is_blank)
    }

    pub fn length(&self) -> usize {
        units(&self.0)
    }

    #[must_use]
    pub fn and(mut self, text: &str) -> Self {
        self.0.push_str(text);
        self
    }
}

impl fmt::Display for EscapedMarkdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether Discord may see markup in a character. A colon would make a link of `https://`, and `<`, `@`
/// and `#` mentions. Discord shows any of these as written behind a backslash.
#[must_use]
pub const fn is_markup(c: char) -> bool {
    matches!(
        c,
        '\\' | '*'
            | '_'
            | '~'
            | '`'
            | '|'
            | '>'
            | '<'
            | '#'
            | '['
            | ']'
            | '('
            | ')'
            | '-'
            | '+'
            | ':'
            | '@'
    )
}

/// On one line, without what reorders the text beside it.
fn shown(c: char) -> char {
    if steers(c) { ' ' } else { c }
}

const fn is_joiner(c: char) -> bool {
    c == '\u{200D}'
}

/// Whether a character only changes the one before it.
fn belongs_to_previous(c: char) -> bool {
    combines(c) || is_joiner(c) || matches!(c, '\u{FE00}'..='\u{FE0F}' | '\u{1F3FB}'..='\u{1F3FF}')
}

/// Removes the last character with what changes it, and its backslash.
fn cut_last(out: &mut String) {
    while let Some(c) = out.pop() {
        if belongs_to_previous(c) {
            continue;
        }
        if is_markup(c) {
            out.pop();
        }
        break;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(text: &str, most: usize) -> String {
        EscapedMarkdown::of(text, most).to_string()
    }

    #[test]
    fn markup_of_others_is_shown_as_written() {
        for (text, expected) in [
            ("plain, text!", "plain, text!"),
            ("**bold** _it_", r"\*\*bold\*\* \_it\_"),
            (
                "~~x~~ ||spoiler|| `code`",
                r"\~\~x\~\~ \|\|spoiler\|\| \`code\`",
            ),
            (
                "[free](https://evil.example)",
                r"\[free\]\(https\://evil.example\)",
            ),
            ("https://evil.example/x", r"https\://evil.example/x"),
            ("<@80351110224678912>", r"\<\@80351110224678912\>"),
            (
                "<#1> <@&2> <t:1:R> <:a:3>",
                r"\<\#1\> \<\@&2\> \<t\:1\:R\> \<\:a\:3\>",
            ),
            ("@everyone @here", r"\@everyone \@here"),
            ("# title\n> quote\n- item", r"\# title \> quote \- item"),
            (r"\*escaped\*", r"\\\*escaped\\\*"),
            ("a\u{202e}b\u{2028}c\r\n", "a b c"),
        ] {
            assert_eq!(of(text, 100), expected, "{text}");
        }
    }

    #[test]
    fn text_is_cut_at_the_limit_in_whole_characters() {
        for (text, most, expected) in [
            ("abcde", 5, "abcde"),
            ("abcdef", 5, "abcd\u{2026}"),
            // An escape is never cut in half.
            ("ab*", 4, r"ab\*"),
            ("abc*", 4, "abc\u{2026}"),
            ("ab**", 4, "ab\u{2026}"),
            // An emoji has two UTF-16 units.
            ("\u{1F600}\u{1F600}", 4, "\u{1F600}\u{1F600}"),
            ("\u{1F600}\u{1F600}", 3, "\u{1F600}\u{2026}"),
            ("a\u{1F600}", 2, "a\u{2026}"),
            // A mark stays with its letter, and a joined emoji whole.
            ("abce\u{301}", 5, "abce\u{301}"),
            ("abcde\u{301}", 5, "abcd\u{2026}"),
            ("ab\u{1F468}\u{200D}\u{1F469}", 6, "ab\u{1F468}\u{2026}"),
            ("*\u{301}x", 2, "\u{2026}"),
        ] {
            let cut = of(text, most);
            assert_eq!(cut, expected, "{text} to {most}");
            assert!(units(&cut) <= most, "{text} to {most}");
        }
    }

    proptest! {
        /// Whatever the text, the result is within the limit, and each character of markup follows a
        /// backslash of its own.
        #[test]
        fn every_text_is_escaped_within_the_limit(text in "\\PC{0,60}|[*_<@:\\\\\u{301}\u{1F600}a]{0,60}", most in 1_usize..50) {
            let escaped = of(&text, most);
            prop_assert!(units(&escaped) <= most, "{escaped:?}");
            let mut characters = escaped.chars();
            while let Some(c) = characters.next() {
                if c == '\\' {
                    prop_assert!(characters.next().is_some_and(is_markup), "{escaped:?}");
                } else {
                    prop_assert!(!is_markup(c), "{escaped:?}");
                }
            }
        }
    }
}
