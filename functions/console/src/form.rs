//! What a person submits: each field keeps its typed text, and what is wrong with it.

use shared::domain::text;

/// A submitted form or query.
#[derive(Clone, Debug, Default)]
pub struct Submitted(Vec<(String, String)>);

/// A field of a form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypedField {
    /// As typed, to be shown again.
    pub text: String,
    /// What is wrong, as a sentence.
    pub error: Option<String>,
}

impl Submitted {
    pub const fn new(fields: Vec<(String, String)>) -> Self {
        Self(fields)
    }

    /// The first value of a field, as sent; empty if it is missing.
    pub fn raw(&self, name: &str) -> &str {
        let mut fields = self.0.iter();
        let found = fields.find(|(field, _)| field == name);
        found.map_or("", |(_, value)| value)
    }

    /// All values of a field, as sent.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let fields = self.0.iter().filter(move |(field, _)| field == name);
        fields.map(|(_, value)| value.as_str())
    }

    /// The value without surrounding white space.
    pub fn text(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// The value, if it is there and can be parsed.
    pub fn parsed<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.text(name).parse().ok()
    }

    /// A text of at most `most` bytes. Browsers send line ends as CR LF; one is one byte, as the page
    /// counts it.
    pub fn typed(&self, name: &str, most: usize) -> TypedField {
        let typed = self.raw(name).replace("\r\n", "\n");
        let error = text::judge(&typed, most).err();
        TypedField {
            error: error.map(|fault| format!("The text {fault}.")),
            text: typed,
        }
    }

    /// The same for a text that must not be empty.
    pub fn required(&self, name: &str, most: usize, missing: &str) -> TypedField {
        let mut field = self.typed(name, most);
        if field.value().is_empty() {
            field.error = Some(missing.to_owned());
        }
        field
    }
}

impl TypedField {
    /// A field filled in by the console.
    pub fn filled(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            error: None,
        }
    }

    /// The text without surrounding white space, in the form that is stored.
    pub fn value(&self) -> &str {
        self.text.trim()
    }

    pub const fn is_fine(&self) -> bool {
        self.error.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(value: &str) -> Submitted {
        Submitted::new(vec![("reason".to_owned(), value.to_owned())])
    }

    #[test]
    fn text_is_counted_in_bytes_and_kept_as_typed() {
        let field = form("  ää \r\n").typed("reason", 4);
        assert_eq!((field.value(), &field.error), ("ää", &None));
        let long = form("ääa").typed("reason", 4);
        assert_eq!(long.text, "ääa");
        assert!(long.error.unwrap().contains("5 bytes"));
        assert_eq!(form("a\r\nb").typed("reason", 3).error, None);
    }

    #[test]
    fn hostile_text_is_refused_and_kept() {
        for text in ["a\u{202e}b", "a\u{0}", "\u{200b}"] {
            let field = form(text).required("reason", 100, "Say why.");
            assert!(field.error.is_some(), "{text:?}");
            assert_eq!(field.text, text);
        }
    }

    #[test]
    fn missing_text_has_its_own_message() {
        let missing = |value| form(value).required("reason", 10, "Say why.").error;
        assert_eq!(missing(" "), Some("Say why.".to_owned()));
        assert_eq!(missing("x"), None);
        let absent = Submitted::default().required("reason", 10, "Say why.");
        assert!(!absent.is_fine());
    }

    #[test]
    fn first_value_of_a_repeated_field_counts() {
        let repeated = [("a", "1"), ("a", "2")];
        let repeated = repeated.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let form = Submitted::new(repeated.to_vec());
        assert_eq!(form.raw("a"), "1");
        assert_eq!(form.parsed::<u32>("a"), Some(1));
        assert_eq!(form.raw("b"), "");
    }
}
