//! The limits of Discord's messages. Discord does not say how it counts a character; UTF-16 units are the
//! strictest reading, so that a message within them is within any other.

/// The most embeds of a message.
pub const EMBEDS: usize = 10;

/// The most characters of all embeds of a message together.
pub const MESSAGE: usize = 6_000;

/// The most characters of a field's value.
pub const VALUE: usize = 1_024;

/// The most characters of a field's name.
#[cfg(test)]
pub const NAME: usize = 256;

/// The most characters of a title.
#[cfg(test)]
pub const TITLE: usize = 256;

/// The most characters of a footer.
#[cfg(test)]
pub const FOOTER: usize = 2_048;

/// The length of a text.
pub fn length(text: &str) -> usize {
    text.encode_utf16().count()
}
