//! The stack in CloudFormation.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use aws_config::SdkConfig;
use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::error::ProvideErrorMetadata;
use aws_sdk_cloudformation::types::{
    Capability, ChangeSetStatus, ChangeSetType, Parameter, Replacement, ResourceStatus, Tag,
    TemplateStage,
};

use super::parameters::{ParameterValue, Parameters};
use super::status::{ResourceChange, STACK, StackCondition, StackEvent};
use super::template::Template;
use crate::connection::failed;

/// The polling interval.
const PAUSE: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub struct CloudFormation {
    client: Client,
    stack: String,
}

/// A stack that exists.
#[derive(Debug)]
pub struct StackInfo {
    pub id: String,
    pub status: String,
    pub parameters: BTreeMap<String, String>,
    pub api_url: Option<String>,
}

/// A change set that CloudFormation has created.
#[derive(Debug)]
pub struct ChangeSet {
    name: String,
    pub changes: Vec<ResourceChange>,
}

impl CloudFormation {
    pub fn new(sdk: &SdkConfig, stack: &str) -> Self {
        Self {
            client: Client::new(sdk),
            stack: stack.to_owned(),
        }
    }

    /// The stack, or `None` if it does not exist.
    async fn describe(&self) -> Result<Option<StackInfo>> {
        let answer = match self
            .client
            .describe_stacks()
            .stack_name(&self.stack)
            .send()
            .await
        {
            Ok(answer) => answer,
            Err(error) if error.code() == Some("ValidationError") => return Ok(None),
            Err(error) => return Err(failed("CloudFormation", "read the stack", &error)),
        };
        let Some(stack) = answer.stacks().first() else {
            return Ok(None);
        };
        let parameters = stack.parameters().iter().filter_map(|it| {
            let (name, value) = (it.parameter_key()?, it.parameter_value()?);
            Some((name.to_owned(), value.to_owned()))
        });
        let api = stack
            .outputs()
            .iter()
            .find(|it| it.output_key() == Some("ApiUrl"));
        Ok(Some(StackInfo {
            id: stack.stack_id().unwrap_or_default().to_owned(),
            status: stack
                .stack_status()
                .map(|it| it.as_str().to_owned())
                .unwrap_or_default(),
            parameters: parameters.collect(),
            api_url: api.and_then(|it| it.output_value()).map(str::to_owned),
        }))
    }

