//! Runs every target on its seeds and on simple mutations of them, the same in each run.

use std::path::{Path, PathBuf};

use fuzz_targets::TARGETS;

/// How many mutations of each seed are tried.
const MUTATIONS: usize = 50;

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

/// A seed with a few bytes changed, removed or doubled.
fn mutation(seed: &[u8], rng: &mut fastrand::Rng) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..rng.usize(1..4) {
        let at = rng.usize(0..=bytes.len());
        match rng.usize(0..5) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, rng.u8(..)),
            2 => bytes.extend_from_slice(&seed[at.min(seed.len())..]),
            _ if at == bytes.len() => bytes.push(rng.alphanumeric() as u8),
            3 => bytes[at] ^= 1 << rng.usize(0..8),
            _ => drop(bytes.remove(at)),
        }
    }
    bytes
}

#[test]
fn targets_and_seed_folders_match() {
    let targets: Vec<_> = TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(names(&seeds()), targets);
    assert_eq!(TESTED, targets);
    for target in targets {
        assert!(!names(&seeds().join(target)).is_empty(), "{target}");
    }
}

fn holds_on_seeds_and_mutations(name: &str) {
    let (_, target) = TARGETS.iter().find(|(found, _)| *found == name).unwrap();
    let folder = seeds().join(name);
    let try_bytes = |bytes: &[u8]| {
        let held = std::panic::catch_unwind(|| target(bytes));
        assert!(held.is_ok(), "{:?}", bytes.escape_ascii().to_string());
    };
    try_bytes(b"");
    for seed in names(&folder) {
        let bytes = std::fs::read(folder.join(&seed)).unwrap();
        try_bytes(&bytes);
        let mut rng = fastrand::Rng::with_seed(1);
        for _ in 0..MUTATIONS {
            try_bytes(&mutation(&bytes, &mut rng));
        }
    }
}

/// A test for each target, so that they run in parallel.
macro_rules! targets {
    ($($name:ident)*) => {
        const TESTED: &[&str] = &[$(stringify!($name)),*];

        mod targets_hold_on_their_seeds_and_mutations {
            $(
                #[test]
                fn $name() {
                    super::holds_on_seeds_and_mutations(stringify!($name));
                }
            )*
        }
    };
}

targets! { ban body cursor import key length notification rank signature }

#[test]
fn every_target_has_a_fuzz_binary() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("runner");
    let manifest = std::fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    for (name, _) in TARGETS {
        let path = format!("targets/{name}.rs");
        assert!(fuzz.join(&path).is_file(), "runner/{path} is missing");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
    }
}
