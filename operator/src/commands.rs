//! One module per thing that is commanded.

pub mod forget;
pub mod key;
pub mod undo;
pub mod workspace;

/// Eight random hex digits: what tells one run of a command from another.
pub fn random_name() -> String {
    let random = uuid::Uuid::new_v4().simple().to_string();
    random.chars().take(8).collect()
}
