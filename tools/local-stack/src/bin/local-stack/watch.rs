//! `cargo lambda watch`: runs the functions, and builds and reloads them when the code changes.

use std::{
    collections::BTreeMap,
    env, fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Stdio,
};

use local_stack::{Error, Result, http::listen, process::Guarded, template::Template};

use crate::{log::Log, settings::Settings};

/// Where `make tools` installs the program.
const TOOL: &str = ".tools/cargo-lambda/bin/cargo-lambda";

/// The folder that the program watches, with links to the sources.
///
/// The program has one watcher for each instance, and each watches every folder below. In the repository's
/// root, with its tools and build output, these would exceed the system's limit.
const WATCHED: &str = ".tools/watch";

/// The sources of the functions.
const SOURCES: [&str; 2] = ["functions", "shared"];

/// Variables of the developer's own account, which no function may see.
const FOREIGN: [&str; 4] = [
    "AWS_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_ENDPOINT_URL",
    "AWS_DEFAULT_PROFILE",
];

/// The program, or an error that says how to install it.
pub(crate) fn tool() -> Result<PathBuf> {
    let tool = Path::new(TOOL);
    let missing = || Error::Tool("cargo-lambda is missing; `make tools` installs it".to_owned());
    tool.exists().then(|| tool.to_owned()).ok_or_else(missing)
}

/// A free port for the program.
pub(crate) async fn free_port() -> Result<u16> {
    Ok(listen(0, "").await?.1)
}

/// Starts the program with the template's environment and `variables`.
pub(crate) fn start(
    tool: &Path,
    template: &Template,
    settings: &Settings,
    variables: &[(String, String)],
    port: u16,
    log: &Log,
) -> Result<Guarded> {
    let root = env::current_dir().map_err(Error::file("."))?;
    let watched = watched(&root)?;
    let mut environment: BTreeMap<_, _> = template
        .functions()
        .iter()
        .flat_map(|function| function.environment.clone())
        .collect();
    environment.extend(variables.iter().cloned());

    let mut program = Guarded::start(&root.join(tool), |command| {
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .current_dir(watched)
            .args(["lambda", "watch", "--manifest-path"])
            .arg(root.join("Cargo.toml"))
            .args(["--invoke-address", "127.0.0.1", "--invoke-port"])
            .arg(port.to_string())
            .args(["--concurrency", &settings.concurrency.to_string()])
            // The deployed gateway has no CORS either.
            .arg("--disable-cors");
        if settings.release {
            command.arg("--release");
        }
        if !settings.verbose {
            command.arg("--quiet");
        }
        for (name, value) in environment {
            command.args(["--env-var", &format!("{name}={value}")]);
        }
        for name in FOREIGN {
            command.env_remove(name);
        }
        // The gateway prints what fails.
        if env::var_os("RUST_LOG").is_none() {
            command.env("RUST_LOG", "warn,watchexec=off,tower_http=off");
        }
    })?;
    log.follow(&mut program);
    Ok(program)
}

/// Creates the watched folder.
fn watched(root: &Path) -> Result<PathBuf> {
    let folder = root.join(WATCHED);
    fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
    for source in SOURCES {
        let link = folder.join(source);
        if !link.exists() {
            // A dangling link: the project was moved.
            let _ = fs::remove_file(&link);
            symlink(root.join(source), &link).map_err(Error::file(&link))?;
        }
    }
    Ok(folder)
}
