//! `portcullis restore`: restores the bans table to an earlier state, from a copy.

mod checkpoint;
mod scan;
mod state;
mod summary;
mod writers;

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use shared::domain::clock::UnixMillis;
use shared::domain::places::link_ttl;
use shared::domain::user_reference::UserReference;
use shared::store::admin::{Absent, KnownLogs, RestoreRun, Restoring};
use shared::store::{Actor, Database, Store, Tables};

use crate::arguments::{SafetyArgs, user};
use crate::confirm::confirm;
use crate::connection::{self, Connection, ConnectionArgs};
use crate::names::{NamedUser, UserNames};
use crate::output::Output;
use state::{RestorePhase, RestoreState};
use summary::RestoreSummary;
use writers::WriterFunctions;

/// How long Lambda may still start invocations after a function is stopped.
const STOP_DELAY: Duration = Duration::from_secs(5);

const EXAMPLES: &str = "\
Examples:
  portcullis --stack portcullis restore --from portcullis-bans-restored --dry-run
  portcullis --stack portcullis restore --from portcullis-bans-restored

First restore the table to a copy (docs/operations.md):
  aws dynamodb restore-table-to-point-in-time --source-table-name LIVE \\
    --target-table-name portcullis-bans-restored --restore-date-time 2026-11-21T09:30:00Z

The copy is only read. Items that the live table has lost are put back. Bans made since are lifted, \
bans lifted since are in force again, and bans changed since get their old terms back; `undo` reverses \
that. Meanwhile the functions that write to the table are stopped; ban checks continue to work. If the \
command is interrupted, run it again to continue. Workspaces, keys and settings do not change.";

/// What to do with users who are in the copy, but no longer in the live table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum AbsentUsers {
    /// They were erased since: bring none of them back.
    LeaveOut,
    /// The live table has lost them: bring back all except those in --erased.
    BringBack,
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct RestoreArgs {
    /// The copy: the table to which DynamoDB has restored a point in time.
    #[arg(long, value_name = "TABLE", required_unless_present = "cancel")]
    from: Option<String>,

    /// What to do with users who are in the copy, but no longer in the live table. Required if there are
    /// any; the dry run lists them. Before any are brought back, they are listed again while no user can
    /// be erased, and you run the command again.
    #[arg(long, value_enum, value_name = "WHAT")]
    absent: Option<AbsentUsers>,

    /// Users who were erased since and must not be brought back, separated by commas.
    #[arg(long, alias = "forgotten", value_name = "USER,…", value_parser = user, value_delimiter = ',')]
    #[arg(requires = "absent")]
    erased: Vec<UserReference>,

    /// Only put back lost items, and keep all decisions made since.
    #[arg(long)]
    only_missing: bool,

    /// Stop a restore in progress, and start the functions again.
    #[arg(long, conflicts_with_all = ["from", "absent", "only_missing", "dry_run"])]
    cancel: bool,

    #[command(flatten)]
    safety: SafetyArgs,
}

impl RestoreArgs {
    fn absent(&self, erased: &[NamedUser]) -> Option<Absent> {
        let erased: BTreeSet<_> = erased.iter().map(|user| user.id).collect();
        self.absent.map(|what| match what {
            AbsentUsers::LeaveOut => Absent::LeaveOut,
            AbsentUsers::BringBack => Absent::BringBackExcept(erased),
        })
    }
}

