//! Local files to be added: found below directories, hashed and judged before anything is uploaded.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};
use shared::domain::evidence::{ContentType, DeclaredFile, FileName, FileSize, Sha256Digest};

use super::summary::size;

/// The size of the read buffer, in bytes.
const BUFFER: usize = 1 << 18;

/// All files below these paths, sorted, without those that start with a dot below a directory. Symbolic
/// links below a directory are not followed.
pub fn walk(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in paths {
        let about = path.metadata();
        let about = about.with_context(|| format!("could not read {}", path.display()))?;
        if about.is_dir() {
            below(path, &mut found)?;
        } else {
            found.push(path.clone());
        }
    }
    found.sort();
    found.dedup();
    if found.is_empty() {
        bail!("found no files");
    }
    Ok(found)
}

fn below(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let unread = || format!("could not read {}", folder.display());
    for entry in std::fs::read_dir(folder).with_context(unread)? {
        let entry = entry.with_context(unread)?;
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        let kind = entry.file_type().with_context(unread)?;
        if kind.is_dir() && !is_hidden {
            below(&entry.path(), found)?;
        } else if kind.is_file() && !is_hidden {
            found.push(entry.path());
        }
    }
    Ok(())
}

/// Reads a whole file and declares it as an upload requires. The error says why it is not accepted.
pub fn declare(path: &Path) -> Result<DeclaredFile> {
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.context("its name is not UTF-8")?;
    let name = FileName::parse(name).map_err(|fault| anyhow::anyhow!("its name {fault}"))?;
    let content_type = of_extension(path).with_context(accepted)?;
    let mut file = File::open(path)?;
    let (mut hash, mut leading, mut length) = (Sha256::new(), Vec::new(), 0_u64);
    let mut buffer = vec![0; BUFFER];
    loop {
        let bytes = match file.read(&mut buffer) {
            Ok(count) => buffer.get(..count).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        if bytes.is_empty() {
            break;
        }
        let missing = ContentType::LEADING_BYTES.saturating_sub(leading.len());
        leading.extend_from_slice(bytes.get(..missing).unwrap_or(bytes));
        hash.update(bytes);
        length = length.saturating_add(u64::try_from(bytes.len())?);
        if length > FileSize::MAX {
            break;
        }
    }
    let size = FileSize::new(length)
        .with_context(|| format!("it must have 1 byte to {}", size(FileSize::MAX)))?;
    if !content_type.begins(&leading) {
        bail!("its content is not {content_type}");
    }
    Ok(DeclaredFile {
        name,
        content_type,
        size,
        sha256: digest(hash)?,
    })
}

/// A finished hash in the form that S3 compares.
pub fn digest(hash: Sha256) -> Result<Sha256Digest> {
    let text = BASE64_STANDARD.encode(hash.finalize());
    Sha256Digest::parse(&text).context("a hash has 32 bytes")
}

fn of_extension(path: &Path) -> Option<ContentType> {
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    Some(match extension.as_str() {
        "png" => ContentType::Png,
        "jpg" | "jpeg" => ContentType::Jpeg,
        "gif" => ContentType::Gif,
        "webp" => ContentType::Webp,
        "mp4" | "m4v" => ContentType::Mp4,
        "webm" => ContentType::Webm,
        "txt" | "log" => ContentType::PlainText,
        "json" => ContentType::Json,
        "pdf" => ContentType::Pdf,
        _ => return None,
    })
}

fn accepted() -> String {
    let names = ContentType::ALL.map(ContentType::name).join(", ");
    format!("its type is not accepted (accepted: {names})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_are_walked_without_hidden_files_and_links() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::create_dir_all(root.join("b/.git")).unwrap();
        for name in ["b/2.txt", "a.txt", ".hidden.txt", "b/.git/x.txt"] {
            std::fs::write(root.join(name), "x").unwrap();
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(root, root.join("b/loop")).unwrap();
        let again = root.join("a.txt");
        let found = walk(&[root.to_owned(), again.clone()]).unwrap();
        assert_eq!(found, [again, root.join("b/2.txt")]);
        assert!(walk(&[root.join("missing")]).is_err());
        assert!(walk(&[root.join("b/.git/y")]).is_err());
    }

    #[test]
    fn file_is_declared_with_its_hash_and_type() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.TXT");
        std::fs::write(&path, "abc").unwrap();
        let declared = declare(&path).unwrap();
        assert_eq!(declared.name.as_str(), "a.TXT");
        assert_eq!(declared.content_type, ContentType::PlainText);
        assert_eq!(declared.size.bytes(), 3);
        let sha256 = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";
        assert_eq!(declared.sha256.as_str(), sha256);
    }

    #[test]
    fn unacceptable_files_are_named_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        for (name, content, why) in [
            ("a.html", "<p>", "type is not accepted"),
            ("a", "abc", "type is not accepted"),
            ("a.png", "not a picture", "content is not image/png"),
            ("b.txt", "", "1 byte to 100.0 MiB"),
            ("c.txt", "a\0b", "content is not text/plain"),
            ("a\u{202e}b.txt", "abc", "name must not contain"),
        ] {
            let path = folder.path().join(name);
            std::fs::write(&path, content).unwrap();
            let said = format!("{:#}", declare(&path).unwrap_err());
            assert!(said.contains(why), "{name}: {said}");
        }
    }
}
