//! Packs the Luau module in two forms for games that use no package manager: `Portcullis.rbxm`, to drag into Studio,
//! and `Portcullis.luau`, one script. The same sources always give the same bytes.

mod bundle;
mod model;
mod sources;

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use crate::sources::Sources;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let [source, target] = arguments.as_slice() else {
        return Err("usage: roblox-package SOURCE TARGET".into());
    };
    let sources = Sources::read(source)?;
    fs::create_dir_all(target)?;
    fs::write(target.join("Portcullis.rbxm"), model::pack(&sources)?)?;
    fs::write(target.join("Portcullis.luau"), bundle::pack(&sources)?)?;
    println!("packed {} files into {}", sources.len(), target.display());
    Ok(())
}
