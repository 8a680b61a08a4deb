//! One module per thing that is commanded.

pub mod ban;
pub mod check;
pub mod doctor;
pub mod documents;
pub mod experience;
pub mod history;
pub mod key;
pub mod pending;
pub mod protected;
pub mod unban;
pub mod workspace;
