//! Rotating a key: a new one takes its place without a gap.

use anyhow::{Context, Result, bail};
use clap::Args;
use shared::auth::PlainKey;
use shared::clock::{Moment, Timestamp};
use shared::store::{NewKey, Store};

use super::{NamedKey, find, make};
use crate::arguments::{Caution, expiry, seconds};
use crate::confirm::confirm;
use crate::output::Output;
use crate::times::duration;

#[derive(Debug, Args)]
pub struct RotateArgs {
    #[command(flatten)]
    named: NamedKey,
    /// For how long the old key lives on, such as 24h or 7d; 0 revokes it at once.
    #[arg(long, default_value = "24h", value_name = "LENGTH", value_parser = seconds)]
    overlap: u64,
    /// When the new key ends [default: after as long a life as the old one was given].
    #[arg(long, value_name = "WHEN", value_parser = expiry)]
    expires: Option<Timestamp>,
    #[command(flatten)]
    caution: Caution,
}

pub async fn rotate(args: &RotateArgs, store: &Store, output: Output) -> Result<()> {
    let old = find(store, &args.named).await?;
    let now = Moment::now().seconds();
    if !old.is_live(now) {
        bail!(
            "the key {:?} ({}) is revoked or expired already: make a new one with `portcullis key \
             create`",
            old.name,
            old.key_id
        );
    }
    let life = old.expires.map(|end| end.0.saturating_sub(old.created.0));
    let new = NewKey {
        key: PlainKey::random(old.key_kind, old.workspace),
        workspace: old.workspace,
        name: old.name.clone(),
        scopes: old.scopes.clone(),
        flags: old.flags,
        bans_per_hour: old.bans_per_hour,
        checks_per_minute: old.checks_per_minute,
        expires: args.expires.or(life.map(|life| now.plus(life))),
        created: now,
    };
    let fate = match args.overlap {
        0 => "is revoked at once".to_owned(),
        overlap => format!("lives on for {} at most", duration(overlap)),
    };
    if args.caution.dry_run {
        eprintln!("Nothing was changed: a key like this one would be made, and this one {fate}.");
        return output.one(&super::Shown::at(now, &old));
    }
    if args.overlap == 0 {
        let question = format!(
            "Rotate the key {:?} ({})? The old one {fate}: whoever uses it is refused until they \
             have the new one.",
            old.name, old.key_id
        );
        confirm(&question, args.caution.yes)?;
    }
    // The new one is in safe hands before anything happens to the old one.
    make(&new, store, output).await?;
    let tag = old.workspace.tag();
    let ended = match args.overlap {
        0 => store.revoke_key(tag, &old.key_id, now).await,
        overlap => store.expire_key(tag, &old.key_id, now.plus(overlap)).await,
    };
    // A no means that it ends sooner than that anyway.
    ended.with_context(|| {
        format!(
            "the new key is made, but the old one lives on: `portcullis key revoke {}`",
            old.key_id
        )
    })?;
    eprintln!("The old key {} {fate}.", old.key_id);
    Ok(())
}
