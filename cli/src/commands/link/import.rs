//! Imports links from a table of another registry. What is imported already is skipped, so an import can be
//! run again.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};
use shared::domain::account_links::{LinkPair, LinkProof, LinkSide, LinkVerdict, judge_link};
use shared::domain::error::ApiError;
use shared::domain::ids::WorkspacePrefix;

use super::actor;
use crate::arguments::{UsageError, WorkspaceArg};
use crate::connection::OperatorSession;
use crate::output::{Output, Printable};
use crate::progress::Progress;

/// How many pairs are looked up in one batch read: 100 accounts.
const BATCH: usize = 50;

/// How many links are written at once.
const AT_ONCE: usize = 16;

#[derive(Debug, Args)]
pub struct LinkImportArgs {
    /// A CSV file with the columns `roblox_id` and `discord_id`.
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Print what would change, without changing anything.
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    pub(super) place: WorkspaceArg,
}

#[derive(Deserialize)]
struct Row {
    roblox_id: String,
    discord_id: String,
}

/// A pair and its line in the file.
#[derive(Clone, Copy, Debug)]
struct Listed {
    pair: LinkPair,
    line: u64,
}

#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct LinkImportReport {
    linked: u64,
    unchanged: u64,
    /// The lines with an account that is linked to another one.
    conflicts: Vec<u64>,
    dry_run: bool,
}

impl Printable for LinkImportReport {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let title = if self.dry_run {
            "would be linked"
        } else {
            "linked"
        };
        vec![
            (title, self.linked.to_string()),
            ("linked before", self.unchanged.to_string()),
            ("linked to others", self.conflicts.len().to_string()),
        ]
    }
}

pub async fn run(
    args: &LinkImportArgs,
    prefix: WorkspacePrefix,
    session: &OperatorSession,
    output: Output,
) -> Result<()> {
    let listed = read(&args.file)?;
    let mut report = LinkImportReport {
        dry_run: args.dry_run,
        ..LinkImportReport::default()
    };
    let total = u64::try_from(listed.len()).unwrap_or(u64::MAX);
    let mut progress = Progress::begin("links imported", Some(total));
    for batch in listed.chunks(BATCH) {
        import(batch, prefix, session, &mut report).await?;
        progress.advance(u64::try_from(batch.len()).unwrap_or_default());
    }
    progress.finish();
    output.one(&report)?;
    if report.conflicts.is_empty() {
        return Ok(());
    }
    let lines: Vec<_> = report.conflicts.iter().map(u64::to_string).collect();
    bail!(
        "accounts of these lines are linked to others: {}. Remove those links first (`portcullis link remove`), \
         or the lines",
        lines.join(", ")
    )
}

async fn import(
    batch: &[Listed],
    prefix: WorkspacePrefix,
    session: &OperatorSession,
    report: &mut LinkImportReport,
) -> Result<()> {
    let store = &session.store;
    let sides = |it: &Listed| {
        [
            LinkSide::Roblox(it.pair.roblox),
            LinkSide::Discord(it.pair.discord),
        ]
    };
    let accounts: Vec<_> = batch.iter().flat_map(sides).collect();
    let links = store.account_links(prefix, &accounts).await?;
    let mut new = Vec::new();
    for (listed, links) in batch.iter().zip(links.chunks(2)) {
        let of = |at: usize| links.get(at).and_then(Option::as_ref);
        match judge_link(listed.pair, LinkProof::Import, of(0), of(1)) {
            LinkVerdict::New => new.push(*listed),
            LinkVerdict::Taken => report.conflicts.push(listed.line),
            LinkVerdict::Same | LinkVerdict::Prove => {
                report.unchanged = report.unchanged.saturating_add(1);
            }
        }
    }
    let by = &actor(session);
    let write = async |listed: Listed| -> Result<Option<u64>> {
        if report.dry_run {
            return Ok(None);
        }
        match store.import_link(prefix, listed.pair, by, None).await {
            Ok(_) => Ok(None),
            // It was linked meanwhile.
            Err(ApiError::AlreadyLinked) => Ok(Some(listed.line)),
            Err(error) => Err(error.into()),
        }
    };
    let written: Vec<_> = stream::iter(new.into_iter().map(write))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let taken = written.iter().copied().flatten();
    let linked = written.iter().filter(|conflict| conflict.is_none()).count();
    report.conflicts.extend(taken);
    report.linked = report
        .linked
        .saturating_add(u64::try_from(linked).unwrap_or_default());
    Ok(())
}

