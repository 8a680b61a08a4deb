//! Checks the types of the Luau module strictly, with Luau's own checker and Roblox's types in `definitions.luau`.

mod merge;
// The packer reads the same files.
#[path = "../../roblox-package/src/sources.rs"]
mod sources;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::{env, fs};

use luau_analyze::Checker;

use crate::sources::Sources;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let [definitions, source] = arguments.as_slice() else {
        return Err("usage: roblox-types DEFINITIONS SOURCE".into());
    };
    let sources = Sources::read(source)?;
    let merged = merge::merge(&sources)?;
    let mut checker = Checker::new()?;
    checker.add_definitions(&fs::read_to_string(definitions)?)?;
    let result = checker.check(&merged.text)?;
    if result.timed_out {
        return Err("the check took too long".into());
    }
    let errors = result.errors();
    for error in &errors {
        println!("{}: {}", merged.origin(error.line), error.message);
    }
    println!("{} files, {} errors", sources.len(), errors.len());
    Ok(if errors.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
