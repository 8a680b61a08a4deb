//! How long a text may be at Discord.

/// The text without surrounding white space, cut to this many UTF-16 units: Discord's limits are
/// characters, which are never more.
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
