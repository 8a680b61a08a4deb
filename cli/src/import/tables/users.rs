//! `users-csv`: a table of users, with as much about each as there is.

use std::io::Read;

use serde_json::Value;
use shared::export::Csv;

use super::head::Table;
use super::records::Record;
use crate::import::entries::{At, Entry, NoRow, Original};
use crate::import::fields::columns::{Columns, Fields};
use crate::import::fields::ids::{is_digits, linked};
use crate::import::fields::titles::{Role, normal, role};
use crate::import::{Broken, Defaults};

/// The entries of a table.
pub fn entries<R: Read>(
    input: R,
    defaults: Defaults,
    columns: &Columns,
) -> Result<impl Iterator<Item = Result<Entry, Broken>> + use<R>, Broken> {
    let asked = columns.user.clone();
    let table = Table::open(input, |title| match &asked {
        Some(asked) => normal(asked) == normal(title),
        None => role(title) == Some(Role::User),
    })?;
    let fields = columns.find(&table.titles);
    let fields = fields.map_err(|wrong| Broken::new(table.line, wrong))?;
    if !fields.has_user() {
        return Err(Broken::new(table.line, no_user(&table.titles)));
    }
    let (width, restores) = (table.titles.len(), table.is_of_errors);
    let mut unread: Vec<String> = fields.unread.iter().cloned().collect();
    Ok(table.records.map(move |record| -> Result<Entry, Broken> {
        let record = whole(record?, width, restores)?;
        let mut entry = entry(record, width, &fields, &defaults);
        entry.unread.append(&mut unread);
        Ok(entry)
    }))
}

/// A record of a table this wide. A last one that is shorter, and not closed, was cut off.
pub fn whole(mut record: Record, width: usize, restores: bool) -> Result<Record, Broken> {
    if !record.is_closed && record.cells.len() < width {
        return Err(Broken::new(
            record.line,
            "the file ends in the middle of a row: it seems to be cut off",
        ));
    }
    if restores {
        for cell in &mut record.cells {
            *cell = Csv::restored(cell).into_owned();
        }
    }
    Ok(record)
}

fn entry(record: Record, width: usize, fields: &Fields, defaults: &Defaults) -> Entry {
    let at = At {
        line: record.line,
        entry: None,
    };
    let has = record.cells.len();
    let values: Vec<_> = record
        .cells
        .iter()
        .map(|cell| Value::from(cell.as_str()))
        .collect();
    let (read, unused) = if has == width {
        (fields.row(&values, None, defaults), fields.unused(&values))
    } else {
        (Err(NoRow::Wrong(wrong_width(has, width))), None)
    };
    Entry {
        at,
        original: Original::Cells(record.cells),
        outcome: read.into(),
        unread: unused.into_iter().collect(),
        takes_back: None,
    }
}

pub fn wrong_width(has: usize, width: usize) -> String {
    let cells = if has == 1 { "cell" } else { "cells" };
    format!("the row has {has} {cells}, and the header has {width}")
}

fn no_user(titles: &[String]) -> String {
    let there = titles.join(", ");
    let is_data = titles
        .iter()
        .any(|title| is_digits(title) || linked(title).is_some());
    if is_data {
        return format!(
            "the first row must hold the titles of the columns, such as userId,reason,expires (it \
             holds: {there})"
        );
    }
    format!("there is no column \"userId\" (there are: {there}): give --user-column TITLE")
}
