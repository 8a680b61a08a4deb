//! `Secret`: a text that scripts can pass to `HttpService` and cannot read.

use mlua::{MetaMethod, Result, UserData, UserDataFields, UserDataMethods};

use crate::bridge::raise;

/// The longest secret, in characters.
pub(crate) const LONGEST: usize = 1024;

/// A secret of the experience, which only one domain may receive.
#[derive(Clone, Debug)]
pub(crate) struct Secret {
    pub text: String,
    pub domain: String,
}

impl Secret {
    fn with(&self, text: String) -> Result<Self> {
        if text.chars().count() > LONGEST {
            return raise("Secret is too long");
        }
        Ok(Self {
            text,
            domain: self.domain.clone(),
        })
    }
}

impl UserData for Secret {
    fn add_fields<F: UserDataFields<Self>>(fields: &mut F) {
        fields.add_meta_field(MetaMethod::Type, "Secret");
    }

    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_method("AddPrefix", |_, this, prefix: String| {
            this.with(format!("{prefix}{}", this.text))
        });
        methods.add_method("AddSuffix", |_, this, suffix: String| {
            this.with(format!("{}{suffix}", this.text))
        });
        methods.add_meta_method(MetaMethod::ToString, |_, _, ()| Ok("Secret"));
    }
}
