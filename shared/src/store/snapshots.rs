//! Snapshots of the banned users of a workspace: an object in a bucket for each, and its state in the
//! bans table. The object alone says what it contains; the state says when to build the next.

mod bucket;
mod build;
mod builder;
mod object;
mod plan;
mod state;

pub use bucket::SnapshotBucket;
pub use build::BuildOutcome;
pub use builder::SnapshotBuilder;
pub use object::{SnapshotHeader, SnapshotObject};
pub use state::{DueSnapshot, SnapshotPosition, SnapshotState};
