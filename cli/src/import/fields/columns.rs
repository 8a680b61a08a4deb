//! Maps the columns of a table, or the fields of an object, to their meanings.

mod rows;

use std::collections::BTreeSet;

use serde_json::Value;

use super::titles::{ColumnRole, looks_like_an_end, normal, role};
pub use rows::flag;

/// Column titles from the command line.
#[derive(Clone, Debug, Default)]
pub struct ColumnOptions {
    pub user: Option<String>,
    pub reason: Option<String>,
    pub private_reason: Option<String>,
    pub moderator: Option<String>,
    pub expires: Option<String>,
    /// Titles to ignore.
    pub ignored: Vec<String>,
}

#[derive(Clone, Debug)]
struct MappedColumn {
    at: usize,
    title: String,
    role: ColumnRole,
    /// Whether the command line names it, or its title contains "id".
    is_certain: bool,
}

/// The columns to read.
#[derive(Clone, Debug)]
pub struct ColumnMap {
    read: Vec<MappedColumn>,
    /// The titles of columns that are not read.
    pub unread: BTreeSet<String>,
}

impl ColumnOptions {
    /// Maps the titles. Fails if two have the same meaning, or if one cannot be read and may matter.
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
                        "{title:?} seems to say when a ban ends, but cannot be read: rename it \
                         (expires, or duration with a unit), or pass --ignore-column"
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
                        "{other:?} and {title:?} mean the same: rename one, or pass --ignore-column"
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
            "there is no column {title:?} (found: {})",
            titles.join(", ")
        )
    })
}

/// Whether two columns have the same meaning.
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

    /// Whether one of them is the user.
    pub fn has_user(&self) -> bool {
        self.of(ColumnRole::User).is_some()
    }

    /// Whether one of them is the moderator.
    pub fn has_moderator(&self) -> bool {
        self.of(ColumnRole::Moderator).is_some()
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
    fn unread_columns_are_listed() {
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
            wrong.contains("there is no column \"no\" (found: userId, Name"),
            "{wrong}"
        );
    }
}
