//! The second pass through a file: imports the bans in concurrent transactions, never two for one user.

use std::collections::{HashSet, VecDeque};

use anyhow::{Result, bail};
use futures::stream::{FuturesUnordered, StreamExt};
use shared::domain::clock::UnixMillis;
use shared::domain::error::ApiError;
use shared::domain::ids::UserId;
use shared::domain::rules::EndingKind;
use shared::store::admin::{Candidate, Import, ImportFailure, ImportVerdict, Incoming};

use super::duplicates::Duplicates;
use super::report::ReportedRow;
use super::throttle::{Throttle, wait};
use super::{Entries, EntryContent, FileError, ImportReport, RowError};

/// The maximum number of bans that wait for an earlier ban of the same user.
const WAITING: usize = 500;

/// The number of attempts for a ban with write conflicts.
const ROUNDS: u32 = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportEnd {
    Complete,
    /// Stopped by Ctrl-C.
    Interrupted,
}

/// A ban to import, with its row.
type QueuedRow = (ReportedRow, Candidate);

pub async fn import_rows(
    rows: Entries,
    repeats: &Duplicates,
    import: &Import,
    report: &mut ImportReport,
) -> Result<ImportEnd> {
    let throttle = Throttle::new();
    let mut queue = RowQueue::new(rows, repeats);
    let mut underway = FuturesUnordered::new();
    let mut ended = ImportEnd::Complete;
    let mut stop = std::pin::pin!(tokio::signal::ctrl_c());
    loop {
        while ended == ImportEnd::Complete && underway.len() < throttle.limit() {
            let batch = queue.batch(report)?;
            if batch.is_empty() {
                break;
            }
            underway.push(import_batch(import, &throttle, batch));
        }
        let done = tokio::select! {
            done = underway.next() => done,
            _ = &mut stop, if ended == ImportEnd::Complete => {
                ended = ImportEnd::Interrupted;
                continue;
            }
        };
        let Some(done) = done else {
            return Ok(ended);
        };
        for ((row, candidate), verdict) in done? {
            queue.release(candidate.user());
            report.verdict(row, candidate.incoming(), &verdict)?;
        }
    }
}

/// Checks the rows against what is stored, without writing.
pub async fn judge_rows(
    rows: Entries,
    repeats: &Duplicates,
    import: &Import,
    report: &mut ImportReport,
) -> Result<ImportEnd> {
    let throttle = Throttle::new();
    let mut queue = RowQueue::new(rows, repeats);
    loop {
        let batch = queue.batch(report)?;
        if batch.is_empty() {
            return Ok(ImportEnd::Complete);
        }
        let (reported, candidates): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        let mut attempt = 0;
        let verdicts = loop {
            match import.judge(&candidates).await {
                Ok(verdicts) => break verdicts,
                Err(failure) => retry(&throttle, failure, attempt).await?,
            }
            attempt += 1;
        };
        for ((row, candidate), verdict) in reported.into_iter().zip(&candidates).zip(&verdicts) {
            queue.release(candidate.user());
            report.verdict(row, candidate.incoming(), verdict)?;
        }
    }
}

/// Imports a batch in one transaction; after a write conflict, ban by ban.
async fn import_batch(
    import: &Import,
    throttle: &Throttle,
    batch: Vec<QueuedRow>,
) -> Result<Vec<(QueuedRow, ImportVerdict)>, ApiError> {
    let (lines, mut candidates): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
    let mut verdicts = match write_batch(import, throttle, &mut candidates, 1).await {
        Ok(verdicts) => verdicts,
        Err(ApiError::Unavailable(_)) if candidates.len() > 1 => Vec::new(),
        Err(error) => return Err(error),
    };
    if verdicts.is_empty() {
        for candidate in candidates.chunks_mut(1) {
            verdicts.extend(write_batch(import, throttle, candidate, ROUNDS).await?);
        }
    }
    throttle.succeeded();
    Ok(lines.into_iter().zip(candidates).zip(verdicts).collect())
}

/// Writes a batch, with at most `rounds` write conflicts.
async fn write_batch(
    import: &Import,
    throttle: &Throttle,
    candidates: &mut [Candidate],
    rounds: u32,
) -> Result<Vec<ImportVerdict>, ApiError> {
    let (mut attempt, mut conflicts) = (0, 0);
    loop {
        match import.bring(candidates).await {
            Ok(verdicts) => return Ok(verdicts),
            Err(ImportFailure::Conflict) => {
                conflicts += 1;
                if conflicts >= rounds {
                    return Err(ApiError::Unavailable("too many write conflicts".to_owned()));
                }
                wait(conflicts.min(4)).await;
            }
            Err(failure) => retry(throttle, failure, attempt).await?,
        }
        attempt += 1;
    }
}

