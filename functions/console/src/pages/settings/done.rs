//! What an administrator just changed, as the line above a page: with Undo where one click undoes it.

/// The line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoneLine {
    pub text: String,
    pub undo: Option<UndoForm>,
}

/// The form that undoes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndoForm {
    pub action: String,
    pub fields: Vec<(&'static str, String)>,
}

impl DoneLine {
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            undo: None,
        }
    }

    pub fn undone_by(self, action: impl Into<String>, fields: Vec<(&'static str, String)>) -> Self {
        let action = action.into();
        Self {
            undo: Some(UndoForm { action, fields }),
            ..self
        }
    }
}