/// The different pairs of the file. An account in two of them is an error, because a link is one to one.
fn read(file: &Path) -> Result<Vec<Listed>> {
    let name = file.display();
    let opened = File::open(file).with_context(|| format!("cannot read {name}"))?;
    parse(opened).with_context(|| format!("{name} cannot be imported"))
}

fn parse(from: impl std::io::Read) -> Result<Vec<Listed>> {
    let mut rows = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(from);
    let titles = rows.headers()?.clone();
    for title in ["roblox_id", "discord_id"] {
        // A file from a spreadsheet begins with a byte order mark.
        if !titles
            .iter()
            .any(|it| it.trim_start_matches('\u{feff}') == title)
        {
            let wrong =
                format!("the first line has no column {title}: it must be roblox_id,discord_id");
            return Err(UsageError(wrong).into());
        }
    }
    let plain = titles.iter().map(|it| it.trim_start_matches('\u{feff}'));
    rows.set_headers(plain.collect());
    let (mut listed, mut lines) = (Vec::new(), HashMap::new());
    let mut record = csv::StringRecord::new();
    let titles = rows.headers()?.clone();
    while rows.read_record(&mut record)? {
        let line = record.position().map_or(0, csv::Position::line);
        let row: Row = record.deserialize(Some(&titles))?;
        let pair = pair(&row).with_context(|| format!("line {line}"))?;
        let sides = [
            LinkSide::Roblox(pair.roblox),
            LinkSide::Discord(pair.discord),
        ];
        let [of_roblox, of_discord] = sides.map(|side| lines.get(&side).copied());
        match (of_roblox, of_discord) {
            (None, None) => {
                lines.extend(sides.map(|side| (side, line)));
                listed.push(Listed { pair, line });
            }
            (Some(first), Some(second)) if first == second => {}
            (first, second) => {
                let other = first.or(second).unwrap_or_default();
                bail!("lines {other} and {line} have the same account in different pairs");
            }
        }
    }
    Ok(listed)
}

fn pair(row: &Row) -> Result<LinkPair> {
    let roblox = row.roblox_id.parse().ok();
    let roblox = roblox.context("roblox_id is not a Roblox user id")?;
    let discord = row.discord_id.parse().ok();
    let discord = discord.context("discord_id is not a Discord user id of 17 to 19 digits")?;
    Ok(LinkPair { roblox, discord })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Result<Vec<(u64, u64)>, String> {
        let listed = parse(text.as_bytes()).map_err(|error| format!("{error:#}"))?;
        let read = |it: &Listed| (it.pair.roblox.get(), it.line);
        Ok(listed.iter().map(read).collect())
    }

    #[test]
    fn pairs_are_read_by_the_titles_of_the_columns() {
        let text = "\u{feff}discord_id,name,roblox_id\n80351110224678912,Ada,1\n80351110224678913, Bob , 2 \n";
        assert_eq!(pairs(text), Ok(vec![(1, 2), (2, 3)]));
        let repeated = "roblox_id,discord_id\n1,80351110224678912\n1,80351110224678912\n";
        assert_eq!(pairs(repeated), Ok(vec![(1, 2)]));
    }

    #[test]
    fn wrong_files_name_the_line() {
        for (text, says) in [
            ("", "no column roblox_id"),
            ("roblox_id\n1\n", "no column discord_id"),
            (
                "roblox_id,discord_id\nx,80351110224678912\n",
                "line 2: roblox_id",
            ),
            (
                "roblox_id,discord_id\n1,8.03511E+16\n",
                "line 2: discord_id",
            ),
            (
                "roblox_id,discord_id\n1,80351110224678912\n1,80351110224678913\n",
                "lines 2 and 3",
            ),
            (
                "roblox_id,discord_id\n1,80351110224678912\n2,80351110224678912\n",
                "lines 2 and 3",
            ),
        ] {
            let error = pairs(text).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }
}
