//! The files of a release.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use super::template::Template;

pub const TEMPLATE: &str = "packaged.yaml";
const MONITORS: &str = "observability.yaml";
const SUMS: &str = "SHA256SUMS";

/// A directory with the templates and archives of one version.
#[derive(Debug)]
pub struct Release {
    directory: PathBuf,
    pub template: Template,
}

/// The files for one architecture.
#[derive(Debug)]
pub struct ReleaseFiles {
    /// The prefix of their keys in the bucket, derived from their contents.
    pub prefix: String,
    /// Names relative to the directory.
    pub names: Vec<String>,
}

impl Release {
    pub fn open(directory: &Path) -> Result<Self> {
        let path = directory.join(TEMPLATE);
        let text = std::fs::read_to_string(&path).with_context(|| {
            format!(
                "{} cannot be read: pass the directory of a release to --from",
                path.display()
            )
        })?;
        let template = Template::parse(&text).with_context(|| path.display().to_string())?;
        Ok(Self {
            directory: directory.to_owned(),
            template,
        })
    }

    /// The files that a stack of this architecture needs. Compares them with `SHA256SUMS` if the release has it.
    pub fn files(&self, architecture: &str) -> Result<ReleaseFiles> {
        let archives = self.template.archives().context(TEMPLATE)?;
        let archives = archives
            .into_iter()
            .map(|name| format!("{architecture}/{name}"));
        let names: Vec<_> = [TEMPLATE.to_owned(), MONITORS.to_owned()]
            .into_iter()
            .chain(archives)
            .collect();
        let sums = self.sums()?;
        let mut all = Sha256::new();
        for name in &names {
            let digest = hex(&Sha256::digest(self.read(name)?));
            if let Some(sums) = &sums
                && sums.get(name) != Some(&digest)
            {
                bail!("{name} differs from {SUMS}: download the release again");
            }
            all.update(format!("{digest} {name}\n"));
        }
        let digest: String = hex(&all.finalize()).chars().take(32).collect();
        Ok(ReleaseFiles {
            prefix: format!("portcullis/{digest}"),
            names,
        })
    }

    pub fn read(&self, name: &str) -> Result<Vec<u8>> {
        let path = self.directory.join(name);
        std::fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))
    }

    /// The digests by file name, or `None` without the file.
    fn sums(&self) -> Result<Option<BTreeMap<String, String>>> {
        if !self.directory.join(SUMS).exists() {
            return Ok(None);
        }
        let text =
            String::from_utf8(self.read(SUMS)?).with_context(|| format!("{SUMS} is not text"))?;
        let lines = text
            .lines()
            .filter_map(|line| line.split_once(char::is_whitespace));
        let name = |name: &str| {
            name.trim_start()
                .trim_start_matches('*')
                .trim_start_matches("./")
                .to_owned()
        };
        Ok(Some(
            lines
                .map(|(digest, file)| (name(file), digest.to_owned()))
                .collect(),
        ))
    }
}

pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKAGED: &str = "
Resources:
  CheckFunction:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: {Key: !Sub '${CodePrefix}/${Architecture}/check.zip'}}
";

    fn directory() -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (name, content) in [
            ("packaged.yaml", PACKAGED),
            ("observability.yaml", "Resources: {}"),
            ("arm64/check.zip", "code"),
        ] {
            let path = directory.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        directory
    }

    #[test]
    fn prefix_follows_from_the_contents() {
        let directory = directory();
        let release = Release::open(directory.path()).unwrap();
        let files = release.files("arm64").unwrap();
        assert_eq!(
            files.names,
            ["packaged.yaml", "observability.yaml", "arm64/check.zip"]
        );
        assert_eq!(release.files("arm64").unwrap().prefix, files.prefix);
        std::fs::write(directory.path().join("arm64/check.zip"), "other code").unwrap();
        assert_ne!(release.files("arm64").unwrap().prefix, files.prefix);
        let missing = release.files("x86_64").unwrap_err().to_string();
        assert!(
            missing.contains("x86_64/check.zip cannot be read"),
            "{missing}"
        );
    }

    #[test]
    fn damaged_file_is_refused() {
        let directory = directory();
        let names = ["packaged.yaml", "observability.yaml", "arm64/check.zip"];
        let lines = names.map(|name| {
            let content = std::fs::read(directory.path().join(name)).unwrap();
            format!("{}  {name}", hex(&Sha256::digest(content)))
        });
        let sums = lines.join("\n");
        std::fs::write(directory.path().join(SUMS), sums).unwrap();
        let release = Release::open(directory.path()).unwrap();
        release.files("arm64").unwrap();
        std::fs::write(directory.path().join("arm64/check.zip"), "damaged").unwrap();
        let refused = release.files("arm64").unwrap_err().to_string();
        assert!(
            refused.starts_with("arm64/check.zip differs from SHA256SUMS"),
            "{refused}"
        );
    }
}
