//! How a person wants the console to look and react. A cookie keeps it, so that no page flashes.

use crate::form::Submitted;

/// The name of the cookie. Not a secret, but no other site or script needs it.
pub const COOKIE: &str = "__Host-portcullis-look";

/// A person's choices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    theme: Theme,
    without_shortcuts: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

/// One of several values to choose from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub value: String,
    pub title: String,
    pub is_chosen: bool,
}

impl Choice {
    pub fn new(value: impl Into<String>, title: impl Into<String>, is_chosen: bool) -> Self {
        Self {
            value: value.into(),
            title: title.into(),
            is_chosen,
        }
    }
}

impl Theme {
    const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    fn named(name: &str) -> Self {
        let mut all = Self::ALL.into_iter();
        all.find(|theme| theme.as_str() == name).unwrap_or_default()
    }
}

impl Look {
    /// The choices in a cookie's value; anything else is the default.
    pub fn of_cookie(value: Option<&str>) -> Self {
        let (theme, shortcuts) = value.and_then(|it| it.split_once('.')).unwrap_or_default();
        Self {
            theme: Theme::named(theme),
            without_shortcuts: shortcuts == "off",
        }
    }

    /// The choices in the form of the account menu.
    pub fn of_form(form: &Submitted) -> Self {
        Self {
            theme: Theme::named(form.text("theme")),
            without_shortcuts: form.text("shortcuts") != "on",
        }
    }

    /// The cookie that keeps them, for a year.
    pub fn cookie(self) -> String {
        let shortcuts = if self.without_shortcuts { "off" } else { "on" };
        let theme = self.theme.as_str();
        format!(
            "{COOKIE}={theme}.{shortcuts}; Path=/; Max-Age=31536000; Secure; HttpOnly; SameSite=Lax"
        )
    }

    /// The chosen theme, unless the system decides.
    pub fn theme(self) -> Option<&'static str> {
        (self.theme != Theme::System).then_some(self.theme.as_str())
    }

    /// Attributes of the document's first tag, with a blank before each.
    pub const fn attributes(self) -> &'static str {
        match (self.theme, self.without_shortcuts) {
            (Theme::System, false) => "",
            (Theme::System, true) => r#" data-keys="off""#,
            (Theme::Light, false) => r#" data-theme="light""#,
            (Theme::Light, true) => r#" data-theme="light" data-keys="off""#,
            (Theme::Dark, false) => r#" data-theme="dark""#,
            (Theme::Dark, true) => r#" data-theme="dark" data-keys="off""#,
        }
    }

    pub fn color_scheme(self) -> &'static str {
        self.theme().unwrap_or("light dark")
    }

    pub const fn has_shortcuts(self) -> bool {
        !self.without_shortcuts
    }

    pub fn themes(self) -> [Choice; 3] {
        let titles = ["System", "Light", "Dark"];
        let mut titles = titles.into_iter();
        Theme::ALL.map(|theme| {
            let title = titles.next().unwrap_or_default();
            Choice::new(theme.as_str(), title, theme == self.theme)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_survive_their_cookie() {
        for theme in Theme::ALL {
            for without_shortcuts in [true, false] {
                let look = Look {
                    theme,
                    without_shortcuts,
                };
                let cookie = look.cookie();
                let (pair, _) = cookie.split_once(';').unwrap();
                let (_, value) = pair.split_once('=').unwrap();
                assert_eq!(Look::of_cookie(Some(value)), look);
            }
        }
    }

    #[test]
    fn other_cookies_mean_the_default() {
        for value in [None, Some(""), Some("dark"), Some("x\".y"), Some("<b>.on")] {
            let look = Look::of_cookie(value);
            assert_eq!(
                (look.theme(), look.has_shortcuts()),
                (None, true),
                "{value:?}"
            );
        }
    }
}
