//! `portcullis mirror set` and `off`.

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use serde::Serialize;
use shared::domain::clock::UnixMillis;
use shared::domain::ids::{ExperienceId, UniverseId};
use shared::integrations::roblox::{RobloxError, RobloxKey};
use shared::store::{Mirror, MirrorOptions, MirrorSettings};

use super::{MirrorSummary, NamedMirror, OpenCloudContext, lift};
use crate::arguments::SafetyArgs;
use crate::commands::experience::require_linked;
use crate::commands::workspace;
use crate::confirm::confirm;
use crate::names::UserNames;
use crate::output::{Output, Printable};

#[derive(Debug, Args)]
pub struct MirrorSetArgs {
    #[command(flatten)]
    named: NamedMirror,

    /// The name or ARN of the secret with the Open Cloud key: portcullis/STACK/…
    #[arg(long, value_name = "NAME")]
    secret: String,

    /// The universe [default: looked up from the place].
    #[arg(long, value_name = "ID", value_parser = universe)]
    universe: Option<UniverseId>,

    /// What to mirror [default: everything].
    #[arg(long, value_enum, value_delimiter = ',', value_name = "WHAT")]
    mirror: Vec<MirrorPart>,
}

#[derive(Debug, Args)]
pub struct MirrorOffArgs {
    #[command(flatten)]
    named: NamedMirror,

    /// Also lift the restrictions that this mirror has set on Roblox, unless another mirrored experience
    /// in the universe needs them. The bans stay in force here and become pending for the experience again.
    #[arg(long)]
    lift: bool,

    /// The universe, if the experience was mirrored to several.
    #[arg(long, value_name = "ID", value_parser = universe, requires = "lift")]
    universe: Option<UniverseId>,

    #[command(flatten)]
    safety: SafetyArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum MirrorPart {
    /// Set bans on Roblox.
    Bans,
    /// Lift bans on Roblox when they end.
    Unbans,
    /// Ask running servers to kick banned players.
    Kicks,
}

/// A mirror that was or would be ended.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct EndedMirror {
    #[serde(flatten)]
    mirror: MirrorSummary,
    dry_run: bool,
}

impl Printable for EndedMirror {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let state = if self.dry_run {
            "would end (dry run, nothing was changed)"
        } else {
            "ended"
        };
        let mut fields = self.mirror.fields();
        fields.retain(|(title, _)| *title != "state");
        fields.push(("state", state.to_owned()));
        fields
    }
}

pub(super) fn universe(text: &str) -> Result<UniverseId, String> {
    let wrong = |_| "expected a Roblox universe id, a number from 1 to 2^53 - 1".to_owned();
    text.parse().map_err(wrong)
}

pub async fn set(args: MirrorSetArgs, tools: &OpenCloudContext, output: Output) -> Result<()> {
    let (store, experience) = (&tools.store, args.named.experience);
    let workspace = workspace::find(store, args.named.place).await?;
    let prefix = workspace.guid.prefix();
    let place = require_linked(store, &workspace, experience.into()).await?;
    // A place that has left acts alone again.
    if place.experience != experience || place.besides.is_some() {
        bail!(
            "place {experience} is part of another place or joins it: set the mirror of the root, \
             which applies the bans of all its places"
        );
    }
    let key = tools.key(&args.secret).await?;
    let universe = if let Some(universe) = args.universe {
        require_place_of(universe, experience, &key, tools).await?;
        universe
    } else {
        let asked = tools.roblox.universe_of(experience).await;
        let found = asked.map_err(|error| {
            anyhow::anyhow!("could not look up the universe ({error}): pass --universe ID")
        })?;
        found.with_context(|| {
            format!(
                "Roblox has no universe for place {experience}: check the id, or pass --universe ID"
            )
        })?
    };
    let before = store.mirror(prefix, experience).await?;
    if let Some(before) = before.filter(|it| it.settings.universe != universe) {
        bail!(
            "experience {experience} is mirrored to universe {}: run `portcullis mirror off \
             {experience} --lift` first",
            before.settings.universe
        );
    }
    match tools.roblox.introspect(&key).await {
        Ok(info) if !info.enabled || info.expired => {
            bail!("the key is disabled or has expired: create a new one in the Creator Dashboard")
        }
        Ok(info) => {
            let missing = info.missing(universe);
            if !missing.is_empty() {
                bail!(
                    "the key lacks these scopes for universe {universe}: {} (Creator Dashboard, Open \
                     Cloud, API keys)",
                    missing.join(", ")
                );
            }
        }
        Err(error @ RobloxError::Unauthorized { .. }) => bail!("{error}"),
        Err(error) => warning!("could not check the key's scopes: {error}"),
    }
    let wants = |part| args.mirror.is_empty() || args.mirror.contains(&part);
    let mirror = Mirror {
        workspace: prefix,
        experience,
        settings: MirrorSettings {
            universe,
            secret: args.secret.clone(),
            options: MirrorOptions {
                bans: wants(MirrorPart::Bans),
                unbans: wants(MirrorPart::Unbans),
                kicks: wants(MirrorPart::Kicks),
            },
            created: UnixMillis::now().seconds(),
            stopped: None,
            checked: None,
        },
    };
    if let Some(wrong) = super::unreadable(&args.secret, tools.stack.as_ref()) {
        warning!("the mirror will not work: {wrong}");
    }
    store.set_mirror(&mirror).await?;
    output.one(&MirrorSummary::from(&mirror))
}

