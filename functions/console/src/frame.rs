//! What a page has around its content. Head and header are templates of their own: blocks that pages inherit
//! are compiled into each page.

use shared::domain::members::{MemberPermission, MemberPermissions};

use crate::assets::Assets;
use crate::look::Look;

/// What the frame shows.
#[derive(Clone, Debug)]
pub struct Frame {
    pub workspace: String,
    pub member: String,
    pub initials: String,
    /// The highest permission, in words.
    pub permission: &'static str,
    pub may_ban: bool,
    pub csrf: String,
    /// Path and query of this page.
    pub here: String,
    pub menu: Vec<MenuItem>,
}

/// A section of the console.
#[derive(Clone, Copy, Debug)]
pub struct MenuItem {
    pub title: &'static str,
    pub href: &'static str,
}

impl MenuItem {
    const ALL: [(MemberPermission, Self); 6] = [
        (MemberPermission::View, Self::new("Bans", "/console/bans")),
        (
            MemberPermission::ManageBans,
            Self::new("Many at once", "/console/many"),
        ),
        (
            MemberPermission::View,
            Self::new("Activity", "/console/activity"),
        ),
        (
            MemberPermission::View,
            Self::new("Experiences", "/console/experiences"),
        ),
        (
            MemberPermission::Administrator,
            Self::new("Undo", "/console/undo"),
        ),
        (
            MemberPermission::Administrator,
            Self::new("Settings", "/console/settings"),
        ),
    ];

    const fn new(title: &'static str, href: &'static str) -> Self {
        Self { title, href }
    }

    /// The sections that a member may open. The palette has the same.
    pub fn all(permissions: &MemberPermissions) -> Vec<Self> {
        let all = Self::ALL.into_iter();
        let open = all.filter(|(permission, _)| permissions.allows(*permission));
        open.map(|(_, item)| item).collect()
    }

    /// Whether the page at this address belongs to the section.
    pub fn is_current(&self, address: &str) -> bool {
        let path = address.split('?').next().unwrap_or_default();
        let rest = path.strip_prefix(self.href);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// The document's head, but for its title.
#[derive(askama::Template)]
#[template(path = "head.html")]
pub struct PageHead {
    look: Look,
    assets: &'static Assets,
}

/// The bar at the top.
#[derive(askama::Template)]
#[template(path = "header.html")]
pub struct PageHeader<'a> {
    frame: &'a Frame,
    look: Look,
}

impl Look {
    pub fn head(self) -> PageHead {
        PageHead {
            look: self,
            assets: Assets::get(),
        }
    }
}

impl Frame {
    pub const fn header(&self, look: Look) -> PageHeader<'_> {
        PageHeader { frame: self, look }
    }
}

pub fn highest(permissions: &MemberPermissions) -> &'static str {
    let all = [
        (MemberPermission::Administrator, "Administrator"),
        (MemberPermission::ManageGlobalBans, "Bans everywhere"),
        (MemberPermission::ManageBans, "Bans in experiences"),
        (MemberPermission::View, "Sees bans"),
    ];
    let mut held = all.into_iter().filter(|(it, _)| permissions.allows(*it));
    held.next().map_or("No permissions", |(_, words)| words)
}

/// The first letters of the first and the last word.
pub fn initials(name: &str) -> String {
    let words = name.split_whitespace();
    let mut letters = words.filter_map(|word| word.chars().next());
    let first = letters.next();
    let last = letters.next_back();
    let initials = first.into_iter().chain(last);
    initials.flat_map(char::to_uppercase).collect()
}

#[cfg(test)]
pub mod tests {
    use super::*;

    impl Frame {
        /// The frame of a member whose names are hostile.
        pub fn example(may_ban: bool) -> Self {
            let permissions = MemberPermissions::default().with(MemberPermission::Administrator);
            Self {
                workspace: "<b>Arena</b>".to_owned(),
                member: "\"><script>alert(1)</script>".to_owned(),
                initials: "KM".to_owned(),
                permission: "Administrator",
                may_ban,
                csrf: "token".to_owned(),
                here: "/console/bans?q=%22%3E".to_owned(),
                menu: MenuItem::all(&permissions),
            }
        }
    }

    #[test]
    fn initials_are_of_the_first_and_the_last_word() {
        for (name, letters) in [
            ("Kim", "K"),
            ("ada m. lovelace", "AL"),
            ("", ""),
            ("ß", "SS"),
        ] {
            assert_eq!(initials(name), letters, "{name}");
        }
    }

    #[test]
    fn menu_has_what_a_member_may_open() {
        let titles = |permission| {
            let permissions = MemberPermissions::default().with(permission);
            let menu = MenuItem::all(&permissions);
            menu.iter().map(|item| item.title).collect::<Vec<_>>()
        };
        assert_eq!(
            titles(MemberPermission::View),
            ["Bans", "Activity", "Experiences"]
        );
        let moderator = ["Bans", "Many at once", "Activity", "Experiences"];
        assert_eq!(titles(MemberPermission::ManageBans), moderator);
        assert!(titles(MemberPermission::Administrator).contains(&"Undo"));
        assert!(MenuItem::all(&MemberPermissions::default()).is_empty());
    }

    #[test]
    fn section_is_current_on_its_own_page() {
        let view = MemberPermissions::default().with(MemberPermission::View);
        let bans = MenuItem::all(&view)[0];
        assert!(bans.is_current("/console/bans?state=all"));
        assert!(bans.is_current("/console/bans/633/lift"));
        assert!(!MenuItem::new("Ban", "/console/ban").is_current("/console/bans"));
        assert!(!bans.is_current("/console/players/156"));
        assert!(!bans.is_current("/console/bansx"));
    }

    #[test]
    fn settings_are_for_administrators() {
        let sections = |permission| {
            let permissions = MemberPermissions::default().with(permission);
            let sections = MenuItem::all(&permissions).into_iter();
            sections.map(|item| item.title).collect::<Vec<_>>()
        };
        assert!(!sections(MemberPermission::ManageGlobalBans).contains(&"Settings"));
        assert!(sections(MemberPermission::Administrator).contains(&"Settings"));
    }
}
