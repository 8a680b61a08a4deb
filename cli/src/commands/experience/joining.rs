//! `portcullis experience join` and `leave`.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Serialize;
use shared::domain::clock::UnixMillis;
use shared::domain::ids::{ExperienceId, WorkspaceId, WorkspacePrefix};
use shared::domain::places::{Join, Phase};
use shared::store::admin::LinkedExperience;
use shared::store::{BackfillPosition, Joining, Store};

use super::NamedExperience;
use crate::arguments::{SafetyArgs, experience};
use crate::commands::restore::require_no_restore;
use crate::commands::workspace;
use crate::confirm::confirm;
use crate::connection::OperatorSession;
use crate::output::{Output, Printable};
use crate::progress::Progress;

/// How often the command looks whether a phase has ended.
const TICK: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, Args)]
pub struct JoinArgs {
    #[command(flatten)]
    named: NamedExperience,
    /// The place that it becomes part of, usually the start place of the game.
    #[arg(long, value_name = "ID", value_parser = experience)]
    root: ExperienceId,
    #[command(flatten)]
    safety: SafetyArgs,
}

/// A join, or its end.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct JoinSummary {
    place_id: ExperienceId,
    root_id: ExperienceId,
    dry_run: bool,
    state: &'static str,
    /// Users whose bans were carried over by this run.
    carried_over: u64,
    /// The name of the decisions, for an undo after the place has left.
    name: Option<String>,
}

impl Printable for JoinSummary {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![
            ("place", self.place_id.to_string()),
            ("root", self.root_id.to_string()),
            ("state", self.state.to_owned()),
        ];
        if let Some(name) = &self.name {
            fields.push(("users carried over", self.carried_over.to_string()));
            fields.push(("name", name.clone()));
        }
        fields
    }
}

pub async fn join(args: JoinArgs, session: &OperatorSession, output: Output) -> Result<()> {
    let store = &session.store;
    let NamedExperience {
        experience: part,
        place,
    } = args.named;
    let workspace = workspace::find(store, place).await?.guid;
    let prefix = workspace.prefix();
    let join = match fitting(store, workspace, part, args.root).await? {
        Some(join) => join,
        None if args.safety.dry_run => {
            let state = "would join";
            return output.one(&JoinSummary::of(part, args.root, None, 0, state, true));
        }
        None => announce(store, prefix, part, args).await?,
    };
    let clock = ServerClock::of(store, prefix).await?;
    if args.safety.dry_run || join.is_complete {
        let state = if join.is_complete {
            "joined"
        } else {
            "joining"
        };
        return output.one(&JoinSummary::of(
            part,
            args.root,
            Some(join),
            0,
            state,
            args.safety.dry_run,
        ));
    }
    wait(join, clock).await;
    require_no_restore(store).await?;
    let joining = session.joining(prefix, part, join);
    let carried = carry_over(store, &joining).await?;
    if !store.complete_join(&joining).await? {
        bail!("place {part} has left its root in the meantime");
    }
    note!(
        "Place {part} is now part of {}. To take this back, run `portcullis experience leave {part}`, \
         wait a minute, and run `portcullis undo --key {} --since {}`.",
        args.root,
        join.name(part),
        join.announced.seconds().rfc3339()
    );
    output.one(&JoinSummary::of(
        part,
        args.root,
        Some(join),
        carried,
        "joined",
        false,
    ))
}

impl JoinSummary {
    fn of(
        place_id: ExperienceId,
        root_id: ExperienceId,
        join: Option<Join>,
        carried_over: u64,
        state: &'static str,
        dry_run: bool,
    ) -> Self {
        Self {
            place_id,
            root_id,
            dry_run,
            state,
            carried_over,
            name: join.map(|join| join.name(place_id)),
        }
    }
}

/// The join in progress, or none if the place may join the root; fails if it may not.
async fn fitting(
    store: &Store,
    workspace: WorkspaceId,
    part: ExperienceId,
    root: ExperienceId,
) -> Result<Option<Join>> {
    let links = store.links(workspace.prefix()).await?;
    let found = |id| links.iter().find(move |it| it.experience == id);
    let linked = |id| {
        found(id).with_context(|| {
            format!(
                "experience {id} is not linked: link it first with `portcullis experience link {id} -w \
                 {workspace}`"
            )
        })
    };
    if part == root {
        bail!("a place cannot be part of itself");
    }
    let (own, roots) = (linked(part)?, linked(root)?);
    if let Some(join) = roots.join {
        bail!(
            "place {root} is itself part of {}: name that one as --root",
            join.root
        );
    }
    if let Some(other) = LinkedExperience::parts_of(&links, part).next() {
        bail!("place {other} is part of {part}, so {part} cannot be part of another place");
    }
    if let Some(join) = own.join {
        if join.root != root {
            bail!(
                "place {part} is part of {}: run `portcullis experience leave {part}` first",
                join.root
            );
        }
        return Ok(Some(join));
    }
    if store.mirror(workspace.prefix(), part).await?.is_some() {
        bail!(
            "place {part} has a mirror of its own: set up the mirror of {root} first, which applies the \
             bans of all its places, then run `portcullis mirror off {part}`"
        );
    }
    Ok(None)
}