/// Fails unless the place belongs to the universe. Otherwise its bans would apply to another game.
async fn require_place_of(
    universe: UniverseId,
    place: ExperienceId,
    key: &RobloxKey,
    tools: &OpenCloudContext,
) -> Result<()> {
    let error = match tools.roblox.is_place_of(key, universe, place).await {
        Ok(true) => return Ok(()),
        Ok(false) => bail!(
            "place {place} does not belong to universe {universe}: omit --universe to look up the \
             right one"
        ),
        Err(error) => error,
    };
    match tools.roblox.universe_of(place).await {
        Ok(Some(found)) if found == universe => Ok(()),
        Ok(Some(found)) => bail!("place {place} belongs to universe {found}, not to {universe}"),
        _ => bail!(
            "could not check that place {place} belongs to universe {universe} ({error}): try again"
        ),
    }
}

pub async fn off(
    args: &MirrorOffArgs,
    tools: &OpenCloudContext,
    names: &UserNames,
    output: Output,
) -> Result<()> {
    if args.lift {
        return off_and_lift(args, tools, names, output).await;
    }
    let mirror = tools.mirror(args.named).await?;
    let dry_run = args.safety.dry_run;
    if !dry_run {
        let question = format!(
            "Stop mirroring experience {}? Restrictions on Roblox stay; --lift would remove them.",
            mirror.experience
        );
        confirm(&question, args.safety.yes)?;
        let (prefix, experience) = (mirror.workspace, mirror.experience);
        tools.store.remove_mirror(prefix, experience).await?;
    }
    let mirror = MirrorSummary::from(&mirror);
    output.one(&EndedMirror { mirror, dry_run })
}

async fn off_and_lift(
    args: &MirrorOffArgs,
    tools: &OpenCloudContext,
    names: &UserNames,
    output: Output,
) -> Result<()> {
    let mirrored = tools.mirror_or_ended(args.named, args.universe).await?;
    let (mirror, is_ended) = (&mirrored.mirror, mirrored.is_ended);
    let mut found = lift::find(mirror, tools).await?;
    let count = found.iter().filter(|it| it.is_to_be_lifted()).count();
    if !args.safety.dry_run && (count > 0 || !is_ended) {
        let stop = if is_ended {
            "Lift"
        } else {
            "Stop mirroring and lift"
        };
        let question = format!(
            "{stop} {count} restrictions of experience {} in universe {}? The bans stay in force here.",
            mirror.experience, mirror.settings.universe
        );
        confirm(&question, args.safety.yes)?;
        lift::lift_all(mirror, tools, &mut found).await?;
    }
    names
        .complete(
            &tools.store,
            mirror.workspace,
            found.iter_mut().map(|row| &mut row.user),
        )
        .await;
    output.list(&found, "this mirror has set nothing on Roblox's ban list")?;
    let failed = found.iter().filter(|it| it.is_failed()).count();
    if failed > 0 {
        bail!("{failed} restrictions could not be lifted: run this again");
    }
    Ok(())
}
