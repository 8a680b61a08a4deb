//! Links between a Roblox account and a Discord account, and the codes that prove them.

mod code;
mod discord_name;
mod judging;
mod link;
mod wrong_codes;

pub use code::{CODE_VALID, LinkCode};
pub use discord_name::DiscordName;
pub use judging::{LinkVerdict, judge_link};
pub use link::{AccountLink, LinkPair, LinkProof, LinkSide};
pub use wrong_codes::{WRONG_CODES_OF_KEY, WrongCodes};
