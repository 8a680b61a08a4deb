//! Checks whether this command, the stack, its functions and its tables are of versions that fit together.

use std::fmt::{Display, Formatter};
use std::str::FromStr;

use super::finding::Finding;

const OWN: &str = env!("CARGO_PKG_VERSION");

/// Versions that differ only in the patch fit together (CHANGELOG.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version {
    major: u64,
    minor: u64,
    patch: u64,
}

impl Version {
    const fn fits(self, other: Self) -> bool {
        self.major == other.major && self.minor == other.minor
    }
}

impl FromStr for Version {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut numbers = text.splitn(3, '.').map(|part| part.parse().map_err(|_| ()));
        let mut next = || numbers.next().ok_or(())?;
        Ok(Self {
            major: next()?,
            minor: next()?,
            patch: next()?,
        })
    }
}

impl Display for Version {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// Compares the stack's version with this command's.
pub fn of_stack(deployed: Option<&str>) -> Finding {
    compare("version of the stack", deployed, OWN)
}

/// Compares the version in the API's answers with the stack's or, without a stack, with this command's.
pub fn of_api(answered: Option<&str>, deployed: Option<&str>) -> Finding {
    let check = "version of the API";
    match deployed {
        None => compare(check, answered, OWN),
        Some(deployed) if answered == Some(deployed) => Finding::ok(check, deployed),
        Some(deployed) => Finding::failed(
            check,
            format!(
                "{}, and the stack is {deployed}: its last update is not complete, or the URL is another \
                 stack's",
                answered.unwrap_or("older than 0.2.0")
            ),
            "deploy the stack again; its events in CloudFormation say what failed",
        ),
    }
}

/// An index that a later version or the operator has added.
pub fn of_unknown_index(name: &str) -> Finding {
    Finding::warning(
        format!("index {name}"),
        format!("unknown to this command, which is {OWN}: a later version may have added it"),
        "use the command of the stack's version; remove the index if it is your own and unused",
    )
}

fn compare(check: &str, found: Option<&str>, own: &str) -> Finding {
    let update = format!("update the stack to {own} (docs/operations.md)");
    let Some(found) = found else {
        let detail = format!("older than 0.2.0, and this command is {own}");
        return Finding::warning(check, detail, update);
    };
    let (Ok(theirs), Ok(ours)) = (found.parse::<Version>(), own.parse::<Version>()) else {
        return Finding::failed(check, format!("{found:?} is not a version"), update);
    };
    if theirs.fits(ours) {
        return Finding::ok(check, format!("{theirs}; this command is {ours}"));
    }
    let detail = format!("{theirs}, and this command is {ours}");
    if theirs > ours {
        let detail = format!("{detail}, which does not know all that the stack stores");
        return Finding::failed(check, detail, format!("install portcullis {theirs}"));
    }
    Finding::warning(check, detail, update)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Printable;

    fn result(finding: &Finding) -> (String, String) {
        let fields = finding.fields();
        (fields[1].1.clone(), fields[3].1.clone())
    }

    #[test]
    fn stacks_of_other_versions_are_found_with_a_remedy() {
        for (found, own, expected, remedy) in [
            (Some("0.2.0"), "0.2.0", "ok", ""),
            (Some("0.2.7"), "0.2.0", "ok", ""),
            (Some("0.3.0"), "0.2.9", "failed", "install portcullis 0.3.0"),
            (
                Some("0.10.0"),
                "0.9.0",
                "failed",
                "install portcullis 0.10.0",
            ),
            (
                Some("1.2.0"),
                "2.0.0",
                "warning",
                "update the stack to 2.0.0",
            ),
            (
                Some("0.1.9"),
                "0.2.0",
                "warning",
                "update the stack to 0.2.0",
            ),
            (None, "0.2.0", "warning", "update the stack to 0.2.0"),
            (Some("0.2"), "0.2.0", "failed", "update the stack to 0.2.0"),
            (
                Some("0.2.0.1"),
                "0.2.0",
                "failed",
                "update the stack to 0.2.0",
            ),
        ] {
            let (result, advice) = result(&compare("version", found, own));
            assert_eq!(result, expected, "{found:?} {own}");
            assert!(advice.starts_with(remedy), "{advice}");
        }
    }

    #[test]
    fn functions_of_another_version_than_the_stack_are_a_failure() {
        assert_eq!(result(&of_api(Some("0.3.0"), Some("0.3.0"))).0, "ok");
        assert_eq!(result(&of_api(Some("0.3.0"), Some("0.3.1"))).0, "failed");
        assert_eq!(result(&of_api(None, Some("0.3.0"))).0, "failed");
        assert_eq!(result(&of_api(Some(OWN), None)).0, "ok");
    }
}
