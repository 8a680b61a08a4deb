//! What only the operator's command, the console, commands on Discord and tests do, behind the feature
//! `admin`: no other function has it.

mod account_links;
mod actor;
mod counts;
mod deletion;
mod erasure;
mod forms;
mod groups;
mod guild_watches;
mod guilds;
mod import;
mod joining;
mod keys;
mod last_polls;
mod linking;
mod local_stack;
mod members;
mod mirrors;
mod protected;
mod removal;
mod replay;
mod restore;
mod role_rules;
mod server_time;
mod undo;
mod unlinking;
mod webhooks;
mod workspaces;

pub use account_links::Unconfirmed;
pub use counts::BanCounts;
pub use guilds::GuildConflict;
pub use import::{
    Adopted, Candidate, Import, ImportFailure, ImportPlan, ImportVerdict, Incoming, Numbering,
    Origin,
};
pub use joining::CarriedPage;
pub use keys::NewKey;
pub use linking::{LinkSlots, LinkedExperience};
pub use members::{MemberConflict, TooManyRules};
pub use removal::RemovalPosition;
pub use replay::{ReplayPage, Replayed};
pub use restore::{
    Absent, Forwarded, KnownLogs, Piece, RestorePosition, RestoreRun, Restored, Restoring,
    TablePage,
};
pub use role_rules::TooManyRoleRules;
pub use undo::{Chain, FormerRoot, Undo, UndoWindow, UndoneActor, UndoneUsers};
pub use unlinking::StillJoined;