pub async fn run(
    args: &RestoreArgs,
    connection: &ConnectionArgs,
    names: &UserNames,
    output: Output,
) -> Result<()> {
    let sdk = connection.sdk().await;
    connection::credentials(&sdk).await?;
    let located = connection.locate(sdk).await?;
    let live = located.store();
    let in_progress: Option<RestoreState> = RestoreRun::load(&live).await?;
    if args.cancel {
        let mut run = in_progress.context("no restore is in progress")?;
        confirm(
            "Start the functions again? Everything restored so far stays.",
            args.safety.yes,
        )?;
        return finish(&mut run, &located, &live).await;
    }
    let from = args.from.clone().unwrap_or_default();
    if from == located.tables.bans {
        bail!("{from} is the live table: pass the restored copy to --from");
    }
    if let Some(run) = &in_progress
        && run.copy != from
    {
        bail!(
            "a restore from {} is in progress: continue that one, or end it with --cancel",
            run.copy
        );
    }
    let absent = args.absent(&names.find_all(&live, &args.erased).await?);
    if args.safety.dry_run {
        return preview((args, absent), &from, &located, &live, output).await;
    }
    let mut run = match in_progress {
        Some(run) => run,
        None => begin(args, &from, &located, &live).await?,
    };
    if run.phase == RestorePhase::Starting {
        return finish(&mut run, &located, &live).await;
    }
    stop(&mut run, &located, &live).await?;
    let mut restoring = restoring(&run.name, (args, absent), &from, &located, &live);
    restoring.principal = connection::principal(&located.sdk, connection.is_local()).await;
    if matches!(restoring.absent, Some(Absent::BringBackExcept(_))) && !run.listed {
        restoring.absent = None;
    }
    let done = scan::all(&restoring).await?;
    let undecided = restoring.absent.is_none() && done.values().any(|one| one.left_out_count > 0);
    let mut shown = Vec::new();
    for (workspace, restored) in done {
        // The new log epoch starts last, so that its readers find everything restored.
        let mut counters = None;
        if !undecided {
            let forwarded = restoring.forward(workspace.prefix(), restored.largest_uid);
            counters = Some(forwarded.await?);
        }
        shown.push(RestoreSummary::of(workspace, restored, counters));
    }
    output.list(&shown, "there are no workspaces")?;
    if undecided {
        run.listed = true;
        RestoreRun::save(&live, &run, false).await?;
        bail!(
            "some users are in the copy, but no longer in the live table (left out, above). No user can be \
             erased until the restore is done: decide with --absent what to do with them, name erased \
             users with --erased, and run this again; until then the functions stay stopped"
        );
    }
    finish(&mut run, &located, &live).await
}

fn restoring(
    name: &str,
    (args, absent): (&RestoreArgs, Option<Absent>),
    from: &str,
    located: &Connection,
    live: &Store,
) -> Restoring {
    let tables = Tables {
        bans: from.to_owned(),
        workspaces: located.tables.workspaces.clone(),
    };
    Restoring {
        live: live.clone(),
        copy: Store::new(Database::new(&located.database, tables)),
        name: name.to_owned(),
        principal: String::new(),
        absent,
        only_missing: args.only_missing,
        is_preview: args.safety.dry_run,
        logs: KnownLogs::default(),
    }
}

/// Fails during a restore, which would undo the change, or bring back a user who is erased meanwhile.
pub async fn require_no_restore(store: &Store) -> Result<()> {
    let in_progress: Option<RestoreState> = RestoreRun::load(store).await?;
    if let Some(run) = in_progress.filter(|run| run.phase == RestorePhase::Restoring) {
        bail!(
            "a restore from {} is in progress: wait until it is done, or end it with `portcullis restore \
             --cancel`",
            run.copy
        );
    }
    Ok(())
}

async fn preview(
    (args, absent): (&RestoreArgs, Option<Absent>),
    from: &str,
    located: &Connection,
    live: &Store,
    output: Output,
) -> Result<()> {
    let writers = WriterFunctions::of(located).await?;
    let restoring = restoring("restore", (args, absent), from, located, live);
    let mut shown = Vec::new();
    for (workspace, restored) in scan::all(&restoring).await? {
        let counters = restoring
            .forward(workspace.prefix(), restored.largest_uid)
            .await?;
        shown.push(RestoreSummary::of(workspace, restored, Some(counters)));
    }
    output.list(&shown, "there are no workspaces")?;
    note!(
        "Nothing was changed. These functions would be stopped: {}.",
        writers.names().join(", ")
    );
    Ok(())
}

