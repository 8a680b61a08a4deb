//! The fields of a member, as typed.

use shared::domain::ids::UserId;
use shared::domain::members::{DiscordId, Member, MemberName, MemberPermission, MemberPermissions};

use crate::form::{Submitted, TypedField};
use crate::look::Choice;
use crate::names;
use crate::visit::Visit;

/// The longest text that any of the fields needs, in bytes.
const LONGEST: usize = 256;

/// What a person typed about a member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypedMember {
    pub name: TypedField,
    pub discord: TypedField,
    pub roblox: TypedField,
    pub granted: MemberPermissions,
}

/// The fields once they are all right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberFields {
    pub name: MemberName,
    pub discord: Option<DiscordId>,
    pub roblox: Option<UserId>,
    pub granted: MemberPermissions,
}

impl TypedMember {
    /// The fields of a stored member.
    pub fn stored(member: &Member) -> Self {
        let text = |id: Option<String>| TypedField::filled(&id.unwrap_or_default());
        Self {
            name: TypedField::filled(member.name.as_str()),
            discord: text(member.discord.map(|id| id.to_string())),
            roblox: text(member.roblox.map(|id| id.to_string())),
            granted: member.granted.clone(),
        }
    }

    /// An empty form: a new member may see bans.
    pub fn empty() -> Self {
        Self {
            granted: MemberPermissions::default().with(MemberPermission::View),
            ..Self::default()
        }
    }

    /// Reads a form. A Roblox user may be typed as a name, which is looked up.
    pub async fn read(visit: &Visit, form: &Submitted) -> (Self, Option<MemberFields>) {
        let roblox = match form.text("roblox") {
            "" => Ok(None),
            text => names::resolve(visit, text).await.map(Some),
        };
        Self::parse(form, roblox)
    }

    fn parse(
        form: &Submitted,
        roblox: Result<Option<UserId>, String>,
    ) -> (Self, Option<MemberFields>) {
        let mut typed = Self {
            name: form.required("name", LONGEST, "Type a name."),
            discord: form.typed("discord", LONGEST),
            roblox: form.typed("roblox", LONGEST),
            granted: form
                .all("permission")
                .filter_map(|it| it.parse().ok())
                .collect(),
        };
        let name = typed.name.value().parse::<MemberName>();
        if let (Err(wrong), true) = (&name, typed.name.is_fine()) {
            typed.name.error = Some(format!("The name {wrong}."));
        }
        let discord = typed.discord.value().parse::<DiscordId>();
        if discord.is_err() && !typed.discord.value().is_empty() {
            typed.discord.error =
                Some("Type the Discord user id: a number of 17 to 19 digits.".to_owned());
        }
        typed.roblox.error = typed.roblox.error.or(roblox.as_ref().err().cloned());
        let fields = name.ok().filter(|_| typed.is_fine());
        let fields = fields.map(|name| MemberFields {
            name,
            discord: discord.ok(),
            roblox: roblox.ok().flatten(),
            granted: typed.granted.clone(),
        });
        (typed, fields)
    }

    /// The same form after another member turned out to have one of the accounts.
    pub fn taken(mut self) -> Self {
        let taken = "Another member has this Discord account or this Roblox user.";
        let has_discord = !self.discord.value().is_empty();
        let field = if has_discord {
            &mut self.discord
        } else {
            &mut self.roblox
        };
        field.error = Some(taken.to_owned());
        self
    }

    fn is_fine(&self) -> bool {
        let fields = [&self.name, &self.discord, &self.roblox];
        fields.into_iter().all(TypedField::is_fine)
    }

    /// Each permission as a box to tick.
    pub fn permissions(&self) -> Vec<Choice> {
        let choice = |it| {
            Choice::new(
                MemberPermission::as_str(it),
                words(it),
                self.granted.names(it),
            )
        };
        MemberPermission::ALL.into_iter().map(choice).collect()
    }
}

impl MemberFields {
    /// Whether the member has exactly these.
    pub fn are_of(&self, member: &Member) -> bool {
        let mut same = member.clone();
        self.apply(&mut same);
        same == *member
    }

    pub fn apply(&self, member: &mut Member) {
        member.name = self.name.clone();
        if member.discord != self.discord {
            member.discord = self.discord;
            // What Discord said is about the other account.
            member.checked.clear();
        }
        member.roblox = self.roblox;
        member.granted = self.granted.clone();
    }
}

/// A permission in a few words.
pub const fn words(permission: MemberPermission) -> &'static str {
    match permission {
        MemberPermission::View => "Sees bans and the history",
        MemberPermission::ManageBans => "Bans in experiences, and sees private reasons",
        MemberPermission::ManageGlobalBans => "Bans everywhere (Global)",
        MemberPermission::ModerateDiscord => "Bans in the Discord guild",
        MemberPermission::Administrator => "Administrator: everything, with these settings",
    }
}

#[cfg(test)]
pub mod tests {
    use shared::domain::clock::UnixSeconds;
    use shared::domain::members::MemberId;

    use super::*;

    fn form(fields: &[(&str, &str)]) -> Submitted {
        let fields = fields.iter();
        let fields = fields.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Submitted::new(fields.collect())
    }

    pub fn member(name: &str) -> Member {
        Member {
            id: MemberId::random(),
            name: name.parse().unwrap(),
            discord: "80351110224678912".parse().ok(),
            roblox: UserId::new(156),
            granted: MemberPermissions::default().with(MemberPermission::Administrator),
            added: UnixSeconds(1_700_000_000),
            removed: None,
            checked: Vec::new(),
        }
    }

    #[test]
    fn complete_form_is_a_member() {
        let form = form(&[
            ("name", " Ada "),
            ("discord", "80351110224678912"),
            ("roblox", "156"),
            ("permission", "view"),
            ("permission", "manage_bans"),
            ("permission", "fly"),
        ]);
        let (_, fields) = TypedMember::parse(&form, Ok(UserId::new(156)));
        let fields = fields.unwrap();
        assert_eq!(fields.name.as_str(), "Ada");
        assert_eq!(fields.granted.iter().count(), 2);
        let mut member = member("Kim");
        fields.apply(&mut member);
        assert_eq!(TypedMember::stored(&member).name.text, "Ada");
        assert_eq!(member.roblox, UserId::new(156));
    }

    #[test]
    fn errors_keep_what_was_typed() {
        let form = form(&[("name", "a\u{202e}b"), ("discord", "12"), ("roblox", "x y")]);
        let (typed, fields) = TypedMember::parse(&form, Err("Nobody".to_owned()));
        assert_eq!(fields, None);
        for (field, text) in [
            (&typed.name, "a\u{202e}b"),
            (&typed.discord, "12"),
            (&typed.roblox, "x y"),
        ] {
            assert_eq!(field.text, text);
            assert!(field.error.is_some(), "{text}");
        }
    }

    #[test]
    fn accounts_are_optional_and_the_name_is_not() {
        let (_, fields) = TypedMember::parse(&form(&[("name", "Ada")]), Ok(None));
        assert!(fields.is_some());
        let (typed, fields) = TypedMember::parse(&form(&[]), Ok(None));
        assert_eq!((fields, typed.name.is_fine()), (None, false));
    }
}
