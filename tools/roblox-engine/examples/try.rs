//! Runs a script on one server without an API, to try a module:
//! `cargo run -p roblox-engine --example try -- FILE.luau [SECONDS]`.

use std::path::PathBuf;
use std::time::Duration;

use roblox_engine::{Network, Request, Response, Universe};

struct Nothing;

impl Network for Nothing {
    fn send(&self, _: Duration, _: &Request) -> Result<Response, String> {
        Err("there is no API".to_owned())
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let file = PathBuf::from(arguments.next().expect("a script")).canonicalize();
    let seconds = arguments
        .next()
        .map_or(600, |text| text.parse().expect("seconds"));
    let universe = Universe::new(1, Nothing);
    universe.set_secret("portcullis", "sentinelAPI.none", "127.0.0.1");
    let server = universe.start(7);
    let script = server.run_file(&file.expect("an existing script"), ());
    universe.run_for(Duration::from_secs(1));
    server.join(5);
    universe.run_for(Duration::from_secs(seconds));
    if script.is_done() {
        script.wait::<()>();
    }
    println!("log: {:#?}", server.log());
    println!("errors: {:#?}", universe.errors());
    println!("globals: {:?}", server.new_globals());
    println!("stays: {:#?}", universe.stays().all());
    println!("calls: {:#?}", universe.traffic().tallies());
}
