//! Which columns of a table, or fields of an object, are read.

mod rows;

use std::collections::BTreeSet;

use serde_json::Value;

use super::titles::{ColumnRole, looks_like_an_end, normal, role};
pub use rows::flag;

/// The titles that flags give, and those that are not to be read.
#[derive(Clone, Debug, Default)]
pub struct ColumnOptions {
    /// The user's id.
    pub user: Option<String>,
    /// The reason shown to players.
    pub reason: Option<String>,
    /// The reason for moderators.
    pub private_reason: Option<String>,
    /// The moderator's id.
    pub moderator: Option<String>,
    /// When the ban ends.
    pub expires: Option<String>,
    /// Titles that are not read although they look as if they mattered.
    pub ignored: Vec<String>,
}

/// A field that is read.
#[derive(Clone, Debug)]
struct MappedColumn {
    at: usize,
    title: String,
    role: ColumnRole,
    /// A flag names it, or it says itself that it holds an id.
    is_certain: bool,
}

/// The fields of a row.
#[derive(Clone, Debug)]
pub struct ColumnMap {
    read: Vec<MappedColumn>,
    /// The titles of fields that are not read.
    pub unread: BTreeSet<String>,
}

impl ColumnOptions {
    /// Finds the fields with these titles. An error says what is wrong with the titles.
    pub fn find(&self, titles: &[String]) -> Result<ColumnMap, String> {
        let mut fields = ColumnMap {
            read: Vec::new(),
            unread: BTreeSet::new(),
        };
        let asked = [
            (&self.user, ColumnRole::User),
            (&self.reason, ColumnRole::Public),
            (&self.private_reason, ColumnRole::Private),
            (&self.moderator, ColumnRole::Moderator),
            (&self.expires, ColumnRole::End),
        ];
        for (title, role) in &asked {
            if let Some(title) = title {
                fields.take(find(titles, title)?, title, *role, true);
            }
        }
        let mut conflict = None;
        for (at, title) in titles.iter().enumerate() {
            if fields.read.iter().any(|field| field.at == at) {
                continue;
            }
            let is_ignored = self.ignored.iter().any(|own| normal(own) == normal(title));
            let known = role(title).filter(|_| !is_ignored);
            let Some(role) = known else {
                if looks_like_an_end(title) && !is_ignored {
                    conflict.get_or_insert(format!(
                        "{title:?} seems to say when a ban ends, and it cannot be read: rename it \
                         (expires, or duration with a unit), or give --ignore-column"
                    ));
                }
                if !title.is_empty() || titles.len() == 1 {
                    fields.unread.insert(title.clone());
                }
                continue;
            };
            let is_named = asked
                .iter()
                .any(|(title, own)| title.is_some() && *own == role);
            match fields.read.iter().find(|field| same(field.role, role)) {
                Some(_) if is_named && !looks_like_an_end(title) => {
                    fields.unread.insert(title.clone());
                }
                Some(other) => {
                    let other = &other.title;
                    conflict.get_or_insert(format!(
                        "{other:?} and {title:?} say the same: rename one, or give --ignore-column"
                    ));
                }
                None => {
                    let says_id = normal(title).contains("id");
                    fields.take(at, title, role, says_id);
                }
            }
        }
        let has_both = [ColumnRole::Public, ColumnRole::Private]
            .into_iter()
            .all(|role| fields.of(role).is_some());
        if has_both && let Some(title) = fields.title(ColumnRole::Reason) {
            let title = title.to_owned();
            fields.unread.insert(title);
        }
        match conflict {
            Some(conflict) => Err(conflict),
            None => Ok(fields),
        }
    }
}

fn find(titles: &[String], title: &str) -> Result<usize, String> {
    let exact = titles.iter().position(|own| own == title);
    let found = exact.or_else(|| titles.iter().position(|own| normal(own) == normal(title)));
    found.ok_or_else(|| {
        format!(
            "there is no column {title:?} (there are: {})",
            titles.join(", ")
        )
    })
}

/// Whether two fields cannot stand beside each other.
fn same(a: ColumnRole, b: ColumnRole) -> bool {
    match (a, b) {
        (ColumnRole::Ours, _) => false,
        (ColumnRole::Length(_), ColumnRole::Length(_)) => true,
        (a, b) => a == b,
    }
}

impl ColumnMap {
    fn take(&mut self, at: usize, title: &str, role: ColumnRole, is_certain: bool) {
        self.read.push(MappedColumn {
            at,
            title: title.to_owned(),
            role,
            is_certain,
        });
    }

    /// Whether any of them says who is banned.
    pub fn has_user(&self) -> bool {
        self.of(ColumnRole::User).is_some()
    }

    fn of(&self, role: ColumnRole) -> Option<&MappedColumn> {
        self.read.iter().find(|field| field.role == role)
    }

    fn title(&self, role: ColumnRole) -> Option<&str> {
        self.of(role).map(|field| field.title.as_str())
    }

    fn value<'a>(&self, role: ColumnRole, values: &'a [Value]) -> Option<&'a Value> {
        let value = values.get(self.of(role)?.at)?;
        let is_empty = value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty());
        (!is_empty).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_read_is_named() {
        let titles = ["userId", "Name", "expires", "BanTime"].map(str::to_owned);
        let columns = ColumnOptions {
            ignored: vec!["bantime".to_owned()],
            ..ColumnOptions::default()
        };
        let fields = columns.find(&titles).unwrap();
        assert_eq!(fields.unread, ["BanTime", "Name"].map(str::to_owned).into());
        let columns = ColumnOptions {
            user: Some("no".to_owned()),
            ..ColumnOptions::default()
        };
        let wrong = columns.find(&titles).unwrap_err();
        assert!(
            wrong.contains("there is no column \"no\" (there are: userId, Name"),
            "{wrong}"
        );
    }
}