async fn announce(
    store: &Store,
    prefix: WorkspacePrefix,
    part: ExperienceId,
    args: JoinArgs,
) -> Result<Join> {
    let root = args.root;
    let question = format!(
        "Make place {part} part of {root}? Every call that names {part} then acts in {root}: bans of one \
         hold in both, and a ban of the other place in force keeps the user out there too. This takes \
         about three and a half minutes."
    );
    confirm(&question, args.safety.yes)?;
    let now = ServerClock::of(store, prefix).await?.now();
    if !store.announce_join(prefix, part, root, now).await? {
        bail!("the links have changed in the meantime: run this again");
    }
    Ok(Join {
        root,
        announced: now,
        is_complete: false,
    })
}

/// The time of the database. The functions judge the phases by clocks like that one, not by this
/// machine's.
#[derive(Clone, Copy, Debug)]
struct ServerClock {
    offset: i64,
}

impl ServerClock {
    async fn of(store: &Store, prefix: WorkspacePrefix) -> Result<Self> {
        let offset = store.server_clock_offset(prefix).await?;
        Ok(Self { offset })
    }

    fn now(self) -> UnixMillis {
        let here = UnixMillis::now().millis();
        UnixMillis::from_millis(here.saturating_add_signed(self.offset))
    }
}

/// Waits until no function decides in the part any more.
async fn wait(join: Join, clock: ServerClock) {
    let left = |now: UnixMillis| join.carries_from().millis().saturating_sub(now.millis());
    let mut said = None;
    let start = left(clock.now());
    let mut progress = Progress::begin("seconds waited", Some(start.div_ceil(1000)));
    loop {
        let now = clock.now();
        if left(now) == 0 {
            progress.finish();
            return;
        }
        let phase = join.phase(now);
        if said.replace(phase) != Some(phase) {
            note!("{}", sentence(phase));
        }
        tokio::time::sleep(TICK.min(Duration::from_millis(left(now)))).await;
        progress.advance(1);
    }
}

const fn sentence(phase: Phase) -> &'static str {
    match phase {
        Phase::Announced => {
            "Announced. Checks read both places; decisions still go to the place, until all functions \
             know of the join."
        }
        Phase::Settling => "Settling. Decisions go to the root; checks read both places.",
        Phase::Joined => "Joined.",
    }
}

/// Carries all users over, and returns how many had anything decided about them.
async fn carry_over(store: &Store, joining: &Joining) -> Result<u64> {
    let total = store.count_backfill(joining.prefix, joining.part).await?;
    let mut progress = Progress::begin("users looked at", Some(total));
    let (mut position, mut carried) = (Some(BackfillPosition::default()), 0_u64);
    while let Some(at) = position {
        let page = store.carry_over_some(joining, &at).await?;
        progress.advance(page.looked_at);
        carried = carried.saturating_add(page.carried);
        position = page.next;
    }
    progress.finish();
    Ok(carried)
}

pub async fn leave(
    named: NamedExperience,
    safety: SafetyArgs,
    store: &Store,
    output: Output,
) -> Result<()> {
    let NamedExperience {
        experience: part,
        place,
    } = named;
    let prefix = workspace::find(store, place).await?.guid.prefix();
    let link = store.linked(prefix, part).await?;
    let Some(join) = link.and_then(|link| link.join) else {
        bail!("place {part} is not part of another place");
    };
    let now = UnixMillis::now().seconds();
    let count = store.count_in_force(prefix, join.root, now).await?;
    let what = format!(
        "{count} bans of {root} in force no longer hold in place {part}; Global bans do",
        root = join.root
    );
    if safety.dry_run {
        note!("{what}.");
        let state = "would leave";
        return output.one(&JoinSummary::of(part, join.root, None, 0, state, true));
    }
    let question = format!("Take place {part} out of {}? {what}.", join.root);
    confirm(&question, safety.yes)?;
    if !store.leave_root(prefix, part, join).await? {
        bail!("the links have changed in the meantime: run this again");
    }
    note!(
        "It may take 60 s to take effect. To bring back the bans that the place had before it joined, run \
         `portcullis undo --key {} --since {}` then.",
        join.name(part),
        join.announced.seconds().rfc3339()
    );
    output.one(&JoinSummary::of(part, join.root, None, 0, "left", false))
}
