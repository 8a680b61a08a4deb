//! Setting a mirror up, and ending it.

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use shared::clock::Moment;
use shared::ids::{ExperienceId, UniverseId};
use shared::roblox::{RobloxError, RobloxKey};
use shared::store::{Enforcement, EnforcementSettings, Mirror};

use super::{Named, Shown, Tools, lift};
use crate::arguments::Caution;
use crate::commands::workspace;
use crate::confirm::confirm;
use crate::output::Output;

#[derive(Debug, Args)]
pub struct SetArgs {
    #[command(flatten)]
    named: Named,

    /// The name or ARN under which Secrets Manager keeps the key of Open Cloud:
    /// portcullis/STACK/…
    #[arg(long, value_name = "NAME")]
    secret: String,

    /// The universe [default: Roblox is asked which one the place belongs to].
    #[arg(long, value_name = "ID", value_parser = universe)]
    universe: Option<UniverseId>,

    /// What is mirrored [default: everything].
    #[arg(long, value_enum, value_delimiter = ',', value_name = "WHAT")]
    mirror: Vec<Part>,
}

#[derive(Debug, Args)]
pub struct OffArgs {
    #[command(flatten)]
    named: Named,

    /// Also lift at Roblox what this mirror has set there, unless another mirrored experience of the
    /// universe needs it. The bans stay in force here, and become pending for the experience again.
    #[arg(long)]
    lift: bool,

    /// The universe, if the experience was mirrored to several.
    #[arg(long, value_name = "ID", value_parser = universe, requires = "lift")]
    universe: Option<UniverseId>,

    #[command(flatten)]
    caution: Caution,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Bans are set.
    Bans,
    /// Bans that ended are lifted.
    Unbans,
    /// Running servers are told to drop a banned player.
    Kicks,
}

pub(super) fn universe(text: &str) -> Result<UniverseId, String> {
    let wrong = |_| "expected a Roblox universe id, a number from 1 to 2^53 - 1".to_owned();
    text.parse().map_err(wrong)
}

pub async fn set(args: SetArgs, tools: &Tools, output: Output) -> Result<()> {
    let (store, experience) = (&tools.store, args.named.experience);
    let workspace = workspace::find(store, args.named.place.workspace).await?;
    let tag = workspace.guid.tag();
    if store.linked(tag, experience).await?.is_none() {
        bail!(
            "the experience {experience} is not linked: `portcullis experience link {experience}`"
        );
    }
    let key = tools.key(&args.secret).await?;
    let universe = if let Some(universe) = args.universe {
        demand_place_of(universe, experience, &key, tools).await?;
        universe
    } else {
        let asked = tools.roblox.universe_of(experience).await;
        let found = asked.context("Roblox was asked for the universe: give --universe")?;
        found.with_context(|| {
            format!("Roblox knows no universe of the place {experience}: give --universe")
        })?
    };
    let before = store.enforcement(tag, experience).await?;
    if let Some(before) = before.filter(|it| it.settings.universe != universe) {
        bail!(
            "the experience {experience} is mirrored to universe {}: `portcullis enforcement off \
             {experience} --lift` first",
            before.settings.universe
        );
    }
    match tools.roblox.introspect(&key).await {
        Ok(info) if !info.enabled || info.expired => {
            bail!("the key is switched off or has expired: make another in the Creator Dashboard")
        }
        Ok(info) => {
            let missing = info.missing(universe);
            if !missing.is_empty() {
                bail!(
                    "the key lacks for universe {universe}: {} (Creator Dashboard, Open Cloud, \
                     API keys)",
                    missing.join(", ")
                );
            }
        }
        Err(error @ RobloxError::Unauthorized { .. }) => bail!("{error}"),
        Err(error) => eprintln!("warning: what the key may do is not known: {error}"),
    }
    let wants = |part| args.mirror.is_empty() || args.mirror.contains(&part);
    let enforcement = Enforcement {
        workspace: tag,
        experience,
        settings: EnforcementSettings {
            universe,
            secret: args.secret.clone(),
            mirror: Mirror {
                bans: wants(Part::Bans),
                unbans: wants(Part::Unbans),
                kicks: wants(Part::Kicks),
            },
            created: Moment::now().seconds(),
            stopped: None,
            checked: None,
        },
    };
    if let Some(wrong) = super::unreadable(&args.secret, tools.stack.as_ref()) {
        eprintln!("warning: nothing will be mirrored: {wrong}");
    }
    store.set_enforcement(&enforcement).await?;
    output.one(&Shown::from(&enforcement))
}

/// Refuses a universe that the place does not belong to: its bans would go to another game.
async fn demand_place_of(
    universe: UniverseId,
    place: ExperienceId,
    key: &RobloxKey,
    tools: &Tools,
) -> Result<()> {
    let error = match tools.roblox.is_place_of(key, universe, place).await {
        Ok(true) => return Ok(()),
        Ok(false) => bail!(
            "place {place} does not belong to universe {universe}: without --universe, Roblox is asked \
             for the right one"
        ),
        Err(error) => error,
    };
    match tools.roblox.universe_of(place).await {
        Ok(Some(found)) if found == universe => Ok(()),
        Ok(Some(found)) => bail!("place {place} belongs to universe {found}, not to {universe}"),
        _ => bail!(
            "Roblox does not say whether place {place} belongs to universe {universe} ({error}): try \
             again"
        ),
    }
}

pub async fn off(args: &OffArgs, tools: &Tools, output: Output) -> Result<()> {
    if args.lift {
        return off_and_lift(args, tools, output).await;
    }
    let enforcement = tools.enforcement(args.named).await?;
    if !args.caution.dry_run {
        let question = format!(
            "Stop mirroring the experience {}? What Roblox holds stays: --lift removes it.",
            enforcement.experience
        );
        confirm(&question, args.caution.yes)?;
        let (tag, experience) = (enforcement.workspace, enforcement.experience);
        tools.store.remove_enforcement(tag, experience).await?;
    }
    output.one(&Shown::from(&enforcement))
}

async fn off_and_lift(args: &OffArgs, tools: &Tools, output: Output) -> Result<()> {
    let mirrored = tools
        .enforcement_or_ended(args.named, args.universe)
        .await?;
    let (enforcement, is_ended) = (&mirrored.enforcement, mirrored.is_ended);
    let mut found = lift::find(enforcement, tools).await?;
    let count = found.iter().filter(|it| it.is_to_be_lifted()).count();
    if !args.caution.dry_run && (count > 0 || !is_ended) {
        let stop = if is_ended {
            "Lift"
        } else {
            "Stop mirroring and lift"
        };
        let question = format!(
            "{stop} {count} restrictions of experience {} in universe {}? The bans stay in force here.",
            enforcement.experience, enforcement.settings.universe
        );
        confirm(&question, args.caution.yes)?;
        lift::carry_out(enforcement, tools, &mut found).await?;
    }
    output.list(&found, "Roblox holds nothing that this mirror has set")?;
    let failed = found.iter().filter(|it| it.is_failed()).count();
    if failed > 0 {
        bail!("{failed} restrictions could not be lifted: run this again");
    }
    Ok(())
}
