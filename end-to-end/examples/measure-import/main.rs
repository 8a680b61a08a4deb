//! How fast `portcullis import` brings bans in, and how much memory it takes meanwhile.
//!
//! The database is the embedded one, which does one thing after the other; a table of DynamoDB takes
//! several transactions at a time. What the program itself needs is told beside it.
//!
//! `measure-import [rows]`

// A measurement that cannot go on says why and stops.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use end_to_end::template;
use local_stack::dynamo::Dynamo;
use local_stack::engine::Engine;
use local_stack::seed;
use serde_json::Value;

/// When the first of the bans was made, in the time of guids: with the year 2026.
const FIRST_MS: u64 = 1_767_225_600_000 - 1_577_836_800_000;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let rows = std::env::args()
        .nth(1)
        .map_or(100_000, |number| number.parse().expect("a number"));
    let engine = Engine::start(None, 0).await.expect("the engine");
    let database = Dynamo::new(engine.endpoint());
    // Nobody reads the stream here, and it would weigh as much as the bans.
    let mut tables = template().tables().to_vec();
    for table in &mut tables {
        let create = table.create.as_object_mut().expect("an object");
        create.remove("StreamSpecification");
    }
    database.create_tables(&tables).await.expect("the tables");
    let name = |id: &str| {
        let table = tables.iter().find(|table| table.logical_id == id);
        table.expect("a table").name.clone()
    };
    let (bans, workspaces) = (name("BansTable"), name("WorkspacesTable"));
    seed::demo_data(&database, &workspaces)
        .await
        .expect("the workspaces");

    let folder = std::env::temp_dir().join(format!("measure-import-{}", std::process::id()));
    std::fs::create_dir(&folder).expect("a folder");
    let exported = folder.join("bans.json");
    std::fs::write(&exported, export(rows)).expect("a file");
    let users = folder.join("users.csv");
    std::fs::write(&users, list(rows)).expect("a file");

    let demos = seed::demos();
    for (what, file, workspace, more) in [
        ("an export, as JSON", &exported, &demos[0].guid, &[][..]),
        ("the same again", &exported, &demos[0].guid, &[]),
        (
            "a table of users",
            &users,
            &demos[1].guid,
            &["--experience", "7001", "--moderator", "5001"],
        ),
    ] {
        let mut command = Command::new(program());
        command.args(["--endpoint", engine.endpoint(), "--bans-table", &bans]);
        command.args([
            "--workspaces-table",
            &workspaces,
            "--output",
            "json",
            "import",
        ]);
        command
            .arg(file)
            .args(["--workspace", workspace])
            .args(more);
        measure(what, rows, command);
    }
    std::fs::remove_dir_all(&folder).expect("the folder is removed");
}

fn measure(what: &str, rows: u64, mut command: Command) {
    let started = Instant::now();
    let mut child = command.stdout(Stdio::piped()).spawn().expect("portcullis");
    let mut usage = Usage::default();
    while child.try_wait().expect("the program").is_none() {
        usage.look(child.id());
        std::thread::sleep(Duration::from_millis(20));
    }
    let took = started.elapsed();
    let done = child.wait_with_output().expect("its result");
    let sums: Value = serde_json::from_slice(&done.stdout).expect("its sums");
    assert!(done.status.success(), "{sums}");
    let dealt_with = sums["added"].as_u64().unwrap() + sums["unchanged"].as_u64().unwrap();
    assert_eq!(dealt_with, rows, "{sums}");
    #[allow(clippy::cast_precision_loss)]
    let rate = rows as f64 / took.as_secs_f64();
    println!(
        "{what}: {rows} rows in {took:.1?}, {rate:.0} a second; the program computed {:.1?} and \
         took {} MB at most",
        usage.computed,
        usage.peak / 1024,
    );
}

/// What a process has used.
#[derive(Default)]
struct Usage {
    /// Memory, in KB.
    peak: u64,
    computed: Duration,
}

impl Usage {
    fn look(&mut self, process: u32) {
        let folder = Path::new("/proc").join(process.to_string());
        let (Ok(status), Ok(stat)) = (
            std::fs::read_to_string(folder.join("status")),
            std::fs::read_to_string(folder.join("stat")),
        ) else {
            return;
        };
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse().ok());
        self.peak = peak.unwrap_or(self.peak);
        // After the name, which is in brackets; in hundredths of a second.
        if let Some((_, fields)) = stat.rsplit_once(')') {
            let ticks = fields.split_whitespace().skip(11).take(2);
            let ticks = ticks
                .filter_map(|ticks| ticks.parse::<u64>().ok())
                .sum::<u64>();
            self.computed = Duration::from_millis(ticks * 10);
        }
    }
}

/// The program beside the folder of this one.
fn program() -> PathBuf {
    let own = std::env::current_exe().expect("its own path");
    let folder = own.ancestors().nth(2).expect("target/<profile>/examples");
    folder.join("portcullis")
}

fn export(rows: u64) -> String {
    let mut text = "{\"list\":[".to_owned();
    for number in (1..=rows).rev() {
        let guid = ((FIRST_MS + number * 97) << 22) | (number & 0x3F_FFFF);
        let comma = if number == rows { "" } else { "," };
        write!(
            text,
            "{comma}\n{{\"isBanned\":true,\"guid\":\"{guid}\",\"workspaceGuid\":\
             \"f2ab4802-48d6-41ef-82a0-222326092f67\",\"isGlobal\":{},\"isActive\":1,\
             \"privateReason\":\"https://evidence.example.com/clips/{guid}.mp4\",\
             \"publicReason\":\"Cheating, with words, and a comma\",\"robloxId\":{},\
             \"moderatorId\":744482898,\"created\":1728802934,\"updated\":1728802934,\
             \"experienceId\":75521396999004,\"expires\":0,\"isAppealed\":0,\
             \"experienceUniversal\":1,\"uid\":{number},\"experienceBanCompleted\":{}}}",
            number % 2,
            1000 + number,
            u8::from(number % 4 == 0),
        )
        .unwrap();
    }
    text.push_str("\n]}\n");
    text
}

fn list(rows: u64) -> String {
    let mut text = "userId,reason,expires\n".to_owned();
    for number in 1..=rows {
        writeln!(
            text,
            "{},\"Cheating, number {number}\",2100-01-01",
            1000 + number
        )
        .unwrap();
    }
    text
}