/// Stores the current settings of the functions before any of them changes.
async fn begin(
    args: &RestoreArgs,
    from: &str,
    located: &Connection,
    live: &Store,
) -> Result<RestoreState> {
    let writers = WriterFunctions::of(located).await?;
    let question = format!(
        "Restore {} from {from}? Meanwhile {} functions are stopped, and the API makes no decisions. \
         --dry-run shows what would change.",
        located.tables.bans,
        writers.names().len()
    );
    confirm(&question, args.safety.yes)?;
    let run = RestoreState {
        name: Actor::run_name("restore"),
        copy: from.to_owned(),
        began: UnixMillis::now().seconds(),
        stopped: None,
        phase: RestorePhase::Restoring,
        listed: false,
        longest: writers.longest(),
        functions: state::functions(located, &writers).await?,
        mappings: state::mappings(located, &writers).await?,
    };
    if !RestoreRun::save(live, &run, true).await? {
        bail!("another restore has just started: run this again to continue it");
    }
    Ok(run)
}

/// Stops everything that writes, and waits for running invocations to end.
async fn stop(run: &mut RestoreState, located: &Connection, live: &Store) -> Result<()> {
    run.stop(located).await?;
    let is_first = run.stopped.is_none();
    let stopped = *run
        .stopped
        .get_or_insert_with(|| UnixMillis::now().seconds());
    if is_first {
        if reopen_joins(live).await? {
            // Warm functions that check bans must know.
            run.longest = run.longest.max(link_ttl().as_secs());
        }
        RestoreRun::save(live, run, false).await?;
    }
    let since = UnixMillis::now().seconds().0.saturating_sub(stopped.0);
    let wait = Duration::from_secs(run.longest)
        .saturating_add(STOP_DELAY)
        .saturating_sub(Duration::from_secs(since));
    if !wait.is_zero() {
        note!(
            "{} functions are stopped; waiting {} s for running invocations to end",
            run.functions.len(),
            wait.as_secs()
        );
        tokio::time::sleep(wait).await;
    }
    Ok(())
}

/// Makes checks in parts read their own bans again, which the restore may put back in force there.
/// Returns whether there are parts.
async fn reopen_joins(live: &Store) -> Result<bool> {
    let mut any = false;
    for workspace in live.workspaces().await? {
        let prefix = workspace.guid.prefix();
        for link in live.links(prefix).await? {
            let (place, join) = (link.experience, link.join);
            if let Some(join) = join
                && live.reopen_join(prefix, place).await?
            {
                any = true;
                warning!(
                    "place {place} of {:?} must join {root} again after the restore: `portcullis \
                     experience join {place} --root {root} -w {}`; until then, checks read both",
                    workspace.name,
                    workspace.guid,
                    root = join.root
                );
            }
        }
    }
    Ok(any)
}

/// Starts everything again with the old settings, and deletes the restore's state.
async fn finish(run: &mut RestoreState, located: &Connection, live: &Store) -> Result<()> {
    // From here on others write, and a second comparison must not undo their decisions.
    run.phase = RestorePhase::Starting;
    RestoreRun::save(live, run, false).await?;
    run.start(located).await?;
    RestoreRun::end(live).await?;
    note!(
        "The functions run again with their old settings. The restore made its decisions under the name \
         {}; to undo them, run for each workspace: portcullis undo --key {} --since {}",
        run.name,
        run.name,
        run.began.rfc3339()
    );
    note!(
        "Next: run `portcullis doctor`, and `portcullis mirror reconcile` for each mirrored experience; \
         delete the table {} when you no longer need it.",
        run.copy
    );
    let stopped = run.stopped.unwrap_or(run.began);
    if UnixMillis::now().seconds().0.saturating_sub(stopped.0) > state::STREAM_RETENTION {
        warning!(
            "the functions were stopped for longer than the stream retries its records: redrive \
             everything of each workspace (docs/operations.md)"
        );
    }
    Ok(())
}
