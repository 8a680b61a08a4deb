//! Discord's interactions: what arrives, what is answered, and the commands. No type here knows a network.

mod attachment;
mod audit_log;
mod audit_reason;
mod button;
mod commands;
mod fields;
mod guild_ban;
mod guild_rules;
mod guild_watch;
mod interaction;
pub mod limits;
mod message;
mod modal;
mod reply;
mod signature;

pub use attachment::{AttachmentLink, FileStore};
pub use audit_log::{AuditCursor, AuditEntry, AuditReading, GuildBanChange};
pub use audit_reason::AuditReason;
pub use button::ButtonAction;
pub use commands::{
    BAN_MENU, COMMANDS, CommandDefinition, CommandOption, HISTORY_MENU, OptionKind,
};
pub use guild_ban::{GuildModerator, Unbannable, judge_guild_ban};
pub use guild_rules::{
    GameCause, GuildCause, GuildRule, GuildRules, RuleFault, RuleProgress, RuleWait, SkippedCause,
};
pub use guild_watch::{GuildWatch, WatchFailure, WatchFault, WatchGap};
pub use interaction::{
    Interaction, InteractionKind, InteractionSender, InteractionToken, TOKEN_VALID,
};
pub use message::{ButtonStyle, DiscordButton, DiscordEmbed, DiscordMessage, EmbedField};
pub use modal::{DiscordModal, ModalField};
pub use reply::{InteractionReply, ReplyChoice};
pub use signature::{
    DiscordPublicKey, InteractionSignature, InvalidPublicKey, SIGNATURE_HEADER, TIMESTAMP_HEADER,
};
