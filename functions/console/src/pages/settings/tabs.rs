//! The parts of the settings.

/// A part of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingsTab {
    Members,
    Keys,
    Presets,
    Webhooks,
    Protected,
}

/// A link to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TabView {
    pub title: &'static str,
    pub href: &'static str,
    pub is_current: bool,
}

impl SettingsTab {
    const ALL: [(Self, &'static str, &'static str); 5] = [
        (Self::Members, "Members", "/console/settings/members"),
        (Self::Keys, "API keys", "/console/settings/keys"),
        (Self::Presets, "Reasons", "/console/settings/presets"),
        (Self::Webhooks, "Webhooks", "/console/settings/webhooks"),
        (Self::Protected, "Protected", "/console/settings/protected"),
    ];

    /// The links, of which this one is current.
    pub fn tabs(self) -> Vec<TabView> {
        let link = |(tab, title, href)| TabView {
            title,
            href,
            is_current: tab == self,
        };
        Self::ALL.into_iter().map(link).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_tab_is_current() {
        let tabs = SettingsTab::Keys.tabs();
        let current: Vec<_> = tabs.iter().filter(|tab| tab.is_current).collect();
        assert_eq!(current.len(), 1);
        assert_eq!(current[0].href, "/console/settings/keys");
    }
}