/// Waits before a retry; fails if there is no point in one.
async fn retry(throttle: &Throttle, failure: ImportFailure, attempt: u32) -> Result<(), ApiError> {
    match failure {
        ImportFailure::Refused(error) => Err(error),
        ImportFailure::Conflict => {
            wait(attempt.min(4)).await;
            Ok(())
        }
        ImportFailure::Busy(detail) => {
            if throttle.back_off(attempt).await {
                Ok(())
            } else {
                Err(ApiError::Internal(detail))
            }
        }
    }
}

/// Orders the rows so that the bans of a user are imported one after the other, as in the file.
struct RowQueue<'a> {
    rows: Entries,
    /// The number of entries read.
    count: u64,
    repeats: &'a Duplicates,
    waiting: VecDeque<QueuedRow>,
    busy: HashSet<UserId>,
}

enum NextRow {
    Ban(Box<QueuedRow>),
    /// Reported, but not imported.
    Skipped,
    End,
}

impl<'a> RowQueue<'a> {
    fn new(rows: Entries, repeats: &'a Duplicates) -> Self {
        Self {
            rows,
            count: 0,
            repeats,
            waiting: VecDeque::new(),
            busy: HashSet::new(),
        }
    }

    /// The next batch; empty if all rows wait or the file has ended.
    fn batch(&mut self, report: &mut ImportReport) -> Result<Vec<QueuedRow>> {
        let mut batch = Vec::new();
        let mut later: HashSet<UserId> = HashSet::new();
        for (row, candidate) in std::mem::take(&mut self.waiting) {
            let user = candidate.user();
            let has_room = batch.len() < Import::BATCH;
            if has_room && !later.contains(&user) && self.busy.insert(user) {
                batch.push((row, candidate));
            } else {
                later.insert(user);
                self.waiting.push_back((row, candidate));
            }
        }
        while batch.len() < Import::BATCH && self.waiting.len() < WAITING {
            let (row, candidate) = match self.read(report)? {
                NextRow::Ban(next) => *next,
                NextRow::Skipped => continue,
                NextRow::End => break,
            };
            let user = candidate.user();
            if !later.contains(&user) && self.busy.insert(user) {
                batch.push((row, candidate));
            } else {
                later.insert(user);
                self.waiting.push_back((row, candidate));
            }
        }
        Ok(batch)
    }

    /// Reads the next entry, and reports it if it is not imported.
    fn read(&mut self, report: &mut ImportReport) -> Result<NextRow> {
        let entry = match self.rows.next() {
            None => return Ok(NextRow::End),
            Some(Ok(entry)) => entry,
            Some(Err(FileError { line, message })) => {
                bail!("the file changed while it was read: line {line}: {message}")
            }
        };
        let ordinal = self.count;
        self.count = self.count.saturating_add(1);
        let reported = ReportedRow {
            ordinal,
            at: entry.at,
            original: entry.original,
        };
        let row = match entry.outcome {
            EntryContent::Ban(row) => row,
            EntryContent::NotABan(what) => {
                report.left_out(&reported, &what)?;
                return Ok(NextRow::Skipped);
            }
            EntryContent::Invalid(what) => {
                report.wrong(reported, &what)?;
                return Ok(NextRow::Skipped);
            }
        };
        match self.repeats.objection(ordinal, &row) {
            Some(RowError::Invalid(what)) => {
                report.wrong(reported, &what)?;
                return Ok(NextRow::Skipped);
            }
            Some(RowError::NotABan(what)) => {
                report.left_out(&reported, &what)?;
                return Ok(NextRow::Skipped);
            }
            None => {}
        }
        let mut incoming = row.incoming(UnixMillis::now().seconds());
        if let Some(winner) = self.repeats.replaced_by(ordinal) {
            incoming = Incoming {
                replaced_by: Some(winner.clone()),
                ending: Some(EndingKind::Lifted),
                ..incoming
            };
        }
        Ok(NextRow::Ban(Box::new((
            reported,
            Candidate::from(incoming),
        ))))
    }

    fn release(&mut self, user: UserId) {
        self.busy.remove(&user);
    }
}
