//! Every target is fed its seeds and simple variations of them, the same ones at each run.

use std::path::{Path, PathBuf};

use fuzz_targets::TARGETS;

/// How many variations of each seed are tried.
const VARIATIONS: usize = 100;

fn seeds() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds")
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// One seed with a few bytes changed, left out or doubled.
fn variation(seed: &[u8], dice: &mut fastrand::Rng) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..dice.usize(1..4) {
        let at = dice.usize(0..=bytes.len());
        match dice.usize(0..5) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, dice.u8(..)),
            2 => bytes.extend_from_slice(&seed[at.min(seed.len())..]),
            _ if at == bytes.len() => bytes.push(dice.alphanumeric() as u8),
            3 => bytes[at] ^= 1 << dice.usize(0..8),
            _ => drop(bytes.remove(at)),
        }
    }
    bytes
}

#[test]
fn every_target_has_seeds_and_every_seed_has_a_target() {
    let targets: Vec<_> = TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(names(&seeds()), targets);
    for target in targets {
        assert!(!names(&seeds().join(target)).is_empty(), "{target}");
    }
}

#[test]
fn every_target_keeps_its_properties_on_its_seeds_and_near_them() {
    for (name, target) in TARGETS {
        let folder = seeds().join(name);
        let tried = |bytes: &[u8]| {
            let held = std::panic::catch_unwind(|| target(bytes));
            assert!(
                held.is_ok(),
                "{name} {:?}",
                bytes.escape_ascii().to_string()
            );
        };
        tried(b"");
        for seed in names(&folder) {
            let bytes = std::fs::read(folder.join(&seed)).unwrap();
            tried(&bytes);
            let mut dice = fastrand::Rng::with_seed(1);
            for _ in 0..VARIATIONS {
                tried(&variation(&bytes, &mut dice));
            }
        }
    }
}

#[test]
fn every_target_can_be_fuzzed() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("runner");
    let manifest = std::fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    for (name, _) in TARGETS {
        let path = format!("targets/{name}.rs");
        assert!(fuzz.join(&path).is_file(), "runner/{path} is missing");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
    }
}
