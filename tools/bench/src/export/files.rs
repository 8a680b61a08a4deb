//! Reads the bans in exported files.

use anyhow::{Context, ensure};
use serde_json::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Json,
    Csv,
}

impl Format {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
        }
    }

    pub const fn function(self) -> &'static str {
        match self {
            Self::Json => "export-bans-json",
            Self::Csv => "export-bans-csv",
        }
    }

    /// The guids in a file, in its order.
    pub fn guids(self, file: &str) -> anyhow::Result<Vec<u64>> {
        match self {
            Self::Json => of_json(file),
            Self::Csv => of_csv(file),
        }
    }
}

fn of_json(file: &str) -> anyhow::Result<Vec<u64>> {
    let mut guids = Vec::new();
    for line in file.lines() {
        let line = line.trim_start_matches("{\"list\":[");
        let line = line.trim_end_matches("]}").trim_matches(',');
        if let Ok(ban) = serde_json::from_str::<Value>(line) {
            let guid = ban.get("guid").and_then(Value::as_str);
            guids.push(guid.context("a guid")?.parse()?);
        }
    }
    ensure!(file.trim_end().ends_with("]}"), "the end is missing");
    Ok(guids)
}

fn of_csv(file: &str) -> anyhow::Result<Vec<u64>> {
    let mut rows = csv::Reader::from_reader(file.as_bytes());
    let at = rows.headers()?.iter().position(|name| name == "guid");
    let at = at.context("no column is called guid")?;
    let mut guids = Vec::new();
    for row in rows.records() {
        guids.push(row?.get(at).context("a guid")?.parse()?);
    }
    Ok(guids)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ban_in_a_file_is_counted() {
        let json = "{\"list\":[\n{\"guid\":\"9\"},\n{\"guid\":\"8\"}\n]}\n";
        assert_eq!(Format::Json.guids(json).unwrap(), [9, 8]);
        let csv = "uid,guid,reason\n1,9,\"a\nb\"\n2,8,c\n";
        assert_eq!(Format::Csv.guids(csv).unwrap(), [9, 8]);
    }

    #[test]
    fn a_truncated_file_is_an_error() {
        assert!(
            Format::Json
                .guids("{\"list\":[\n{\"guid\":\"9\"},\n")
                .is_err()
        );
        assert!(Format::Csv.guids("uid,guid,reason\n1,9\n").is_err());
    }
}
