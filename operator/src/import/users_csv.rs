//! `users-csv`: a table of users, with as much about each as there is.

use std::io::Read;

use serde_json::Value;

use super::defaults::{Defaults, Draft};
use super::export_csv::{titles, unreadable};
use super::format::Columns;
use super::{Row, RowError, times};

/// Where in a row something stands, and under which title.
struct Column {
    at: usize,
    title: String,
    field: &'static str,
}

pub fn rows<R: Read>(
    input: R,
    defaults: Defaults,
    columns: &Columns,
) -> Result<impl Iterator<Item = Result<Row, RowError>> + use<R>, RowError> {
    let mut reader = csv::Reader::from_reader(input);
    let titles = titles(&mut reader)?;
    let columns = find(&titles, columns)?;
    Ok(reader.into_records().map(move |record| {
        let record = record.map_err(|error| unreadable(&error))?;
        let line = record.position().map_or(0, csv::Position::line);
        let mut draft = Draft::default();
        for column in &columns {
            let cell = record.get(column.at).unwrap_or_default().trim();
            let value = match (cell, column.field) {
                ("", _) => Value::Null,
                (text, "expires") => times::end(text).map(Value::from).ok_or_else(|| {
                    let title = &column.title;
                    let what = "must be Unix seconds, a date (2027-01-31) or an instant (RFC \
                                3339), or empty for a ban that does not end";
                    RowError::new(line, format!("{title} {what}"))
                })?,
                (text, _) => text.into(),
            };
            draft = draft.with(column.field, value);
        }
        draft.row(line, &defaults, |field| {
            let own = columns.iter().find(|column| column.field == field);
            own.map_or(field, |column| column.title.as_str()).to_owned()
        })
    }))
}

/// The columns that there are; one that was asked for by name must be.
fn find(titles: &[String], columns: &Columns) -> Result<Vec<Column>, RowError> {
    let wanted = [
        ("robloxId", &columns.user, "userId"),
        ("publicReason", &columns.reason, "reason"),
        ("privateReason", &columns.private_reason, "privateReason"),
        ("moderatorId", &columns.moderator, "moderator"),
        ("expires", &columns.expires, "expires"),
    ];
    let mut found = Vec::new();
    for (field, asked, usual) in wanted {
        let title = asked.as_deref().unwrap_or(usual);
        match titles.iter().position(|own| own == title) {
            Some(at) => found.push(Column {
                at,
                title: title.to_owned(),
                field,
            }),
            None if asked.is_some() || field == "robloxId" => {
                let there = titles.join(", ");
                return Err(RowError::fatal(
                    1,
                    format!("there is no column {title:?} (there are: {there})"),
                ));
            }
            None => {}
        }
    }
    Ok(found)
}
