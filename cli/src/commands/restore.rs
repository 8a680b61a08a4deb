//! `portcullis restore`: the bans table goes back to an earlier state, from a copy of it.

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
use shared::domain::ids::UserId;
use shared::store::{Absent, Actor, Database, KnownLogs, RestoreRun, Restoring, Store, Tables};

use crate::arguments::{SafetyArgs, user};
use crate::confirm::confirm;
use crate::connection::{self, Connection, ConnectionArgs};
use crate::output::{Output, rfc3339};
use state::{RestorePhase, RestoreState};
use summary::RestoreSummary;
use writers::WriterFunctions;

/// How long Lambda may take until it starts no more calls of a function that is stopped.
const SETTLES: Duration = Duration::from_secs(5);

const EXAMPLES: &str = "\
Examples:
  portcullis --stack portcullis restore --from portcullis-bans-restored --dry-run
  portcullis --stack portcullis restore --from portcullis-bans-restored

First restore the table beside the live one (docs/operations.md):
  aws dynamodb restore-table-to-point-in-time --source-table-name LIVE \\
    --target-table-name portcullis-bans-restored --restore-date-time 2026-11-21T09:30:00Z

The copy is only read. What the live table has lost is put back. Bans made since are lifted, those
lifted since are in force again, those changed since get their terms back; `undo` takes that back.
The functions that write to the table are stopped meanwhile; bans are checked all the time. If the
command is interrupted, run it again: it goes on. Workspaces, keys and settings stay as they are.";

/// What becomes of users who are in the copy and no longer in the live table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum AbsentUsers {
    /// They were forgotten since: none of them is brought back.
    LeaveOut,
    /// The live table has lost them: all are brought back but those named by --forgotten.
    BringBack,
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct RestoreArgs {
    /// The copy: the table into which DynamoDB has restored a point in time.
    #[arg(long, value_name = "TABLE", required_unless_present = "cancel")]
    from: Option<String>,

    /// What becomes of users who are in the copy and no longer in the live table. Needed if there are
    /// any: the dry run lists them. Before any of them is brought back, they are listed once more while
    /// nobody can be forgotten, and the command is to be run again.
    #[arg(long, value_enum, value_name = "WHAT")]
    absent: Option<AbsentUsers>,

    /// Users who were forgotten since and are not brought back, separated by commas.
    #[arg(long, value_name = "USER,…", value_parser = user, value_delimiter = ',')]
    #[arg(requires = "absent")]
    forgotten: Vec<UserId>,

    /// Put back what is lost, and leave what was decided since.
    #[arg(long)]
    only_missing: bool,

    /// End a restore that is under way where it is, and start the functions again.
    #[arg(long, conflicts_with_all = ["from", "absent", "only_missing", "dry_run"])]
    cancel: bool,

    #[command(flatten)]
    safety: SafetyArgs,
}

impl RestoreArgs {
    fn absent(&self) -> Option<Absent> {
        let forgotten: BTreeSet<_> = self.forgotten.iter().copied().collect();
        self.absent.map(|what| match what {
            AbsentUsers::LeaveOut => Absent::LeaveOut,
            AbsentUsers::BringBack => Absent::BringBackExcept(forgotten),
        })
    }
}

pub async fn run(args: &RestoreArgs, connection: &ConnectionArgs, output: Output) -> Result<()> {
    let sdk = connection.sdk().await;
    connection::credentials(&sdk).await?;
    let located = connection.locate(sdk).await?;
    let live = located.store();
    let under_way: Option<RestoreState> = RestoreRun::load(&live).await?;
    if args.cancel {
        let mut run = under_way.context("no restore is under way")?;
        confirm(
            "Start the functions again? What has been restored so far stays.",
            args.safety.yes,
        )?;
        return finish(&mut run, &located, &live).await;
    }
    let from = args.from.clone().unwrap_or_default();
    if from == located.tables.bans {
        bail!("{from} is the live table: --from names the copy beside it");
    }
    if let Some(run) = &under_way
        && run.copy != from
    {
        bail!(
            "a restore from {} is under way: go on with that one, or end it with --cancel",
            run.copy
        );
    }
    if args.safety.dry_run {
        return preview(args, &from, &located, &live, output).await;
    }
    let mut run = match under_way {
        Some(run) => run,
        None => begin(args, &from, &located, &live).await?,
    };
    if run.phase == RestorePhase::Starting {
        return finish(&mut run, &located, &live).await;
    }
    stop(&mut run, &located, &live).await?;
    let mut restoring = restoring(&run.name, args, &from, &located, &live);
    restoring.principal = connection::principal(&located.sdk, connection.is_local()).await;
    if matches!(restoring.absent, Some(Absent::BringBackExcept(_))) && !run.listed {
        restoring.absent = None;
    }
    let done = scan::all(&restoring).await?;
    let undecided = restoring.absent.is_none() && done.values().any(|one| one.left_out_count > 0);
    let mut shown = Vec::new();
    for (workspace, restored) in done {
        // Not before all is in place: a reader of the new epoch finds it so.
        let mut counters = None;
        if !undecided {
            let forwarded = restoring.forward(workspace.prefix(), restored.largest_uid);
            counters = Some(forwarded.await?);
        }
        shown.push(RestoreSummary::of(workspace, restored, counters));
    }
    output.list(&shown, "there is no workspace")?;
    if undecided {
        run.listed = true;
        RestoreRun::save(&live, &run, false).await?;
        bail!(
            "some users are in the copy and no longer in the live table (left out, above). Nobody can be \
             forgotten any more until the restore is done: say with --absent what becomes of them, with \
             --forgotten who was forgotten, and run this again; until then the functions stay stopped"
        );
    }
    finish(&mut run, &located, &live).await
}

