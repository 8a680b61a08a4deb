//! The report of an import: counts, and the rows that were not imported with the reason.

use std::time::Instant;

use anyhow::{Result, bail};
use serde::Serialize;
use serde_json::json;
use shared::domain::rules::{Expiry, Scope};
use shared::domain::text::printable;
use shared::store::admin::{ImportVerdict, Incoming};

use super::errors_file::{ErrorsFile, FailedRow};
use super::{Location, Original};
use crate::output::{Output, Printable};
use crate::progress::Progress;
use crate::terminal;

/// The counts of an import.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportSummary {
    key_id: String,
    dry_run: bool,
    format: String,
    read: u64,
    added: u64,
    replaced: u64,
    unchanged: u64,
    already_banned: u64,
    over: u64,
    in_the_way: u64,
    differing: u64,
    failed: u64,
    left_out: u64,
    per_second: u64,
    not_read: Vec<String>,
    errors: Option<String>,
}

impl ImportSummary {
    /// `key_id` is the name of the run in the history; `not_read` lists fields of the file that are not
    /// read.
    pub fn of(key_id: &str, dry_run: bool, format: String, not_read: Vec<String>) -> Self {
        Self {
            key_id: key_id.to_owned(),
            dry_run,
            format,
            not_read,
            ..Self::default()
        }
    }
}

impl Printable for ImportSummary {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let [added, replaced] = if self.dry_run {
            ["would be added", "would be added as replaced"]
        } else {
            ["added", "added as replaced"]
        };
        let mut fields = vec![
            ("format", self.format.clone()),
            ("read", self.read.to_string()),
            (added, self.added.to_string()),
            (replaced, self.replaced.to_string()),
            ("unchanged", self.unchanged.to_string()),
            ("already banned", self.already_banned.to_string()),
            ("expired", self.over.to_string()),
            ("conflicting", self.in_the_way.to_string()),
            ("different", self.differing.to_string()),
            ("failed", self.failed.to_string()),
            ("not bans", self.left_out.to_string()),
        ];
        if !self.not_read.is_empty() {
            fields.push(("fields not read", self.not_read.join(", ")));
        }
        if !self.dry_run {
            fields.push(("name in the history", self.key_id.clone()));
        }
        fields.extend(self.errors.clone().map(|path| ("failed rows", path)));
        fields
    }
}

/// How a dry run prints its changes.
#[derive(Clone, Copy, Debug)]
enum DryRunOutput {
    Kept,
    Lines,
    Json { any: bool },
}

#[derive(Debug)]
pub struct ImportReport {
    summary: ImportSummary,
    errors: ErrorsFile,
    changes: DryRunOutput,
    output: Output,
    progress: Option<Progress>,
    started: Instant,
}

/// A row to report.
#[derive(Clone, Debug)]
pub struct ReportedRow {
    /// The number among all entries of the file, from 0.
    pub ordinal: u64,
    pub at: Location,
    pub original: Original,
}

impl ImportReport {
    /// Starts a report of `rows` rows. Failed rows go to `errors`, or in a dry run to the output.
    pub fn begin(summary: ImportSummary, rows: u64, errors: ErrorsFile, output: Output) -> Self {
        let changes = match (summary.dry_run, output.is_json()) {
            (false, _) => DryRunOutput::Kept,
            (true, false) => DryRunOutput::Lines,
            (true, true) => DryRunOutput::Json { any: false },
        };
        Self {
            summary,
            errors,
            changes,
            output,
            progress: Some(Progress::begin("bans read", Some(rows))),
            started: Instant::now(),
        }
    }

    /// Records an invalid row.
    pub fn wrong(&mut self, row: ReportedRow, message: &str) -> Result<()> {
        self.summary.failed += 1;
        self.note(row, "failed", message)?;
        self.advance();
        Ok(())
    }

    /// Records an entry that is not a ban.
    pub fn left_out(&mut self, row: &ReportedRow, message: &str) -> Result<()> {
        self.summary.left_out += 1;
        if matches!(self.changes, DryRunOutput::Kept) {
            self.errors.done(row.ordinal, None)
        } else {
            self.change(row.at, "not a ban", message)
        }
    }

