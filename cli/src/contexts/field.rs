//! What a context can set.

/// A value of a context: the default of the options that the variable sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ContextField {
    Workspace,
    Experience,
    Moderator,
    Stack,
    Region,
    Profile,
    Endpoint,
    Api,
    KeyFile,
    KeyVariable,
}

impl ContextField {
    pub const ALL: [Self; 10] = [
        Self::Workspace,
        Self::Experience,
        Self::Moderator,
        Self::Stack,
        Self::Region,
        Self::Profile,
        Self::Endpoint,
        Self::Api,
        Self::KeyFile,
        Self::KeyVariable,
    ];

    /// The name in the file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Workspace => "workspace",
            Self::Experience => "experience",
            Self::Moderator => "moderator",
            Self::Stack => "stack",
            Self::Region => "region",
            Self::Profile => "profile",
            Self::Endpoint => "endpoint",
            Self::Api => "api",
            Self::KeyFile => "key-file",
            Self::KeyVariable => "key-variable",
        }
    }

    /// The variable that overrides it, by which its options are found.
    pub const fn variable(self) -> &'static str {
        match self {
            Self::Workspace => "PORTCULLIS_WORKSPACE",
            Self::Experience => "PORTCULLIS_EXPERIENCE",
            Self::Moderator => "PORTCULLIS_MODERATOR",
            Self::Stack => "PORTCULLIS_STACK",
            Self::Region => "PORTCULLIS_REGION",
            Self::Profile => "PORTCULLIS_PROFILE",
            Self::Endpoint => "AWS_ENDPOINT_URL_DYNAMODB",
            Self::Api => "PORTCULLIS_API",
            Self::KeyFile => "PORTCULLIS_KEY_FILE",
            Self::KeyVariable => "PORTCULLIS_KEY",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }
}
