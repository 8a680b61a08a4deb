//! The size of an answer: Lambda allows 6 MB, as a string within JSON.

/// The largest answer in bytes as Lambda sends it. Lambda's limit is 6,291,556 bytes with headers.
pub const LARGEST_ANSWER: usize = 5 * 1024 * 1024;

/// How many bytes a text takes within a JSON string.
#[must_use]
pub fn weight(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .map(|byte| match byte {
            b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0C => 2,
            0..=31 => 6,
            _ => 1,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weight_is_the_length_within_a_json_string() {
        for code in (0..=0x2FF).chain([0x2028, 0xFFFD, 0x1_F600]) {
            let text = char::from_u32(code).unwrap().to_string();
            let written = serde_json::to_string(&text).unwrap();
            assert_eq!(weight(text.as_bytes()), written.len() - 2, "{code:x}");
        }
    }
}
