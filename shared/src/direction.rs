//! Dependencies point one way: a test over what the source files name.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// What each module may use, besides itself and, in its tests, anything.
const MAY_USE: [(&str, &[&str]); 7] = [
    ("domain", &[]),
    ("cache", &["domain"]),
    ("integrations", &["domain", "cache"]),
    ("store", &["domain", "cache", "integrations"]),
    ("telemetry", &["domain", "store"]),
    ("moderation", &["domain", "integrations", "store"]),
    (
        "api",
        &["domain", "integrations", "store", "telemetry", "moderation"],
    ),
];

/// The functions in which members do what is otherwise the operator's.
const WITH_ADMIN: [&str; 4] = [
    "bind-key",
    "console",
    "discord-interactions",
    "discord-worker",
];

/// What the rules may use of the domain.
const RULES_MAY_USE: [&str; 4] = ["clock", "digest", "ids", "rules"];

/// What follows each `crate::` in the code of a file, without its tests.
fn used(source: &str) -> impl Iterator<Item = &str> {
    let code = source.split("\n#[cfg(test)]\nmod ").next();
    let code = code.unwrap_or_default().lines();
    code.filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.split("crate::").skip(1))
}

fn first_segment(path: &str) -> &str {
    let end = path.find(|c: char| !c.is_alphanumeric() && c != '_');
    &path[..end.unwrap_or(path.len())]
}

/// The source files of a module, except those that only its tests use.
fn files(of: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let file = of.with_extension("rs");
    if let Ok(source) = fs::read_to_string(&file) {
        found.push((file.display().to_string(), source));
    }
    for entry in fs::read_dir(of).into_iter().flatten() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        if name != "tests" && (path.is_dir() || !path.with_extension("").is_dir()) {
            found.extend(files(&path.with_extension("")));
        }
    }
    found
}

fn source_folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))
}

#[test]
fn every_module_is_listed() {
    let names = fs::read_dir(source_folder()).unwrap().map(|entry| {
        let path = entry.unwrap().path();
        path.file_stem().unwrap().to_str().unwrap().to_owned()
    });
    let mut names: BTreeSet<_> = names.collect();
    names.retain(|name| {
        !matches!(
            name.as_str(),
            "lib" | "direction" | "testing" | "type_names"
        )
    });
    let listed = MAY_USE.map(|(module, _)| module.to_owned());
    assert_eq!(names, BTreeSet::from(listed));
}

#[test]
fn modules_use_only_what_lies_below_them() {
    let mut wrong = Vec::new();
    for (module, may_use) in MAY_USE {
        let files = files(&source_folder().join(module));
        assert!(!files.is_empty(), "{module}");
        for (file, source) in files {
            for path in used(&source) {
                let target = first_segment(path);
                if target != module && !may_use.contains(&target) && target != "testing" {
                    wrong.push(format!("{file}: crate::{target}"));
                }
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn rules_use_only_plain_types() {
    for (file, source) in files(&source_folder().join("domain/rules")) {
        for path in used(&source) {
            let target = path.strip_prefix("domain::").map(first_segment);
            let is_plain = target.is_some_and(|target| RULES_MAY_USE.contains(&target));
            assert!(is_plain, "{file}: crate::{}", path.lines().next().unwrap());
        }
    }
}

/// The code of a file on one line, without its tests, comments and white space.
fn squeezed(source: &str) -> String {
    let code = source.split("\n#[cfg(test)]\nmod ").next();
    let lines = code.unwrap_or_default().lines().map(str::trim);
    let code = lines.filter(|line| !line.starts_with("//"));
    code.flat_map(str::split_whitespace).collect()
}

/// The methods that `store/admin` adds to the store.
fn admin_methods(source: &str) -> impl Iterator<Item = &str> {
    let blocks = source.split("\nimpl Store {\n").skip(1);
    let blocks = blocks.filter_map(|block| block.split("\n}").next());
    blocks.flat_map(str::lines).filter_map(|line| {
        let method = line.strip_prefix("    pub")?.split_once("fn ")?.1;
        Some(first_segment(method))
    })
}

/// What a file uses of `store/admin`: one of these methods, or an item by its path.
fn used_of_admin(source: &str, methods: &BTreeSet<String>) -> Vec<String> {
    let code = squeezed(source);
    let mut receivers = vec!["store.", "store().", "Store::"];
    if code.contains("implStore{") {
        receivers.push("self.");
    }
    let calls = |method: &String| {
        receivers
            .iter()
            .any(|receiver| code.contains(&format!("{receiver}{method}(")))
    };
    let mut used: Vec<_> = methods.iter().filter(|one| calls(one)).cloned().collect();
    let by_path = ["admin::", "store::admin", "::admin,", "{admin,", ",admin,"];
    used.extend(
        by_path
            .into_iter()
            .filter(|path| code.contains(path))
            .map(str::to_owned),
    );
    used
}

#[test]
fn only_operator_and_members_use_the_admin_half_of_the_store() {
    let admin = source_folder().join("store/admin");
    let of_admin = files(&admin);
    let methods = of_admin
        .iter()
        .flat_map(|(_, source)| admin_methods(source));
    let methods: BTreeSet<_> = methods.map(str::to_owned).collect();
    assert!(methods.len() > 40, "{methods:?}");
    let mut wrong = Vec::new();
    let functions = source_folder().join("../../functions");
    for (file, source) in files(source_folder()).into_iter().chain(files(&functions)) {
        if Path::new(&file).starts_with(&admin)
            || Path::new(&file) == admin.with_extension("rs")
            || file.ends_with("src/direction.rs")
            // The commands of the two functions on Discord; it has the feature too.
            || Path::new(&file).starts_with(source_folder().join("api/discord"))
            || WITH_ADMIN
                .iter()
                .any(|function| Path::new(&file).starts_with(functions.join(function)))
        {
            continue;
        }
        let used = used_of_admin(&source, &methods);
        wrong.extend(used.into_iter().map(|used| format!("{file}: {used}")));
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn only_functions_for_members_have_the_admin_feature() {
    let functions = fs::read_dir(source_folder().join("../../functions")).unwrap();
    for function in functions {
        let function = function.unwrap();
        if WITH_ADMIN
            .iter()
            .any(|known| function.file_name() == *known)
        {
            continue;
        }
        let manifest = function.path().join("Cargo.toml");
        let manifest = fs::read_to_string(manifest).unwrap();
        assert!(!manifest.contains("\"admin\""), "{manifest}");
    }
}

#[test]
fn use_of_the_admin_half_is_seen() {
    let source = "\nimpl Store {\n    pub async fn revoke(&self) {\n    }\n    fn hidden() {}\n}\nimpl Key {\n    pub fn other() {}\n}\n";
    let methods: BTreeSet<_> = admin_methods(source).map(str::to_owned).collect();
    assert_eq!(methods, BTreeSet::from(["revoke".to_owned()]));
    let used = |source| used_of_admin(source, &methods);
    assert_eq!(used("app.store\n    .revoke(key)"), ["revoke"]);
    assert_eq!(
        used("use shared::store::{admin::Import, Store};"),
        ["admin::"]
    );
    assert_eq!(used("use shared::store::admin;"), ["store::admin"]);
    assert_eq!(used("// store.revoke()\nsession.revoke()"), [""; 0]);
}

#[test]
fn dependency_in_the_wrong_direction_is_seen() {
    let source = "use crate::store::Store;\n// crate::api\nfn f() { crate::api::g() }\n\n#[cfg(test)]\nmod tests { use crate::cache; }";
    let found: Vec<_> = used(source).map(first_segment).collect();
    assert_eq!(found, ["store", "api"]);
}
