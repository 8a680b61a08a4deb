//! Trying an endpoint.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;
use shared::clock::Moment;
use shared::store::Store;
use shared::webhooks::DeliveryState;

use super::deliveries::Shown;
use super::{Named, find_active};
use crate::output::Output;

/// How long it waits between two looks at what became of it.
const PAUSE: Duration = Duration::from_millis(300);

#[derive(Debug, Args)]
pub struct TestArgs {
    #[command(flatten)]
    named: Named,

    /// For how many seconds it waits for the answer; a test whose wake was lost is sent within a
    /// minute.
    #[arg(long, value_name = "SECONDS", default_value_t = 90)]
    wait: u64,
}

pub async fn run(args: &TestArgs, store: &Store, output: Output) -> Result<()> {
    let endpoint = find_active(store, args.named).await?;
    let tag = endpoint.workspace.tag();
    let key = store.request_test(&endpoint, Moment::now()).await?;
    let begun = Instant::now();
    loop {
        let found = store.delivery(tag, endpoint.id, key).await?;
        let Some(delivery) = found else {
            bail!("the test is gone: was the endpoint removed?");
        };
        if delivery.state != DeliveryState::Due {
            let shown = Shown::of(delivery);
            output.one(&shown)?;
            if shown.state != DeliveryState::Delivered {
                bail!("the endpoint did not take the test");
            }
            return Ok(());
        }
        if begun.elapsed() >= Duration::from_secs(args.wait) {
            bail!(
                "nothing was sent within {} s: is `deliver-webhooks` running? `portcullis doctor` \
                 looks at the installation",
                args.wait
            );
        }
        tokio::time::sleep(PAUSE).await;
    }
}