    /// Waits until no operation runs; then `None` if the stack is to be created. Fails with the remedy if it
    /// cannot be updated.
    pub async fn settled(&self) -> Result<Option<StackInfo>> {
        let mut has_waited = false;
        loop {
            let Some(info) = self.describe().await? else {
                return Ok(None);
            };
            match StackCondition::of(&info.status, &self.stack) {
                StackCondition::Absent => return Ok(None),
                StackCondition::Ready => return Ok(Some(info)),
                StackCondition::Stuck(remedy) => {
                    self.print_failures(&info.id).await?;
                    bail!(remedy);
                }
                StackCondition::Busy if !has_waited => {
                    note!("waiting for the end of {}", info.status);
                    has_waited = true;
                }
                StackCondition::Busy => {}
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The deployed template, with transforms applied.
    pub async fn template(&self) -> Result<Template> {
        let asked = self.client.get_template().stack_name(&self.stack);
        let answer = asked.template_stage(TemplateStage::Processed).send().await;
        let answer = answer
            .map_err(|error| failed("CloudFormation", "read the stack's template", &error))?;
        Template::parse(answer.template_body().unwrap_or_default()).context("the stack's template")
    }

    /// Creates a change set; `None` if nothing would change.
    pub async fn prepare(
        &self,
        is_new: bool,
        url: &str,
        parameters: &Parameters,
    ) -> Result<Option<ChangeSet>> {
        let name = format!("portcullis-{}", uuid::Uuid::new_v4());
        let kind = if is_new {
            ChangeSetType::Create
        } else {
            ChangeSetType::Update
        };
        let parameters = parameters.iter().map(|(name, value)| {
            let parameter = Parameter::builder().parameter_key(name);
            match value {
                ParameterValue::Set(value) => parameter.parameter_value(value),
                ParameterValue::Keep => parameter.use_previous_value(true),
            }
            .build()
        });
        let tag = Tag::builder()
            .key("application")
            .value("portcullis")
            .build();
        let asked = self
            .client
            .create_change_set()
            .stack_name(&self.stack)
            .change_set_name(&name)
            .client_token(&name)
            .change_set_type(kind)
            .template_url(url)
            .set_parameters(Some(parameters.collect()))
            .set_tags(is_new.then(|| vec![tag]))
            .capabilities(Capability::CapabilityIam)
            .capabilities(Capability::CapabilityAutoExpand);
        let asked = asked.send().await;
        asked.map_err(|error| failed("CloudFormation", "create a change set", &error))?;
        self.created(name).await
    }

    /// Waits for the creation of a change set.
    async fn created(&self, name: String) -> Result<Option<ChangeSet>> {
        let (mut changes, mut page) = (Vec::new(), None);
        loop {
            let asked = self.client.describe_change_set().stack_name(&self.stack);
            let answer = asked
                .change_set_name(&name)
                .set_next_token(page.clone())
                .send()
                .await;
            let answer =
                answer.map_err(|error| failed("CloudFormation", "read the change set", &error))?;
            match answer.status().map(ChangeSetStatus::as_str) {
                Some("CREATE_COMPLETE") => {}
                Some("FAILED") => {
                    self.discard(&name).await?;
                    let reason = answer.status_reason().unwrap_or("no reason given");
                    if reason.contains("didn't contain changes") || reason.contains("No updates") {
                        return Ok(None);
                    }
                    bail!("CloudFormation rejects the update: {reason}");
                }
                _ => {
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            }
            let found = answer
                .changes()
                .iter()
                .filter_map(|change| change.resource_change());
            changes.extend(found.map(|change| {
                ResourceChange {
                    action: change
                        .action()
                        .map(|it| it.as_str().to_owned())
                        .unwrap_or_default(),
                    kind: change.resource_type().unwrap_or_default().to_owned(),
                    id: change.logical_resource_id().unwrap_or_default().to_owned(),
                    is_replaced: change.replacement() == Some(&Replacement::True),
                }
            }));
            page = answer.next_token().map(str::to_owned);
            if page.is_none() {
                return Ok(Some(ChangeSet { name, changes }));
            }
        }
    }

    pub async fn cancel(&self, change_set: &ChangeSet) -> Result<()> {
        self.discard(&change_set.name).await
    }

    async fn discard(&self, name: &str) -> Result<()> {
        let asked = self.client.delete_change_set().stack_name(&self.stack);
        let asked = asked.change_set_name(name).send().await;
        asked.map_err(|error| failed("CloudFormation", "delete the change set", &error))?;
        Ok(())
    }

    /// Executes a change set and waits for its end. Prints what failed.
    pub async fn execute(&self, change_set: &ChangeSet) -> Result<StackInfo> {
        let asked = self.client.execute_change_set().stack_name(&self.stack);
        let asked = asked.change_set_name(&change_set.name).send().await;
        asked.map_err(|error| failed("CloudFormation", "execute the change set", &error))?;
        let Some(info) = self.settled().await? else {
            bail!("the stack {} is gone", self.stack);
        };
        if matches!(info.status.as_str(), "CREATE_COMPLETE" | "UPDATE_COMPLETE") {
            return Ok(info);
        }
        self.print_failures(&info.id).await?;
        bail!(
            "the update failed, and CloudFormation has undone it ({}): fix the reason above, and run this again",
            info.status
        )
    }

    /// Prints the failures of the latest operation, also those of nested stacks.
    async fn print_failures(&self, stack_id: &str) -> Result<()> {
        let mut stacks = vec![stack_id.to_owned()];
        while let Some(stack) = stacks.pop() {
            for event in self
                .latest_events(&stack)
                .await?
                .iter()
                .rev()
                .filter(|it| it.is_cause(&stack))
            {
                if event.kind == STACK && event.physical.starts_with("arn:") {
                    stacks.push(event.physical.clone());
                } else {
                    warning!("{}", event.explained());
                }
            }
        }
        Ok(())
    }

    /// The events of a stack's latest operation, newest first.
    async fn latest_events(&self, stack: &str) -> Result<Vec<StackEvent>> {
        let asked = self.client.describe_stack_events().stack_name(stack);
        let mut pages = asked.into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(event) = pages.next().await {
            let event = event
                .map_err(|error| failed("CloudFormation", "read the stack's events", &error))?;
            let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
            let event = StackEvent {
                id: text(event.logical_resource_id()),
                physical: text(event.physical_resource_id()),
                kind: text(event.resource_type()),
                status: text(event.resource_status().map(ResourceStatus::as_str)),
                reason: text(event.resource_status_reason()),
            };
            let is_start = event.is_start(stack);
            found.push(event);
            if is_start {
                break;
            }
        }
        Ok(found)
    }
}
