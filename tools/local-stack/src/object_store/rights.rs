//! Refuses requests that a function's role does not allow, and headers or lengths that S3 does not accept.

use std::sync::Arc;

use parking_lot::Mutex;
use s3s::{
    S3Error, S3ErrorCode, S3Request, S3Result,
    access::{S3Access, S3AccessContext},
    auth::Credentials,
    dto::{DeleteObjectsInput, ListObjectsInput, ListObjectsV2Input},
    path::S3Path,
};

use crate::{roles::Access, template::Function};

/// The roles of all functions, by access key. Any other key that signs a request is the operator's.
#[derive(Debug)]
pub(super) struct Rights {
    functions: Vec<Function>,
    denied: Mutex<Vec<String>>,
}

impl Rights {
    pub(super) fn new(functions: &[Function]) -> Self {
        Self {
            functions: functions.to_vec(),
            denied: Mutex::default(),
        }
    }

    pub(super) fn denied(&self) -> Vec<String> {
        self.denied.lock().clone()
    }

    /// S3 reports a missing object as 404 only to those that may list the bucket.
    pub(super) fn may_list(&self, signer: Option<&Credentials>, bucket: &str) -> bool {
        let function = signer.and_then(|signer| self.function(signer));
        function.is_none_or(|role| role.may(&Access::of_bucket("ListObjectsV2", bucket, None)))
    }

    fn function(&self, signer: &Credentials) -> Option<&Function> {
        let name = &signer.access_key;
        self.functions
            .iter()
            .find(|function| &function.name == name)
    }

    fn require(&self, signer: Option<&Credentials>, access: &Access) -> S3Result<()> {
        let signer = signer.ok_or_else(|| refused("Anonymous requests are not allowed"))?;
        let Some(function) = self.function(signer) else {
            return Ok(());
        };
        if function.may(access) {
            return Ok(());
        }
        let name = &function.name;
        self.denied.lock().push(format!("{name}: {access:?}"));
        Err(refused("The role does not allow this request"))
    }
}

/// What is checked before a request is read.
pub(super) struct Requests(pub(super) Arc<Rights>);

/// Operations that are checked when their input is read, because their rights depend on it.
const OF_INPUT: [&str; 3] = ["ListObjects", "ListObjectsV2", "DeleteObjects"];

#[async_trait::async_trait]
impl S3Access for Requests {
    async fn check(&self, request: &mut S3AccessContext<'_>) -> S3Result<()> {
        let operation = request.s3_op().name();
        if ["PutObject", "UploadPart"].contains(&operation)
            && !request.headers().contains_key("content-length")
        {
            return Err(S3Error::new(S3ErrorCode::MissingContentLength));
        }
        let headers = request.headers().keys();
        check_headers(
            request.uri().query(),
            headers.map(hyper::header::HeaderName::as_str),
        )?;
        let access = match request.s3_path() {
            S3Path::Object { bucket, key } => Access::of_object(operation, bucket, key),
            S3Path::Bucket { bucket } => Access::of_bucket(operation, bucket, None),
            S3Path::Root => Access::of_bucket(operation, "*", None),
        };
        if OF_INPUT.contains(&operation) && request.credentials().is_some() {
            return Ok(());
        }
        self.0.require(request.credentials(), &access)
    }

    async fn list_objects(&self, request: &mut S3Request<ListObjectsInput>) -> S3Result<()> {
        let ListObjectsInput { bucket, prefix, .. } = &request.input;
        let access = Access::of_bucket("ListObjects", bucket, prefix.as_deref());
        self.0.require(request.credentials.as_ref(), &access)
    }

    async fn list_objects_v2(&self, request: &mut S3Request<ListObjectsV2Input>) -> S3Result<()> {
        let ListObjectsV2Input { bucket, prefix, .. } = &request.input;
        let access = Access::of_bucket("ListObjectsV2", bucket, prefix.as_deref());
        self.0.require(request.credentials.as_ref(), &access)
    }

    async fn delete_objects(&self, request: &mut S3Request<DeleteObjectsInput>) -> S3Result<()> {
        for object in &request.input.delete.objects {
            let access = Access::of_object("DeleteObject", &request.input.bucket, &object.key);
            self.0.require(request.credentials.as_ref(), &access)?;
        }
        Ok(())
    }
}

/// Refuses `x-amz-` headers that a presigned link does not sign. The hash of the payload is the exception: S3
/// takes it into the signature, and `s3s` compares it with the body.
fn check_headers<'a>(
    query: Option<&str>,
    mut names: impl Iterator<Item = &'a str>,
) -> S3Result<()> {
    let mut pairs = query.unwrap_or_default().split('&');
    let Some(signed) = pairs.find_map(|pair| pair.strip_prefix("X-Amz-SignedHeaders=")) else {
        return Ok(());
    };
    let signed = signed.replace("%3B", ";").replace("%3b", ";");
    let is_unsigned = |name: &&str| {
        name.starts_with("x-amz-")
            && *name != "x-amz-content-sha256"
            && !signed.split(';').any(|one| one == *name)
    };
    match names.find(is_unsigned) {
        None => Ok(()),
        Some(_) => Err(refused(
            "There were headers present in the request which were not signed",
        )),
    }
}

pub(super) fn refused(message: &'static str) -> S3Error {
    S3Error::with_message(S3ErrorCode::AccessDenied, message)
}
