//! Files that people attached to messages, from Discord's own store. A link contains its own permission, so no
//! secret is sent.

use std::time::Duration;

use bytes::Bytes;
use lambda_http::http::header::{CONTENT_LENGTH, CONTENT_TYPE, USER_AGENT};
use lambda_http::http::{Method, Request};

use crate::domain::discord::{AttachmentLink, FileStore};
use crate::domain::evidence::FileSize;
use crate::integrations::aws_call;
use crate::integrations::service_client::{CallLimits, ServiceAnswer, ServiceClient};

/// The variable with another address for both stores.
const VARIABLE: &str = "DISCORD_CDN_URL";

/// The time for one file.
pub const FILE_TIME: Duration = Duration::from_secs(25);

/// What Discord says about a file before it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileHead {
    /// In bytes.
    pub size: u64,
    /// Without parameters.
    pub content_type: String,
}

/// Why there is no file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileFault {
    /// The link has expired, or the file was deleted.
    #[error("Discord has no such file any more")]
    Gone,
    /// A retry may help.
    #[error("no file from Discord: {0}")]
    Unavailable(String),
}

/// Both stores. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct DiscordFiles {
    cdn: ServiceClient,
    media: ServiceClient,
}

impl DiscordFiles {
    /// Both stores at `DISCORD_CDN_URL`, or at their public addresses.
    pub fn from_environment() -> Result<Self, lambda_http::Error> {
        let set = std::env::var(VARIABLE).ok().filter(|text| !text.is_empty());
        let limits = CallLimits {
            time: FILE_TIME,
            answer: usize::try_from(FileSize::MAX).unwrap_or(usize::MAX),
        };
        let client = |store: FileStore| {
            let own = format!("https://{}", store.host());
            ServiceClient::at(set.as_deref().unwrap_or(&own), limits)
        };
        Ok(Self {
            cdn: client(FileStore::Cdn)?,
            media: client(FileStore::Media)?,
        })
    }

    /// The size and the type of a file.
    pub async fn head(&self, link: &AttachmentLink) -> Result<FileHead, FileFault> {
        let answer = self.send(Method::HEAD, link).await?;
        let header = |name| answer.headers.get(name)?.to_str().ok();
        let size = header(CONTENT_LENGTH).and_then(|size| size.parse().ok());
        let size = size.ok_or_else(|| FileFault::Unavailable("no length".to_owned()))?;
        let kind = header(CONTENT_TYPE).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default();
        Ok(FileHead {
            size,
            content_type: kind.trim().to_owned(),
        })
    }

    /// The whole file, of at most the size that evidence may have.
    pub async fn read(&self, link: &AttachmentLink) -> Result<Bytes, FileFault> {
        Ok(self.send(Method::GET, link).await?.body)
    }

    async fn send(
        &self,
        method: Method,
        link: &AttachmentLink,
    ) -> Result<ServiceAnswer, FileFault> {
        let client = match link.store {
            FileStore::Cdn => &self.cdn,
            FileStore::Media => &self.media,
        };
        let request = Request::builder()
            .method(method)
            .uri(client.link(link.path()).as_str())
            .header(USER_AGENT, aws_call::USER_AGENT)
            .body(Bytes::new());
        let answer = client.send(request).await;
        let answer = answer.map_err(FileFault::Unavailable)?;
        match answer.status.as_u16() {
            200 => Ok(answer),
            401 | 403 | 404 | 410 => Err(FileFault::Gone),
            status => Err(FileFault::Unavailable(format!("status {status}"))),
        }
    }
}
