//! The fields of a reason that the workspace offers, as typed.

use shared::domain::clock::UnixSeconds;
use shared::domain::members::ReasonPreset;

use super::super::message::sentence;
use crate::form::{Submitted, TypedField};

/// What a person typed about a reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypedPreset {
    /// The name of the reason that is changed; empty for a new one.
    pub was: String,
    pub name: TypedField,
    pub public: TypedField,
    pub private: TypedField,
    pub length: TypedField,
}

impl TypedPreset {
    pub fn stored(preset: &ReasonPreset) -> Self {
        Self {
            was: preset.name.clone(),
            name: TypedField::filled(&preset.name),
            public: TypedField::filled(&preset.public_reason),
            private: TypedField::filled(&preset.private_reason),
            length: TypedField::filled(preset.length.as_deref().unwrap_or_default()),
        }
    }

    pub fn read(form: &Submitted, now: UnixSeconds) -> (Self, Option<ReasonPreset>) {
        let mut typed = Self {
            was: form.raw("was").to_owned(),
            name: form.typed("name", 80),
            public: form.typed("public_reason", 400),
            private: form.typed("private_reason", 1_000),
            length: form.typed("length", 60),
        };
        let preset = ReasonPreset::new(
            &typed.name.text,
            &typed.public.text,
            &typed.private.text,
            &typed.length.text,
            now,
        );
        match preset {
            Ok(preset) => (typed, Some(preset)),
            Err(wrong) => {
                let field = match wrong.field {
                    "name" => &mut typed.name,
                    "publicReason" => &mut typed.public,
                    "privateReason" => &mut typed.private,
                    _ => &mut typed.length,
                };
                let error = sentence(&format!("this {}", wrong.message));
                field.error.get_or_insert(error);
                (typed, None)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(fields: &[(&str, &str)]) -> (TypedPreset, Option<ReasonPreset>) {
        let fields = fields.iter();
        let fields = fields.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let form = Submitted::new(fields.collect());
        TypedPreset::read(&form, UnixSeconds(1_800_000_000))
    }

    #[test]
    fn complete_form_is_a_reason() {
        let (_, preset) = read(&[
            ("name", "Spam"),
            ("public_reason", "Spam"),
            ("length", "7d"),
        ]);
        let preset = preset.unwrap();
        assert_eq!(TypedPreset::stored(&preset).length.text, "7d");
    }

    #[test]
    fn wrong_field_has_the_error_and_the_text() {
        let (typed, preset) = read(&[("name", "Spam"), ("public_reason", "a\u{202e}b")]);
        assert_eq!((preset, typed.public.text.as_str()), (None, "a\u{202e}b"));
        assert!(!typed.public.is_fine());
        let (typed, _) = read(&[("name", "Spam"), ("public_reason", "x"), ("length", "soon")]);
        assert!(
            typed
                .length
                .error
                .unwrap()
                .starts_with("This must be a length")
        );
    }
}
