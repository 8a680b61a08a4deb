//! Links to attachments in Discord's chat. Discord signs them and lets them expire (parameters `ex`,
//! `is` and `hm`), so as evidence they are soon worthless.

use std::fmt::{self, Display, Formatter};

use crate::domain::clock::UnixSeconds;

const HOSTS: [&str; 2] = ["cdn.discordapp.com", "media.discordapp.net"];
const FOLDERS: [&str; 2] = ["/attachments/", "/ephemeral-attachments/"];
/// The longest part of a link that is searched for its expiry.
const LONGEST: usize = 2048;

/// A link that will expire. Displayed, it is a hint for the uploader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpiringLink {
    /// The link's own expiry, if it has one.
    pub expires: Option<UnixSeconds>,
}

impl ExpiringLink {
    /// The link in a text that expires first.
    #[must_use]
    pub fn find(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        let paths = HOSTS.iter().flat_map(|host| text.split(host).skip(1));
        paths
            .filter(|path| FOLDERS.iter().any(|folder| path.starts_with(folder)))
            .map(|path| Self {
                expires: expiry(path),
            })
            .min_by_key(|link| link.expires.map_or(u64::MAX, |at| at.0))
    }
}

/// The parameter `ex`: Unix seconds in hexadecimal digits.
fn expiry(path: &str) -> Option<UnixSeconds> {
    let ends = |c: char| c.is_whitespace() || c.is_control() || "<>\"'`()[]{}|\\#".contains(c);
    let link: &str = path.split(ends).next()?;
    let link = link.get(..link.len().min(LONGEST))?;
    let (_, query) = link.split_once('?')?;
    let digits = query.split('&').find_map(|pair| pair.strip_prefix("ex="))?;
    let is_hex = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex
        .then(|| u64::from_str_radix(digits, 16).ok())
        .flatten()
        .map(UnixSeconds)
}

impl Display for ExpiringLink {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("the text contains a link to a chat attachment, which expires")?;
        if let Some(expires) = self.expires {
            write!(f, " at Unix time {}", expires.0)?;
        }
        f.write_str(": upload the file instead")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SIGNED: &str =
        "https://cdn.discordapp.com/attachments/1/2/clip.mp4?ex=65d903de&is=65c68ede&hm=2481f30d&";

    #[test]
    fn attachment_links_are_found_with_their_expiry() {
        let expires = Some(UnixSeconds(0x65d9_03de));
        for text in [
            SIGNED.to_owned(),
            SIGNED.to_uppercase(),
            format!("see <{SIGNED}> and https://example.com"),
            format!(
                "[clip]({})",
                SIGNED.replace("cdn.discordapp.com", "media.discordapp.net")
            ),
            SIGNED.replace("?ex=65d903de&is=65c68ede", "?is=65c68ede&ex=65d903de"),
            format!("{SIGNED}\n{}", SIGNED.replace("65d903de", "75d903de")),
        ] {
            assert_eq!(
                ExpiringLink::find(&text),
                Some(ExpiringLink { expires }),
                "{text}"
            );
        }
    }

    #[test]
    fn attachment_link_without_a_readable_expiry_is_found() {
        for query in [
            "",
            "?ex=",
            "?ex=-1",
            "?ex=+65d903de",
            "?ex=xyz",
            "?ex=ffffffffffffffffff",
            "?hm=1",
        ] {
            let text = format!("https://cdn.discordapp.com/attachments/1/2/clip.mp4{query}");
            assert_eq!(
                ExpiringLink::find(&text),
                Some(ExpiringLink { expires: None }),
                "{text}"
            );
        }
    }

    #[test]
    fn other_links_give_no_hint() {
        for text in [
            "",
            "https://example.com/clip.mp4?ex=65d903de",
            "https://cdn.discordapp.com/emojis/1.png",
            "https://discord.com/channels/1/2/3",
            "cdn.discordapp.com",
        ] {
            assert_eq!(ExpiringLink::find(text), None, "{text}");
        }
    }

    #[test]
    fn hint_names_the_expiry() {
        let hint = ExpiringLink::find(SIGNED).unwrap().to_string();
        assert!(
            hint.contains("expires at Unix time 1708721118: upload"),
            "{hint}"
        );
    }

    proptest! {
        #[test]
        fn link_is_found_in_any_text(before in any::<String>(), after in any::<String>()) {
            let text = format!("{before} {SIGNED} {after}");
            prop_assert!(ExpiringLink::find(&text).is_some());
        }
    }
}
