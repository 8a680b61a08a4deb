//! The bundle: one script in which each file is a function that runs when it is first required.

use std::error::Error;
use std::fmt::Write;

use crate::sources::{ROOT, Sources};

const REQUIRE: &str = "require(\"";

const HEAD: &str = "\
--!nocheck
--!optimize 2
-- Portcullis for Roblox game servers, in one file. It is generated: change the sources in roblox/src instead.

local files = {}
local loaded = {}

local function load(name)
\tif loaded[name] == nil then
\t\tloaded[name] = files[name]()
\tend
\treturn loaded[name]
end
";

pub fn pack(sources: &Sources) -> Result<String, Box<dyn Error>> {
    let mut text = HEAD.to_owned();
    for (name, source) in sources.iter() {
        write!(
            text,
            "\nfiles[\"{name}\"] = function()\n{}end\n",
            body(sources, name, source)?
        )?;
    }
    writeln!(text, "\nreturn load(\"{ROOT}\")")?;
    Ok(text)
}

/// The source without directives, which only count at the start of a script, and with its requires resolved.
fn body(sources: &Sources, name: &str, source: &str) -> Result<String, Box<dyn Error>> {
    let mut text = String::new();
    for line in source.lines().filter(|line| !line.starts_with("--!")) {
        let comment = line.trim_start().starts_with("--");
        match line.split_once(REQUIRE).filter(|_| !comment) {
            None => writeln!(text, "{line}")?,
            Some((before, after)) => {
                let (path, after) = after
                    .split_once('"')
                    .ok_or_else(|| format!("{name}: {line}"))?;
                let target = resolve(name, path).filter(|target| sources.get(target).is_some());
                let target = target
                    .ok_or_else(|| format!("{name} requires {path}, which does not exist"))?;
                writeln!(text, "{before}load(\"{target}\"{after}")?;
            }
        }
    }
    // An exported type is one of the script, and a bundle has none.
    Ok(text.replace("\nexport type ", "\ntype "))
}

/// The file that `path` means in the file `name`, as Roblox resolves it.
fn resolve(name: &str, path: &str) -> Option<String> {
    let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
    let join = |folder: &str, rest: &str| match folder {
        "" => rest.to_owned(),
        folder => format!("{folder}/{rest}"),
    };
    if let Some(rest) = path.strip_prefix("@self/") {
        return (name == ROOT).then(|| rest.to_owned());
    }
    if let Some(rest) = path.strip_prefix("./") {
        return Some(join(folder, rest));
    }
    let rest = path.strip_prefix("../")?;
    (!folder.is_empty()).then(|| {
        join(
            folder.rsplit_once('/').map_or("", |(parent, _)| parent),
            rest,
        )
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn paths_resolve_as_in_roblox() {
        assert_eq!(
            resolve("init", "@self/http/Api").as_deref(),
            Some("http/Api")
        );
        assert_eq!(
            resolve("http/Api", "./Client").as_deref(),
            Some("http/Client")
        );
        assert_eq!(resolve("http/Api", "../Types").as_deref(), Some("Types"));
        assert_eq!(resolve("Health", "./http/Api").as_deref(), Some("http/Api"));
        assert_eq!(resolve("Health", "../Types"), None);
        assert_eq!(resolve("http/Api", "@self/Client"), None);
    }

    #[test]
    fn the_bundle_has_no_require_left() {
        let bundle = pack(&Sources::read(Path::new("../../roblox/src")).unwrap()).unwrap();
        let code = bundle
            .lines()
            .filter(|line| !line.trim_start().starts_with("--"));
        assert_eq!(
            code.filter(|line| line.contains("require("))
                .collect::<Vec<_>>(),
            Vec::<&str>::new()
        );
    }
}
