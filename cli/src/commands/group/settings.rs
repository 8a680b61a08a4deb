//! `portcullis group allow` and `check`.

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use shared::domain::clock::UnixMillis;
use shared::domain::rules::group_roles::{Rank, RoleMode, RolePolicy};
use shared::store::{AllowedGroup, GroupSettings};

use super::key::CheckedKey;
use super::{GroupSummary, NamedGroup, OpenCloudContext, check_key};
use crate::arguments::UsageError;
use crate::commands::mirror;
use crate::output::Output;

#[derive(Debug, Args)]
pub struct AllowArgs {
    #[command(flatten)]
    named: NamedGroup,

    /// The name or ARN of the secret with the Open Cloud key: portcullis/STACK/…
    #[arg(long, value_name = "NAME")]
    secret: String,

    /// The lowest rank that is refused, for the new role and for the member [default: 200].
    #[arg(long, value_name = "RANK", value_parser = ceiling)]
    ceiling: Option<Rank>,

    /// Whether the member's other roles are removed.
    #[arg(long, value_enum, default_value_t)]
    mode: Mode,

    /// The only ranks that may be assigned [default: all below the ceiling].
    #[arg(long, value_delimiter = ',', value_name = "RANKS")]
    ranks: Vec<Rank>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Remove the other roles, except those of rank 1.
    #[default]
    Replace,
    /// Keep them.
    Add,
}

pub(super) const fn name(mode: RoleMode) -> &'static str {
    match mode {
        RoleMode::Replace => "replace",
        RoleMode::Add => "add",
    }
}

fn ceiling(text: &str) -> Result<Rank, String> {
    let rank = text.parse().ok().and_then(Rank::new);
    let rank = rank.filter(|rank| rank.get() > 1);
    rank.ok_or_else(|| "expected a rank from 2 to 255".to_owned())
}

pub(super) async fn allow(args: AllowArgs, tools: &OpenCloudContext, output: Output) -> Result<()> {
    let prefix = tools.prefix(args.named.place).await?;
    let group = args.named.group;
    let ceiling = args.ceiling.unwrap_or(RolePolicy::CEILING);
    if let Some(rank) = args.ranks.iter().find(|rank| **rank >= ceiling) {
        let wrong = format!("rank {rank} is not below the ceiling {ceiling}: pass --ceiling");
        return Err(UsageError(wrong).into());
    }
    let key = tools.key(&args.secret).await?;
    let owner = match check_key(&tools.roblox, &key, group).await {
        Ok(checked) => {
            refuse_flawed(&checked)?;
            checked.owner
        }
        Err(error) => {
            warning!("could not check the key: {error}");
            None
        }
    };
    if let Some(wrong) = mirror::unreadable(&args.secret, tools.stack.as_ref()) {
        warning!("changes of ranks will not work: {wrong}");
    }
    let before = tools.store.group(prefix, group).await?;
    let now = UnixMillis::now().seconds();
    let allowed = AllowedGroup {
        group,
        settings: GroupSettings {
            secret: args.secret,
            owner,
            policy: RolePolicy {
                ceiling,
                mode: match args.mode {
                    Mode::Replace => RoleMode::Replace,
                    Mode::Add => RoleMode::Add,
                },
                ranks: args.ranks,
            },
            created: before.map_or(now, |before| before.created),
        },
    };
    tools.store.allow_group(prefix, &allowed).await?;
    output.one(&GroupSummary::from(&allowed))
}

pub(super) async fn check(
    allowed: &AllowedGroup,
    tools: &OpenCloudContext,
    output: Output,
) -> Result<()> {
    let secret = &allowed.settings.secret;
    if let Some(wrong) = mirror::unreadable(secret, tools.stack.as_ref()) {
        bail!("{wrong}");
    }
    let key = tools.key(secret).await?;
    refuse_flawed(&check_key(&tools.roblox, &key, allowed.group).await?)?;
    output.one(&GroupSummary::from(allowed))
}

fn refuse_flawed(checked: &CheckedKey) -> Result<()> {
    match &checked.flaw {
        Some(flaw) => bail!("{flaw} (Creator Dashboard, Open Cloud, API keys)"),
        None => Ok(()),
    }
}
