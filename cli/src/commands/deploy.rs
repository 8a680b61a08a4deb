//! `portcullis deploy`: installs a release, or updates a stack of any earlier version to it.

mod bucket;
mod cloudformation;
mod parameters;
mod plan;
mod release;
mod status;
mod tables;
mod template;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::arguments::SafetyArgs;
use crate::commands::{mirror, restore, workspace};
use crate::confirm::confirm;
use crate::connection::{self, Connection, ConnectionArgs};
use crate::output::{Output, Printable};
use bucket::CodeBucket;
use cloudformation::{CloudFormation, StackInfo};
use parameters::{CODE_BUCKET, CODE_PREFIX, ParameterValue, Parameters};
use plan::{Deployed, Step};
use release::{Release, TEMPLATE};
use tables::LiveTables;
use template::Template;

const EXAMPLES: &str = "\
Examples:
  portcullis --stack portcullis deploy --from portcullis-1.2.0-stack
  portcullis --stack portcullis deploy --from portcullis-1.2.0-stack --dry-run
  portcullis --stack staging deploy --from target/package --parameter AlarmEmail=ops@example.com

The directory is unpacked from a release, or filled by `make package`. Its files are copied to a bucket of your \
account in the same region. A stack from an earlier version is brought up to date step by step: each new index of \
a table is one update, because CloudFormation creates one at once. The API answers all the time. If the command \
is stopped or fails, run it again: it continues from what is deployed. Parameters keep their deployed values.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DeployArgs {
    /// The directory with the files of a release.
    #[arg(long, value_name = "DIR")]
    from: PathBuf,

    /// A parameter of the stack. Repeat it for more.
    #[arg(long = "parameter", short = 'P', value_name = "NAME=VALUE", value_parser = parameter)]
    parameters: Vec<(String, String)>,

    /// The bucket for the files, in the stack's region [default: portcullis-code-ACCOUNT-REGION, created if
    /// missing].
    #[arg(long, value_name = "NAME")]
    bucket: Option<String>,

    #[command(flatten)]
    safety: SafetyArgs,
}

#[derive(Debug, Serialize)]
struct DeploySummary {
    stack: String,
    status: String,
    steps: Vec<String>,
    #[serde(rename = "apiUrl")]
    api_url: Option<String>,
}

impl Printable for DeploySummary {
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("stack", self.stack.clone()),
            ("status", self.status.clone()),
            ("steps", self.steps.join("\n")),
            ("API URL", self.api_url.clone().unwrap_or_default()),
        ]
    }
}

/// One run of the command.
struct Deployment<'a> {
    args: &'a DeployArgs,
    release: Release,
    cloudformation: CloudFormation,
    given: BTreeMap<String, String>,
}

/// A release in the bucket.
struct Uploaded {
    bucket: CodeBucket,
    prefix: String,
}

pub async fn run(args: &DeployArgs, connection: &ConnectionArgs, output: Output) -> Result<()> {
    let stack = connection
        .stack_name()
        .context("no stack given: use --stack or set PORTCULLIS_STACK")?;
    let release = Release::open(&args.from)?;
    let sdk = connection.sdk().await;
    connection::credentials(&sdk).await?;
    let cloudformation = CloudFormation::new(&sdk, stack);
    let given = args.parameters.iter().cloned().collect();
    let deployment = Deployment {
        args,
        release,
        cloudformation,
        given,
    };
    let existing = deployment.cloudformation.settled().await?;
    let located = match &existing {
        Some(_) => Some(connection.locate(sdk.clone()).await?),
        None => None,
    };
    let steps = match &located {
        Some(located) => deployment.plan(located).await?,
        None => vec![Step::Release],
    };
    let deployed = existing
        .as_ref()
        .map(|it| it.parameters.clone())
        .unwrap_or_default();
    parameters::choose(
        &deployment.release.template,
        &deployed,
        &deployment.with_code("", ""),
    )?;
    let mut summary = DeploySummary {
        stack: stack.to_owned(),
        status: existing.map_or_else(|| "not created yet".to_owned(), |it| it.status),
        steps: steps.iter().map(ToString::to_string).collect(),
        api_url: None,
    };
    if args.safety.dry_run {
        return output.one(&summary);
    }
    if steps.len() > 2 {
        for (step, number) in summary.steps.iter().zip(1..) {
            note!("{number}. {step}");
        }
        confirm(
            "Begin with these steps? The last one asks again.",
            args.safety.yes,
        )?;
    }
    let uploaded = deployment.upload(&sdk, &deployed).await?;
    for step in &steps {
        note!("{step}");
        let changed = deployment
            .apply(step, located.as_ref(), &deployed, &uploaded)
            .await?;
        if let Some(info) = changed {
            summary.status = info.status;
            summary.api_url = info.api_url;
        }
    }
    if located.is_some() {
        note!("`portcullis doctor` checks the installation");
    } else {
        note!("next: `portcullis workspace create NAME`, then `portcullis key create`");
    }
    output.one(&summary)
}

