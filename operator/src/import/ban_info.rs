//! `json`: our own export, and any list in the shape of the documented `BanInfo`.

use std::io::BufRead;

use serde_json::Value;

use super::defaults::{Defaults, Draft};
use super::elements::{Elements, parsed};
use super::{Row, RowError};

pub fn rows<R: BufRead>(
    input: R,
    defaults: Defaults,
) -> impl Iterator<Item = Result<Row, RowError>> {
    Elements::new(input, &["list"]).map(move |piece| {
        let piece = piece?;
        match parsed(&piece)? {
            Value::Object(fields) => Draft::from(fields).row(piece.line, &defaults, str::to_owned),
            _ => Err(RowError::new(piece.line, "a ban is expected, an object")),
        }
    })
}
