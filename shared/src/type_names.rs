//! One name for one thing: a test that no public type name of the product occurs twice.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The names of the public types in a file, `pub(crate)` and the like included.
fn public_types(source: &str) -> impl Iterator<Item = &str> {
    source.lines().filter_map(|line| {
        let after = line.strip_prefix("pub")?;
        let words = match after.strip_prefix('(') {
            Some(scope) => scope.split_once(')')?.1,
            None => after,
        };
        let mut words = words.split_whitespace();
        matches!(words.next()?, "struct" | "enum" | "trait" | "type").then_some(())?;
        let name = words.next()?;
        let end = name.find(|c: char| !c.is_alphanumeric());
        name.get(..end.unwrap_or(name.len()))
    })
}

fn collect(folder: &Path, found: &mut BTreeMap<String, Vec<String>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // The model of the rules repeats their names on purpose.
        let name = path.file_stem().unwrap().to_str().unwrap();
        if matches!(name, "tests" | "model") {
            continue;
        }
        if path.is_dir() {
            collect(&path, found);
        } else if let Ok(source) = fs::read_to_string(&path) {
            for name in public_types(&source) {
                let files = found.entry(name.to_owned()).or_default();
                files.push(path.display().to_string());
            }
        }
    }
}

#[test]
fn no_public_type_name_occurs_twice() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = BTreeMap::new();
    for folder in ["shared/src", "cli/src", "functions"] {
        collect(&root.join(folder), &mut found);
    }
    assert!(found.len() > 200, "{}", found.len());
    found.retain(|_, files| files.len() > 1);
    assert_eq!(found, BTreeMap::new());
}

#[test]
fn public_types_are_found_with_any_visibility() {
    let source = "pub struct A(u8);\npub(in crate::store) enum B {\npub(crate) type C<T> = T;\nstruct D;\npub fn e() {}\n";
    assert_eq!(public_types(source).collect::<Vec<_>>(), ["A", "B", "C"]);
}
