//! Uploads to the object store with presigned URLs.

use bytes::Bytes;
use serde_json::Value;
use shared::domain::evidence::{ContentType, DeclaredFile, FileName, FileSize, Sha256Digest};
use shared::domain::ids::{Guid, WorkspacePrefix};
use shared::store::{EvidenceBucket, SnapshotBucket};

use super::TestApp;
use super::setup::sdk_config;
use crate::response::ApiResponse;

impl TestApp {
    /// Sends bytes as an answer's `upload` says.
    pub async fn upload(&self, upload: &Value, bytes: &[u8]) -> ApiResponse {
        let answer = self.try_upload(upload, bytes).await;
        answer.expect("the object store")
    }

    /// Like [`TestApp::upload`], for tests in which the connection may fail.
    pub async fn try_upload(&self, upload: &Value, bytes: &[u8]) -> Result<ApiResponse, String> {
        let mut request = http::Request::builder()
            .method(upload["method"].as_str().expect("a method"))
            .uri(upload["url"].as_str().expect("a URL"));
        for (name, value) in upload["headers"].as_object().expect("headers") {
            request = request.header(name, value.as_str().expect("a text"));
        }
        let request = request.body(Bytes::copy_from_slice(bytes));
        let answer = self.client.send(request.expect("a request")).await?;
        Ok(ApiResponse::new(answer))
    }

    /// What a link leads to, if it works.
    pub async fn download(&self, link: &str) -> Option<Bytes> {
        let request = http::Request::get(link).body(Bytes::new());
        let answer = self.client.send(request.expect("a request")).await.ok()?;
        (answer.status() == 200).then(|| answer.into_body())
    }

    /// The pieces of a workspace that have an object in the bucket.
    pub fn evidence_objects(&self, prefix: WorkspacePrefix) -> Vec<String> {
        let folder = format!("evidence-bucket/{prefix}");
        self.objects.names(&folder).expect("the object store")
    }

    /// The bucket of evidence, with every right.
    pub fn evidence_bucket(&self) -> EvidenceBucket {
        EvidenceBucket::new(&sdk_config(self.objects()), "evidence-bucket")
    }

    /// The bucket of snapshots, with every right.
    pub fn snapshot_bucket(&self) -> SnapshotBucket {
        SnapshotBucket::new(&sdk_config(self.objects()), "snapshot-bucket")
    }

    /// Whether the bucket has the file of a piece of evidence.
    pub async fn has_evidence(&self, prefix: WorkspacePrefix, guid: Guid) -> bool {
        let file = DeclaredFile {
            name: FileName::parse("any").expect("a name"),
            content_type: ContentType::PlainText,
            size: FileSize::new(1).expect("a size"),
            sha256: Sha256Digest::parse(&format!("{}=", "A".repeat(43))).expect("a hash"),
        };
        let link = self.evidence_bucket().link(prefix, guid, &file).await;
        let request = http::Request::get(link.expect("a link")).body(Bytes::new());
        let answer = self.client.send(request.expect("a request")).await;
        match answer.expect("the object store").status().as_u16() {
            200 => true,
            404 => false,
            other => panic!("the object store answers {other}"),
        }
    }
}