    /// Records the result of a row.
    pub fn verdict(
        &mut self,
        row: ReportedRow,
        incoming: &Incoming,
        verdict: &ImportVerdict,
    ) -> Result<()> {
        let sums = &mut self.summary;
        let change = match verdict {
            ImportVerdict::Unchanged => {
                sums.unchanged += 1;
                None
            }
            ImportVerdict::AlreadyBanned(_) => {
                sums.already_banned += 1;
                None
            }
            ImportVerdict::Over => {
                sums.over += 1;
                None
            }
            ImportVerdict::Added => {
                sums.added += 1;
                Some("would be added")
            }
            ImportVerdict::Replaced => {
                sums.replaced += 1;
                Some("would be added as replaced by another row")
            }
            ImportVerdict::InTheWay(other) => {
                sums.in_the_way += 1;
                let what = format!("conflicts with the ban {other} of the same user and scope");
                self.note(row, "conflict", &what)?;
                self.advance();
                return Ok(());
            }
            ImportVerdict::Differs(fields) => {
                sums.differing += 1;
                let fields = fields.join(", ");
                let what = format!("a ban with this guid exists, but differs in: {fields}");
                self.note(row, "differs", &what)?;
                self.advance();
                return Ok(());
            }
            ImportVerdict::Protected => {
                let what = format!("user {} is protected", incoming.user);
                return self.wrong(row, &what);
            }
            ImportVerdict::Taken(other) => {
                let what = format!("the guid belongs to a ban of another user, {other}");
                return self.wrong(row, &what);
            }
        };
        match (self.changes, change) {
            (DryRunOutput::Kept, _) => self.errors.done(row.ordinal, None)?,
            (_, Some(change)) => self.change(row.at, change, &described(incoming))?,
            _ => {}
        }
        self.advance();
        Ok(())
    }

    /// Prints the counts. Fails if rows failed.
    pub fn finish(mut self) -> Result<()> {
        if let Some(progress) = self.progress.take() {
            progress.finish();
        }
        if !self.summary.dry_run {
            self.summary.errors = self.errors.finish()?;
        }
        let seconds = self.started.elapsed().as_secs_f64().max(0.001);
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rate for people"
        )]
        let rate = (self.summary.read as f64 / seconds) as u64;
        self.summary.per_second = rate;
        match self.changes {
            DryRunOutput::Kept | DryRunOutput::Lines => self.output.one(&self.summary)?,
            DryRunOutput::Json { any } => {
                let begin = if any { "" } else { "{\"changes\":[" };
                let summary = serde_json::to_string(&self.summary)?;
                let text = format!("{begin}],\n\"summary\":{summary}}}\n");
                terminal::json(&text)?;
            }
        }
        match (self.summary.failed, &self.summary.errors) {
            (0, _) => Ok(()),
            (failed, Some(path)) => bail!(
                "{failed} rows were not imported: {path} contains them with the reasons; correct and \
                 import it"
            ),
            (failed, None) => bail!("{failed} rows would not be imported"),
        }
    }

    /// Ends the report early, and returns how many bans were added.
    pub fn abandon(mut self) -> u64 {
        if !self.summary.dry_run && self.summary.failed > 0 {
            // The error that ends the import is more useful than one about this file.
            let _ = self.errors.finish();
        }
        self.summary.added
    }

    fn advance(&mut self) {
        self.summary.read += 1;
        if let Some(progress) = &mut self.progress {
            progress.advance(1);
        }
    }

    /// Records why a row is not imported.
    fn note(&mut self, row: ReportedRow, kind: &'static str, message: &str) -> Result<()> {
        if !matches!(self.changes, DryRunOutput::Kept) {
            return self.change(row.at, kind, message);
        }
        let ReportedRow {
            ordinal,
            at,
            original,
        } = row;
        let message = message.to_owned();
        let note = FailedRow {
            at,
            message,
            original,
        };
        self.errors.done(ordinal, Some(note))
    }

    fn change(&mut self, at: Location, kind: &'static str, what: &str) -> Result<()> {
        if let DryRunOutput::Json { any } = &mut self.changes {
            let mut change = json!({ "line": at.line, "change": kind, "message": what });
            if let (Some(entry), Some(object)) = (at.entry, change.as_object_mut()) {
                object.insert("entry".to_owned(), entry.into());
            }
            let before = if *any { ",\n" } else { "{\"changes\":[\n" };
            *any = true;
            return terminal::json(&format!("{before}{change}"));
        }
        terminal::lines(&format!("{at}: {kind}: {}\n", printable(what)), false)
    }
}

fn described(incoming: &Incoming) -> String {
    let Incoming { user, made_in, .. } = incoming;
    let scope = match incoming.scope {
        Scope::Global => "Global ban",
        Scope::Experience => "ban",
    };
    let until = match incoming.terms.expires {
        Expiry::Never => String::new(),
        Expiry::At(at) => format!(" until {}", at.rfc3339()),
    };
    let ended = match incoming.ending {
        Some(_) => ", ended",
        None => "",
    };
    format!("{scope} of {user}, made in {made_in}{until}{ended}")
}
