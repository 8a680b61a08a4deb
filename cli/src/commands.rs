//! One module per thing that is commanded.

pub mod ban;
pub mod check;
pub mod doctor;
pub mod documents;
pub mod enforcement;
pub mod erasure;
pub mod experience;
pub mod export;
pub mod forget;
pub mod history;
pub mod import;
pub mod key;
pub mod pending;
pub mod protected;
pub mod restore;
pub mod unban;
pub mod undo;
pub mod webhook;
pub mod workspace;
