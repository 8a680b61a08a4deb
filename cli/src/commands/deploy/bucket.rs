//! The bucket from which CloudFormation and Lambda read a release.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use aws_config::timeout::TimeoutConfig;
use aws_config::{Region, SdkConfig};
use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::operation::head_object::HeadObjectError;
use aws_sdk_s3::types::{
    BucketLocationConstraint, CreateBucketConfiguration, PublicAccessBlockConfiguration,
};

use crate::connection::failed;

/// An archive has about 2 MB, and the line may be slow.
const TIMEOUT: Duration = Duration::from_mins(5);

#[derive(Debug)]
pub struct CodeBucket {
    client: Client,
    pub name: String,
    account: String,
    region: String,
}

impl CodeBucket {
    /// Opens the bucket, by default `portcullis-code-<account>-<region>`, and creates it if necessary.
    pub async fn open(sdk: &SdkConfig, name: Option<&str>) -> Result<Self> {
        let region = sdk
            .region()
            .map(Region::as_ref)
            .context("no AWS region set")?
            .to_owned();
        let identity = aws_sdk_sts::Client::new(sdk)
            .get_caller_identity()
            .send()
            .await;
        let identity = identity.map_err(|error| failed("STS", "read the account's id", &error))?;
        let account = identity
            .account()
            .context("STS returned no account id")?
            .to_owned();
        let name = name.map_or_else(
            || format!("portcullis-code-{account}-{region}"),
            str::to_owned,
        );
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(TIMEOUT)
            .operation_timeout(TIMEOUT);
        let sdk = sdk.to_builder().timeout_config(timeouts.build()).build();
        let bucket = Self {
            client: Client::new(&sdk),
            name,
            account,
            region,
        };
        bucket.create_if_missing().await?;
        Ok(bucket)
    }

    async fn create_if_missing(&self) -> Result<()> {
        let asked = self
            .client
            .head_bucket()
            .bucket(&self.name)
            .expected_bucket_owner(&self.account);
        match asked.send().await {
            Ok(_) => return Ok(()),
            Err(error)
                if error
                    .raw_response()
                    .is_some_and(|it| it.status().as_u16() == 404) => {}
            Err(error)
                if error
                    .raw_response()
                    .is_some_and(|it| it.status().as_u16() == 403) =>
            {
                bail!(
                    "the bucket {} belongs to another account, or your credentials may not use it: pass another with \
                 --bucket",
                    self.name
                )
            }
            Err(error) => return Err(failed("S3", "look for the bucket", &error)),
        }
        note!("creating the bucket {}", self.name);
        // The one region that has no name here.
        let place = (self.region != "us-east-1").then(|| {
            let place = BucketLocationConstraint::from(self.region.as_str());
            CreateBucketConfiguration::builder()
                .location_constraint(place)
                .build()
        });
        let asked = self.client.create_bucket().bucket(&self.name);
        let asked = asked.set_create_bucket_configuration(place).send().await;
        asked.map_err(|error| failed("S3", "create the bucket", &error))?;
        let block = PublicAccessBlockConfiguration::builder()
            .block_public_acls(true)
            .block_public_policy(true)
            .ignore_public_acls(true)
            .restrict_public_buckets(true);
        let asked = self.client.put_public_access_block().bucket(&self.name);
        let asked = asked
            .public_access_block_configuration(block.build())
            .send()
            .await;
        asked.map_err(|error| failed("S3", "block public access to the bucket", &error))?;
        Ok(())
    }

    /// Whether the bucket has an object.
    pub async fn has(&self, key: &str) -> Result<bool> {
        let asked = self.client.head_object().bucket(&self.name).key(key);
        match asked.expected_bucket_owner(&self.account).send().await {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(HeadObjectError::is_not_found) =>
            {
                Ok(false)
            }
            // S3's answer for a missing object without the right to list.
            Err(error) if error.code() == Some("Forbidden") => Ok(false),
            Err(error) => Err(failed("S3", "look for an archive", &error)),
        }
    }

    pub async fn put(&self, key: &str, content: Vec<u8>) -> Result<()> {
        let asked = self.client.put_object().bucket(&self.name).key(key);
        let asked = asked
            .expected_bucket_owner(&self.account)
            .body(content.into())
            .send()
            .await;
        asked.map_err(|error| failed("S3", &format!("store {key}"), &error))?;
        Ok(())
    }

    /// The URL that CloudFormation accepts for a template.
    pub fn url(&self, key: &str) -> String {
        let suffix = if self.region.starts_with("cn-") {
            "amazonaws.com.cn"
        } else {
            "amazonaws.com"
        };
        format!("https://{}.s3.{}.{suffix}/{key}", self.name, self.region)
    }
}