impl Deployment<'_> {
    /// The steps for what is deployed.
    async fn plan(&self, located: &Connection) -> Result<Vec<Step>> {
        let store = located.store();
        restore::require_no_restore(&store).await?;
        let mirrors = store.mirrors().await?;
        let secrets = mirrors
            .into_iter()
            .map(|it| it.settings.secret.as_str().to_owned());
        let stack = located.stack.as_ref();
        let foreign: BTreeSet<_> = secrets
            .filter(|it| mirror::unreadable(it, stack).is_some())
            .collect();
        let deployed = Deployed {
            template: self.cloudformation.template().await?,
            indexes: LiveTables::new(located).indexes().await?,
            foreign_secrets: foreign,
        };
        Ok(plan::plan(&deployed, &self.release.template)?)
    }

    /// The given parameters and those that name the archives.
    fn with_code(&self, bucket: &str, prefix: &str) -> BTreeMap<String, String> {
        let code = [(CODE_BUCKET, bucket), (CODE_PREFIX, prefix)];
        let code = code.map(|(name, value)| (name.to_owned(), value.to_owned()));
        self.given.clone().into_iter().chain(code).collect()
    }

    /// Copies the files to the bucket, except those that it has.
    async fn upload(
        &self,
        sdk: &aws_config::SdkConfig,
        deployed: &BTreeMap<String, String>,
    ) -> Result<Uploaded> {
        let architecture = parameters::value(
            "Architecture",
            &self.release.template,
            deployed,
            &self.given,
        );
        let files = self.release.files(architecture.unwrap_or("arm64"))?;
        let bucket = CodeBucket::open(sdk, self.args.bucket.as_deref()).await?;
        let mut copied = 0;
        for name in &files.names {
            let key = format!("{}/{name}", files.prefix);
            if !bucket.has(&key).await? {
                bucket.put(&key, self.release.read(name)?).await?;
                copied += 1;
            }
        }
        note!(
            "copied {copied} of {} files to s3://{}/{}",
            files.names.len(),
            bucket.name,
            files.prefix
        );
        Ok(Uploaded {
            bucket,
            prefix: files.prefix,
        })
    }

    /// Returns the stack if the step changed it.
    async fn apply(
        &self,
        step: &Step,
        located: Option<&Connection>,
        deployed: &BTreeMap<String, String>,
        uploaded: &Uploaded,
    ) -> Result<Option<StackInfo>> {
        match (step, located) {
            (Step::Release, _) => {
                let given = self.with_code(&uploaded.bucket.name, &uploaded.prefix);
                let chosen = parameters::choose(&self.release.template, deployed, &given)?;
                let url = uploaded
                    .bucket
                    .url(&format!("{}/{TEMPLATE}", uploaded.prefix));
                self.update(located.is_none(), &url, &chosen, self.args.safety.yes)
                    .await
            }
            (Step::AddIndex(id, index), Some(located)) => {
                let template = self.cloudformation.template().await?.with_index(id, index);
                let changed = self.update_to(&template, uploaded).await?;
                LiveTables::new(located).wait(id).await?;
                Ok(changed)
            }
            (Step::RemoveMonitors(ids), _) => {
                let template = self.cloudformation.template().await?.without(ids);
                self.update_to(&template, uploaded).await
            }
            (Step::AwaitIndex(id), Some(located)) => {
                LiveTables::new(located).wait(id).await?;
                Ok(None)
            }
            (Step::UpgradeWorkspaces, Some(located)) => {
                workspace::upgrade_all(&located.store()).await?;
                Ok(None)
            }
            (_, None) => bail!("a new stack has no step: {step}"),
        }
    }

    /// Updates the stack to a variant of its own template.
    async fn update_to(
        &self,
        template: &Template,
        uploaded: &Uploaded,
    ) -> Result<Option<StackInfo>> {
        let text = template.text();
        let digest: String = release::hex(&Sha256::digest(&text))
            .chars()
            .take(32)
            .collect();
        let key = format!("portcullis/steps/{digest}.json");
        uploaded.bucket.put(&key, text.into_bytes()).await?;
        let names = template.parameters().into_keys();
        let keep: Parameters = names
            .map(|name| (name.to_owned(), ParameterValue::Keep))
            .collect();
        self.update(false, &uploaded.bucket.url(&key), &keep, true)
            .await
    }

    /// Shows the changes, asks, and executes them.
    async fn update(
        &self,
        is_new: bool,
        url: &str,
        chosen: &Parameters,
        yes: bool,
    ) -> Result<Option<StackInfo>> {
        let Some(change_set) = self.cloudformation.prepare(is_new, url, chosen).await? else {
            note!("the stack is up to date");
            return self.cloudformation.settled().await;
        };
        for change in &change_set.changes {
            let replaced = if change.is_replaced { ", replaced" } else { "" };
            note!(
                "  {:<7} {} ({}{replaced})",
                change.action,
                change.id,
                change.kind
            );
        }
        let agreed = status::refuse_loss(&change_set.changes)
            .and_then(|()| confirm("Apply these changes?", yes));
        if let Err(refused) = agreed {
            self.cloudformation.cancel(&change_set).await?;
            return Err(refused);
        }
        self.cloudformation.execute(&change_set).await.map(Some)
    }
}

fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if name == CODE_BUCKET || name == CODE_PREFIX => Err(format!(
            "{name}={value} is set by the command itself: use --bucket"
        )),
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}
