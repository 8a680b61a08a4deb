//! The limits of Discord's messages, in characters. Discord does not say how it counts one; UTF-16 units are the
//! strictest reading, so that a message within them is within any other.

pub const CONTENT: usize = 2_000;
pub const TITLE: usize = 256;
pub const DESCRIPTION: usize = 4_096;
pub const FIELD_NAME: usize = 256;
pub const FIELD_VALUE: usize = 1_024;
pub const FOOTER: usize = 2_048;
pub const LABEL: usize = 80;

/// Of all embeds of a message together.
pub const IN_ALL: usize = 6_000;

/// How many a message may have.
pub const EMBEDS: usize = 10;

/// The text without surrounding white space, cut to this many UTF-16 units.
#[must_use]
pub fn cut(text: &str, most: usize) -> String {
    let text = text.trim();
    if units(text) <= most {
        return text.to_owned();
    }
    // One for the ellipsis.
    let Some(mut left) = most.checked_sub(1) else {
        return String::new();
    };
    let mut kept = String::new();
    for c in text.chars() {
        let Some(rest) = left.checked_sub(c.len_utf16()) else {
            break;
        };
        left = rest;
        kept.push(c);
    }
    kept.truncate(kept.trim_end().len());
    kept.push('…');
    kept
}

/// The length of a text.
#[must_use]
pub fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_texts_end_with_an_ellipsis() {
        assert_eq!(cut(" ab ", 2), "ab");
        assert_eq!(cut("abc", 2), "a…");
        assert_eq!((cut("abc", 1).as_str(), cut("abc", 0).as_str()), ("…", ""));
        assert_eq!(cut("a bc", 3), "a…");
        assert_eq!(cut("😀😀", 4), "😀😀");
        assert_eq!(cut("😀😀", 3), "😀…");
        assert_eq!(units(&cut(&"😀".repeat(100), 11)), 11);
    }
}
