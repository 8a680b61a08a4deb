//! `hd-admin`: what HD Admin keeps under `Banland` in the data store `HDAdminSystemDataV1.0`.
//!
//! An object whose `Records` are `{UserId, BanTime, Reason, Server, BannedBy}`, with `BanTime` a
//! Unix second or `"Infinite"`. Lifting a ban there sets its `BanTime` to that moment.

use std::io::BufRead;

use serde_json::Value;

use super::defaults::{Defaults, Draft};
use super::elements::{Elements, parsed};
use super::scanner::Piece;
use super::{Row, RowError, times};

pub fn rows<R: BufRead>(
    input: R,
    defaults: Defaults,
) -> impl Iterator<Item = Result<Row, RowError>> {
    Elements::new(input, &["Records"]).map(move |piece| row(&piece?, &defaults))
}

fn row(piece: &Piece, defaults: &Defaults) -> Result<Row, RowError> {
    let Value::Object(mut record) = parsed(piece)? else {
        return Err(RowError::new(piece.line, "a record is expected, an object"));
    };
    let mut take = |name: &str| record.remove(name).unwrap_or_default();
    let expires = times::end_of(&take("BanTime"))
        .ok_or_else(|| RowError::new(piece.line, "BanTime must be Unix seconds or \"Infinite\""))?;
    // Commands that a game runs by itself have no speaker.
    let moderator = match take("BannedBy") {
        Value::Number(number) if number.as_f64() <= Some(0.0) => Value::Null,
        moderator => moderator,
    };
    Draft::default()
        .with("robloxId", take("UserId"))
        .with("moderatorId", moderator)
        .with("publicReason", take("Reason"))
        .with("expires", expires)
        .row(piece.line, defaults, |field| {
            match field {
                "robloxId" => "UserId",
                "moderatorId" => "BannedBy",
                "publicReason" | "privateReason" => "Reason",
                "expires" => "BanTime",
                other => other,
            }
            .to_owned()
        })
}
