//! Receives an upload into a temporary file and compares it with the length and checksums that the request
//! declares.

use std::{io, path::Path};

use futures::StreamExt;
use s3s::{
    Body, S3Error, S3ErrorCode, S3Result, TrailingHeaders,
    checksum::ChecksumHasher,
    dto::{PutObjectInput, StreamingBlob},
};
use tempfile::NamedTempFile;
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncWriteExt},
};

/// Bytes that are read from the temporary file at once.
const CHUNK: usize = 256 * 1024;

/// Receives the body of an upload and puts the verified copy in its place. The temporary file lives as long as
/// the new body.
pub(super) async fn stage(
    folder: &Path,
    input: &mut PutObjectInput,
    trailers: Option<&TrailingHeaders>,
) -> S3Result<()> {
    let incomplete = || S3Error::new(S3ErrorCode::IncompleteBody);
    let mut body = input.body.take().ok_or_else(incomplete)?;
    let staged = NamedTempFile::new_in(folder).map_err(S3Error::internal_error)?;
    let mut file = File::create(staged.path())
        .await
        .map_err(S3Error::internal_error)?;
    let mut hasher = hasher(input);
    let mut received: u64 = 0;
    while let Some(bytes) = body.next().await {
        let bytes = bytes.map_err(|error| broken(&error.to_string()))?;
        hasher.update(&bytes);
        received += bytes.len() as u64;
        file.write_all(&bytes)
            .await
            .map_err(S3Error::internal_error)?;
    }
    file.flush().await.map_err(S3Error::internal_error)?;
    let declared = input.content_length.and_then(|it| u64::try_from(it).ok());
    if declared.is_some_and(|declared| declared != received) {
        return Err(incomplete());
    }
    compare(input, hasher, trailers)?;
    input.body = Some(read(staged, received).map_err(S3Error::internal_error)?);
    Ok(())
}

fn hasher(input: &PutObjectInput) -> ChecksumHasher {
    let algorithm = input.checksum_algorithm.as_ref();
    let wants = |name: &str, declared: &Option<String>| {
        declared.is_some() || algorithm.is_some_and(|it| it.as_str() == name)
    };
    ChecksumHasher {
        crc32: wants("CRC32", &input.checksum_crc32).then(Default::default),
        crc32c: wants("CRC32C", &input.checksum_crc32c).then(Default::default),
        sha1: wants("SHA1", &input.checksum_sha1).then(Default::default),
        sha256: wants("SHA256", &input.checksum_sha256).then(Default::default),
        crc64nvme: wants("CRC64NVME", &input.checksum_crc64nvme).then(Default::default),
    }
}

fn compare(
    input: &PutObjectInput,
    hasher: ChecksumHasher,
    trailers: Option<&TrailingHeaders>,
) -> S3Result<()> {
    let found = hasher.finalize();
    for (name, found, declared) in [
        ("crc32", found.checksum_crc32, &input.checksum_crc32),
        ("crc32c", found.checksum_crc32c, &input.checksum_crc32c),
        ("sha1", found.checksum_sha1, &input.checksum_sha1),
        ("sha256", found.checksum_sha256, &input.checksum_sha256),
        (
            "crc64nvme",
            found.checksum_crc64nvme,
            &input.checksum_crc64nvme,
        ),
    ] {
        let trailer = trailers.and_then(|trailers| {
            let header = format!("x-amz-checksum-{name}");
            let value = trailers.read(|all| all.get(header)?.to_str().map(str::to_owned).ok());
            value.flatten()
        });
        let declared = declared.as_ref().or(trailer.as_ref());
        if declared.is_some() && declared != found.as_ref() {
            let message =
                format!("The {name} you specified did not match the calculated checksum.");
            return Err(S3Error::with_message(S3ErrorCode::BadDigest, message));
        }
    }
    Ok(())
}

/// The error of a body that ends too early or does not have the hash in `x-amz-content-sha256`.
fn broken(reason: &str) -> S3Error {
    if !reason.contains("Sha256Mismatch") {
        return S3Error::new(S3ErrorCode::IncompleteBody);
    }
    let mut error = S3Error::with_message(
        S3ErrorCode::from_bytes(b"XAmzContentSHA256Mismatch").unwrap_or(S3ErrorCode::BadDigest),
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
    );
    error.set_status_code(hyper::StatusCode::BAD_REQUEST);
    error
}

fn read(staged: NamedTempFile, length: u64) -> io::Result<StreamingBlob> {
    if length == 0 {
        return Ok(StreamingBlob::from(Body::empty()));
    }
    let file = File::from_std(staged.reopen()?);
    let chunks = futures::stream::try_unfold((file, staged), |(mut file, staged)| async move {
        let mut bytes = bytes::BytesMut::with_capacity(CHUNK);
        let read = file.read_buf(&mut bytes).await?;
        io::Result::Ok((read > 0).then(|| (bytes.freeze(), (file, staged))))
    });
    Ok(StreamingBlob::wrap(chunks))
}
