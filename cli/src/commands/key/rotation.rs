//! `portcullis key rotate`.

use anyhow::{Context, Result, bail};
use clap::Args;
use shared::domain::clock::{UnixMillis, UnixSeconds};
use shared::domain::keys::{KeyRecord, PlainKey, Replaced};
use shared::store::Store;
use shared::store::admin::NewKey;

use super::{NamedKey, all, find, make};
use crate::arguments::{SafetyArgs, expiry, seconds};
use crate::confirm::confirm;
use crate::output::Output;
use crate::times::in_utc;

#[derive(Debug, Args)]
pub struct KeyRotateArgs {
    #[command(flatten)]
    named: NamedKey,
    /// How long the old key keeps working, such as 24h or 7d; 0 revokes it immediately.
    #[arg(long, default_value = "24h", value_name = "LENGTH", value_parser = seconds)]
    overlap: u64,
    /// When the new key expires [default: after the old key's original lifetime].
    #[arg(long, value_name = "WHEN", value_parser = expiry)]
    expires: Option<UnixSeconds>,
    #[command(flatten)]
    safety: SafetyArgs,
}

pub async fn rotate(args: &KeyRotateArgs, store: &Store, output: Output) -> Result<()> {
    let old = find(store, &args.named).await?;
    let now = UnixMillis::now().seconds();
    if !old.is_live(now) {
        bail!(
            "the key {:?} ({}) is revoked or has expired: create a new one with `portcullis key \
             create`",
            old.name,
            old.key_id
        );
    }
    if let Some(replaced) = &old.replaced {
        let keys = all(store, args.named.place).await?;
        let is_it = |key: &&KeyRecord| key.key_id == replaced.by && key.is_live(now);
        if let Some(by) = keys.iter().find(is_it) {
            bail!(
                "the key {:?} ({}) is already being replaced by {}: rotate that key, or revoke it \
                 first if it was lost",
                old.name,
                old.key_id,
                by.key_id
            );
        }
    }
    // A replaced key expires with the overlap; its successor gets the original lifetime.
    let expires = match &old.replaced {
        Some(replaced) => replaced.expires,
        None => old.expires,
    };
    let life = expires.map(|end| end.0.saturating_sub(old.created.0));
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
    let end = now.plus(args.overlap);
    let end = old.expires.map_or(end, |expires| expires.min(end));
    if args.safety.dry_run {
        let fate = match args.overlap {
            0 => "be revoked immediately".to_owned(),
            _ => format!("stop working on {}", in_utc(end)),
        };
        note!("Dry run: a new key would replace this key, which would {fate}.");
        return output.one(&super::KeySummary::at(now, &old));
    }
    if args.overlap == 0 {
        let question = format!(
            "Rotate the key {:?} ({}) without an overlap? Clients using the old key get 401 until \
             they use the new one.",
            old.name, old.key_id
        );
        confirm(&question, args.safety.yes)?;
    }
    // Show the new key before the old one changes.
    make(&new, store, output).await?;
    let prefix = old.workspace.prefix();
    let ended = if args.overlap == 0 {
        store.revoke_key(prefix, &old.key_id, now).await
    } else {
        let replaced = Replaced {
            by: new.record().key_id,
            expires,
        };
        store.replace_key(prefix, &old.key_id, end, &replaced).await
    };
    // `false` means that the key expires earlier anyway.
    ended.with_context(|| {
        format!(
            "created the new key, but the old one still works: `portcullis key revoke {}`",
            old.key_id
        )
    })?;
    match args.overlap {
        0 => note!("The old key {} is revoked.", old.key_id),
        _ => note!(
            "The old key {} stops working on {}.",
            old.key_id,
            in_utc(end)
        ),
    }
    Ok(())
}
