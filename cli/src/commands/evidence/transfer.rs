//! Streams files to and from S3 through presigned links.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use shared::domain::evidence::DeclaredFile;
use ureq::http::Response;
use ureq::{Agent, Body, SendBody};

use super::files::digest;
use super::part_of;
use crate::progress::Progress;

/// The size of the buffer, in bytes.
const BUFFER: usize = 1 << 18;

/// Counts bytes and shows them in KB.
#[derive(Debug)]
pub struct Transferred {
    progress: Progress,
    bytes: u64,
}

impl Transferred {
    /// `total` is in bytes.
    pub fn begin(what: &'static str, total: Option<u64>) -> Self {
        Self {
            progress: Progress::begin(what, total.map(|total| total / 1024)),
            bytes: 0,
        }
    }

    pub fn advance(&mut self, bytes: u64) {
        let before = self.bytes / 1024;
        self.bytes = self.bytes.saturating_add(bytes);
        let after = self.bytes / 1024;
        if after > before {
            self.progress.advance(after.saturating_sub(before));
        }
    }

    pub fn finish(self) {
        self.progress.finish();
    }
}

struct Counted<'a> {
    file: File,
    transferred: &'a mut Transferred,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.transferred
            .advance(u64::try_from(count).unwrap_or_default());
        Ok(count)
    }
}

fn agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_connect(Some(Duration::from_secs(10)))
        .timeout_recv_response(Some(Duration::from_mins(1)))
        .build()
        .into()
}

/// Uploads a file. Does nothing if an earlier run has uploaded it: the link accepts no other content.
pub fn upload<'a>(
    url: &str,
    headers: impl Iterator<Item = (&'a str, &'a str)>,
    path: &Path,
    transferred: &mut Transferred,
) -> Result<()> {
    let file = File::open(path).with_context(|| format!("could not read {}", path.display()))?;
    let mut body = Counted { file, transferred };
    let mut request = agent().put(url);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let answer = request
        .send(SendBody::from_reader(&mut body))
        .context("the upload to S3 was interrupted; run the command again to continue")?;
    match answer.status().as_u16() {
        200 | 412 => Ok(()),
        _ => Err(refusal(answer)),
    }
}

/// Downloads a file to `path`; continues an unfinished download beside it. The file gets its name when its
/// hash is right.
pub fn download(
    link: &str,
    file: &DeclaredFile,
    path: &Path,
    transferred: &mut Transferred,
) -> Result<()> {
    let part = part_of(path);
    let unwritten = || format!("could not write {}", part.display());
    let mut target = open(&part).with_context(unwritten)?;
    let (mut hash, mut present) = hash_of(&mut target).with_context(unwritten)?;
    let size = file.size.bytes();
    if present > size {
        target.set_len(0).with_context(unwritten)?;
        (hash, present) = (Sha256::new(), 0);
    }
    transferred.advance(present);
    if present < size {
        let answer = agent()
            .get(link)
            .header("range", format!("bytes={present}-"))
            .call()
            .context("could not reach S3")?;
        if answer.status() != 206 {
            return Err(refusal(answer));
        }
        let mut body = answer.into_body().into_reader();
        let mut buffer = vec![0; BUFFER];
        loop {
            let read = body.read(&mut buffer);
            let count =
                read.context("the download was interrupted; run the command again to continue")?;
            let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else {
                break;
            };
            target.write_all(bytes).with_context(unwritten)?;
            hash.update(bytes);
            transferred.advance(u64::try_from(count)?);
        }
    }
    if digest(hash)? != file.sha256 {
        // The next attempt would only continue the wrong file.
        let _ = std::fs::remove_file(&part);
        bail!("the downloaded file does not have the recorded hash: try again");
    }
    complete(&target, path)
}

/// Writes a whole file, which gets its name when it is complete.
pub fn write(bytes: &[u8], path: &Path) -> Result<()> {
    let part = part_of(path);
    let unwritten = || format!("could not write {}", part.display());
    let mut target = open(&part).with_context(unwritten)?;
    target.set_len(0).with_context(unwritten)?;
    target.write_all(bytes).with_context(unwritten)?;
    complete(&target, path)
}

fn complete(target: &File, path: &Path) -> Result<()> {
    target
        .sync_all()
        .and_then(|()| std::fs::rename(part_of(path), path))
        .with_context(|| format!("could not write {}", path.display()))
}

/// Opens a file to be continued. Only its owner can read it.
fn open(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// The hash and the length of what a file has.
fn hash_of(file: &mut File) -> std::io::Result<(Sha256, u64)> {
    let (mut hash, mut length) = (Sha256::new(), 0_u64);
    let mut buffer = vec![0; BUFFER];
    loop {
        let count = match file.read(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            read => read?,
        };
        let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else {
            return Ok((hash, length));
        };
        hash.update(bytes);
        length = length.saturating_add(u64::try_from(count).unwrap_or_default());
    }
}

/// The error of an answer from S3, which is XML.
fn refusal(answer: Response<Body>) -> anyhow::Error {
    let status = answer.status();
    let text = answer.into_body().read_to_string().unwrap_or_default();
    let element = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        Some(rest.split_once('<')?.0.to_owned())
    };
    let code = element("Code").unwrap_or_default();
    let message = element("Message").unwrap_or_default();
    anyhow::anyhow!("S3 answered {status}: {code} {message}")
}
