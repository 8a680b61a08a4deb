//! Events as messages in a channel of Discord, through one of its webhooks.

mod answer;
mod colour;
mod event_embed;
mod markdown;
mod message;
mod parts;
mod webhook;

pub use answer::WebhookAnswer;
pub use event_embed::{EventEmbed, member_shown, users_shown};
pub use markdown::is_markup;
pub use message::ChannelMessage;
pub use parts::KnownNames;
pub use webhook::{DiscordWebhook, InvalidDiscordWebhook, is_of_discord};
