//! What became of the rows: counted, and those that were not imported written down with the reason.

use std::fs::File;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde_json::json;
use shared::rules::{Expiry, Scope};
use shared::store::{Incoming, Verdict};
use shared::text::{printable, printable_json};

use super::RowError;
use crate::output::{Output, Record, print, rfc3339};
use crate::progress::Progress;

/// The sums of an import.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    key_id: String,
    dry_run: bool,
    read: u64,
    added: u64,
    unchanged: u64,
    already_banned: u64,
    over: u64,
    in_the_way: u64,
    differing: u64,
    failed: u64,
    per_second: u64,
    errors: Option<String>,
}

impl Summary {
    /// Of a run under this name in the history, which only looks if it is a dry one.
    pub fn of(key_id: &str, dry_run: bool) -> Self {
        Self {
            key_id: key_id.to_owned(),
            dry_run,
            ..Self::default()
        }
    }
}

impl Record for Summary {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let added = if self.dry_run {
            "would be added"
        } else {
            "added"
        };
        let mut fields = vec![
            ("read", self.read.to_string()),
            (added, self.added.to_string()),
            ("unchanged", self.unchanged.to_string()),
            ("already banned", self.already_banned.to_string()),
            ("over", self.over.to_string()),
            ("in the way", self.in_the_way.to_string()),
            ("differing", self.differing.to_string()),
            ("failed", self.failed.to_string()),
        ];
        if !self.dry_run {
            fields.push(("rows per second", self.per_second.to_string()));
            fields.push(("in the history as", self.key_id.clone()));
        }
        fields.extend(self.errors.clone().map(|path| ("errors", path)));
        fields
    }
}

/// Where the differences of a dry run are printed.
#[derive(Clone, Copy, Debug)]
enum Changes {
    Kept,
    Lines,
    Json { any: bool },
}

/// The report of an import.
#[derive(Debug)]
pub struct Report {
    summary: Summary,
    path: PathBuf,
    errors: Option<csv::Writer<File>>,
    changes: Changes,
    output: Output,
    progress: Option<Progress>,
    started: Instant,
}

impl Report {
    /// A report of `rows` rows. Errors are written to `path`, or in a dry run printed.
    pub fn begin(summary: Summary, rows: u64, path: PathBuf, output: Output) -> Self {
        let changes = match (summary.dry_run, output.is_json()) {
            (false, _) => Changes::Kept,
            (true, false) => Changes::Lines,
            (true, true) => Changes::Json { any: false },
        };
        Self {
            summary,
            path,
            errors: None,
            changes,
            output,
            progress: Some(Progress::begin("bans read", Some(rows))),
            started: Instant::now(),
        }
    }

    /// A row that cannot be read.
    pub fn wrong(&mut self, error: &RowError) -> Result<()> {
        if error.fatal {
            let RowError { line, message, .. } = error;
            bail!("the file has changed while it was read: line {line}: {message}");
        }
        self.summary.failed += 1;
        self.note(error.line, "failed", &error.message)?;
        self.advance();
        Ok(())
    }

    /// What became of a row.
    pub fn verdict(&mut self, line: u64, incoming: &Incoming, verdict: &Verdict) -> Result<()> {
        let sums = &mut self.summary;
        match verdict {
            Verdict::Unchanged => sums.unchanged += 1,
            Verdict::AlreadyBanned(_) => sums.already_banned += 1,
            Verdict::Over => sums.over += 1,
            Verdict::Added => {
                sums.added += 1;
                if !matches!(self.changes, Changes::Kept) {
                    self.change(line, "would be added", &described(incoming))?;
                }
            }
            Verdict::InTheWay(other) => {
                sums.in_the_way += 1;
                let what = format!("the ban {other} of the same user and scope is in the way");
                self.note(line, "in the way", &what)?;
            }
            Verdict::Differs(fields) => {
                sums.differing += 1;
                let fields = fields.join(", ");
                let what = format!("a ban with this guid is there with other contents: {fields}");
                self.note(line, "differs", &what)?;
            }
            Verdict::Protected => {
                sums.failed += 1;
                let user = incoming.user;
                self.note(line, "failed", &format!("the user {user} is protected"))?;
            }
        }
        self.advance();
        Ok(())
    }

    /// The sums, printed. An error if there were rows that failed.
    pub fn finish(mut self) -> Result<()> {
        if let Some(progress) = self.progress.take() {
            progress.finish();
        }
        if let Some(errors) = &mut self.errors {
            errors.flush().context("the errors could not be written")?;
            self.summary.errors = Some(self.path.display().to_string());
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
            Changes::Kept | Changes::Lines => self.output.one(&self.summary)?,
            Changes::Json { any } => {
                let begin = if any { "" } else { "{\"changes\":[" };
                let summary = serde_json::to_string(&self.summary)?;
                print(&format!("{begin}],\n\"summary\":{summary}}}\n"))?;
            }
        }
        match (self.summary.failed, &self.summary.errors) {
            (0, _) => Ok(()),
            (failed, Some(path)) => bail!("{failed} rows were not imported: {path} says why"),
            (failed, None) => bail!("{failed} rows would not be imported"),
        }
    }

    /// What has been done so far.
    pub const fn added(&self) -> u64 {
        self.summary.added
    }

    fn advance(&mut self) {
        self.summary.read += 1;
        if let Some(progress) = &mut self.progress {
            progress.advance(1);
        }
    }

    /// Writes down why a row is not imported.
    fn note(&mut self, line: u64, kind: &'static str, message: &str) -> Result<()> {
        if !matches!(self.changes, Changes::Kept) {
            return self.change(line, kind, message);
        }
        let errors = match &mut self.errors {
            Some(errors) => errors,
            none => {
                let path = self.path.display();
                let mut writer = csv::Writer::from_path(&self.path)
                    .with_context(|| format!("{path} could not be written"))?;
                writer.write_record(["line", "message"])?;
                none.insert(writer)
            }
        };
        errors
            .write_record([line.to_string().as_str(), message])
            .context("the errors could not be written")
    }

    fn change(&mut self, line: u64, kind: &'static str, what: &str) -> Result<()> {
        if let Changes::Json { any } = &mut self.changes {
            let change = json!({ "line": line, "change": kind, "message": what });
            let before = if *any { ",\n" } else { "{\"changes\":[\n" };
            *any = true;
            return print(&printable_json(&format!("{before}{change}")));
        }
        print(&format!("line {line}: {kind}: {}\n", printable(what)))
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
        Expiry::At(at) => format!(" until {}", rfc3339(at)),
    };
    let ended = match incoming.ending {
        Some(_) => ", ended",
        None => "",
    };
    format!("{scope} of {user}, made in {made_in}{until}{ended}")
}