fn restoring(
    name: &str,
    args: &RestoreArgs,
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
        absent: args.absent(),
        only_missing: args.only_missing,
        is_preview: args.safety.dry_run,
        logs: KnownLogs::default(),
    }
}

/// Refuses to change bans during a restore: it would undo the change, or bring back a user who is
/// forgotten meanwhile.
pub async fn require_no_restore(store: &Store) -> Result<()> {
    let under_way: Option<RestoreState> = RestoreRun::load(store).await?;
    if let Some(run) = under_way.filter(|run| run.phase == RestorePhase::Restoring) {
        bail!(
            "a restore from {} is under way: wait until it is done, or end it with `portcullis restore \
             --cancel`",
            run.copy
        );
    }
    Ok(())
}

async fn preview(
    args: &RestoreArgs,
    from: &str,
    located: &Connection,
    live: &Store,
    output: Output,
) -> Result<()> {
    let writers = WriterFunctions::of(located).await?;
    let restoring = restoring("restore", args, from, located, live);
    let mut shown = Vec::new();
    for (workspace, restored) in scan::all(&restoring).await? {
        let counters = restoring
            .forward(workspace.prefix(), restored.largest_uid)
            .await?;
        shown.push(RestoreSummary::of(workspace, restored, Some(counters)));
    }
    output.list(&shown, "there is no workspace")?;
    note!(
        "Nothing was changed. These functions would be stopped: {}.",
        writers.names().join(", ")
    );
    Ok(())
}

/// Reads the settings that the end restores and remembers them, before any of them is changed.
async fn begin(
    args: &RestoreArgs,
    from: &str,
    located: &Connection,
    live: &Store,
) -> Result<RestoreState> {
    let writers = WriterFunctions::of(located).await?;
    let question = format!(
        "Restore {} from {from}? {} functions are stopped meanwhile, and the API decides nothing. \
         --dry-run lists what would change.",
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
        bail!("another restore has just begun: run this again to go on with it");
    }
    Ok(run)
}

/// Stops everything that writes, and waits until what was under way has ended.
async fn stop(run: &mut RestoreState, located: &Connection, live: &Store) -> Result<()> {
    run.stop(located).await?;
    let is_first = run.stopped.is_none();
    let stopped = *run
        .stopped
        .get_or_insert_with(|| UnixMillis::now().seconds());
    if is_first {
        RestoreRun::save(live, run, false).await?;
    }
    let since = UnixMillis::now().seconds().0.saturating_sub(stopped.0);
    let wait = Duration::from_secs(run.longest)
        .saturating_add(SETTLES)
        .saturating_sub(Duration::from_secs(since));
    if !wait.is_zero() {
        note!(
            "{} functions are stopped; waiting {} s until calls under way have ended",
            run.functions.len(),
            wait.as_secs()
        );
        tokio::time::sleep(wait).await;
    }
    Ok(())
}

/// Starts everything again as it was, and forgets the run.
async fn finish(run: &mut RestoreState, located: &Connection, live: &Store) -> Result<()> {
    // From here on others write: what they decide must not be taken back by a second walk.
    run.phase = RestorePhase::Starting;
    RestoreRun::save(live, run, false).await?;
    run.start(located).await?;
    RestoreRun::end(live).await?;
    note!(
        "The functions run again, with the settings they had. What the restore decided stands under \
         the name {}; to take it back, for each workspace: portcullis undo --key {} --since {}",
        run.name,
        run.name,
        rfc3339(run.began)
    );
    note!(
        "Next: `portcullis doctor`; `portcullis enforcement reconcile` for each mirrored experience; \
         delete the table {} when it is no longer needed.",
        run.copy
    );
    let stopped = run.stopped.unwrap_or(run.began);
    if UnixMillis::now().seconds().0.saturating_sub(stopped.0) > state::STREAM_WAITS {
        warning!(
            "the functions stood still for longer than the stream's records are tried: \
             redrive everything of each workspace (docs/operations.md)"
        );
    }
    Ok(())
}
