//! `portcullis webhook test`.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;
use shared::domain::clock::UnixMillis;
use shared::domain::webhooks::DeliveryState;
use shared::store::Store;

use super::deliveries::DeliverySummary;
use super::{NamedWebhook, find_active};
use crate::output::Output;

/// The polling interval for the result.
const PAUSE: Duration = Duration::from_millis(300);

#[derive(Debug, Args)]
pub struct WebhookTestArgs {
    #[command(flatten)]
    named: NamedWebhook,

    /// How many seconds to wait for the response.
    #[arg(long, value_name = "SECONDS", default_value_t = 90)]
    wait: u64,
}

pub async fn run(args: &WebhookTestArgs, store: &Store, output: Output) -> Result<()> {
    let endpoint = find_active(store, args.named).await?;
    let prefix = endpoint.workspace.prefix();
    let key = store.request_test(&endpoint, UnixMillis::now()).await?;
    let begun = Instant::now();
    loop {
        let found = store.delivery(prefix, endpoint.id, key).await?;
        let Some(delivery) = found else {
            bail!("the test no longer exists: the webhook may have been removed");
        };
        if delivery.state != DeliveryState::Due {
            let shown = DeliverySummary::of(delivery, &endpoint, store, false).await?;
            output.one(&shown)?;
            if shown.state != DeliveryState::Delivered {
                bail!("the endpoint rejected the test event");
            }
            return Ok(());
        }
        if begun.elapsed() >= Duration::from_secs(args.wait) {
            bail!(
                "nothing was sent within {} s: check with `portcullis doctor` that `deliver-webhooks` \
                 runs",
                args.wait
            );
        }
        tokio::time::sleep(PAUSE).await;
    }
}
