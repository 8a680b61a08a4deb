//! The outputs and parameters of a CloudFormation stack.

use std::collections::HashMap;

use anyhow::{Context, Result};
use aws_config::SdkConfig;
use aws_sdk_cloudformation::error::ProvideErrorMetadata;

use crate::arguments::WrongValue;

#[derive(Clone, Debug)]
pub struct Stack {
    name: String,
    outputs: HashMap<String, String>,
    parameters: HashMap<String, String>,
}

impl Stack {
    /// Reads the outputs from CloudFormation.
    pub async fn describe(config: &SdkConfig, name: &str) -> Result<Self> {
        let client = aws_sdk_cloudformation::Client::new(config);
        let answer = client.describe_stacks().stack_name(name).send().await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) if error.code() == Some("ValidationError") => {
                let message = format!(
                    "stack {name} does not exist in this region and account: check --stack, --region \
                     and --profile (CloudFormation: {})",
                    error.message().unwrap_or("does not exist")
                );
                let option = "stack";
                return Err(WrongValue { option, message }.into());
            }
            Err(error) => {
                let what = format!("read the outputs of stack {name}");
                return Err(super::failed("CloudFormation", &what, &error));
            }
        };
        let stack = answer.stacks().first();
        let stack = stack.with_context(|| format!("stack {name} does not exist"))?;
        let outputs = stack.outputs().iter().filter_map(|output| {
            let (key, value) = (output.output_key()?, output.output_value()?);
            Some((key.to_owned(), value.to_owned()))
        });
        let parameters = stack.parameters().iter().filter_map(|parameter| {
            let (key, value) = (parameter.parameter_key()?, parameter.parameter_value()?);
            Some((key.to_owned(), value.to_owned()))
        });
        Ok(Self {
            name: name.to_owned(),
            outputs: outputs.collect(),
            parameters: parameters.collect(),
        })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// A stack without outputs.
    #[cfg(test)]
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            outputs: HashMap::new(),
            parameters: HashMap::new(),
        }
    }

    /// The value of a parameter, such as `ScanEvidence`.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// The version that was deployed, since 0.2.0.
    pub fn version(&self) -> Option<&str> {
        self.outputs.get("Version").map(String::as_str)
    }

    /// An output, such as `BansTableName`.
    pub fn output(&self, name: &str) -> Result<&str> {
        self.outputs.get(name).map(String::as_str).with_context(|| {
            format!(
                "stack {} has no output {name}: check that it is a Portcullis stack, deployed from the \
                 current template",
                self.name
            )
        })
    }
}
