//! What a person had typed into a form that their session no longer covers, to be copied.

use shared::api::PageRequest;
use shared::domain::error::ApiError;

/// A text with the title of its field.
pub struct TypedText {
    pub title: &'static str,
    pub text: String,
}

/// The fields that are worth keeping.
const KEPT: [(&str, &str); 5] = [
    ("users", "Players"),
    ("public_reason", "Public reason"),
    ("private_reason", "Private reason"),
    ("reason", "Reason"),
    ("text", "Link or text"),
];

/// The kept fields of a submitted form that are not empty.
pub fn typed(request: &PageRequest) -> Result<Vec<TypedText>, ApiError> {
    let form = request.form()?;
    let typed = KEPT.into_iter().filter_map(|(name, title)| {
        let (_, text) = form.iter().find(|(field, _)| field == name)?;
        let text = text.clone();
        (!text.trim().is_empty()).then_some(TypedText { title, text })
    });
    Ok(typed.collect())
}
