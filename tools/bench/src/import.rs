//! The speed and memory of `portcullis import`.

use std::fmt::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use cli::thousands::grouped;
use end_to_end::TestApp;
use serde_json::Value;

use crate::dataset::guid;
use crate::process::Process;
use crate::section::{Findings, Plan};
use crate::table::Table;

struct Import {
    took: Duration,
    computed: Duration,
    megabytes: f64,
}

/// Imports an export, the same export again, and a table of users.
pub async fn measure(plan: &Plan) -> anyhow::Result<Findings> {
    let rows = if plan.short { 2000 } else { 100_000 };
    let app = TestApp::builder().functions(&plan.functions);
    let app = app.without_stream().start().await;
    let folder = tempfile::tempdir()?;
    let export = folder.path().join("bans.json");
    std::fs::write(&export, bans(rows)?)?;
    let users = folder.path().join("users.csv");
    std::fs::write(&users, list(rows / 5)?)?;

    let mut found = Findings::default();
    let columns = ["import", "rows", "seconds", "a second", "computed s", "MB"];
    let mut table = Table::new("Import", &columns);
    let (first, second) = (app.workspace().await, app.workspace().await);
    second.link(7001).await;
    let of_users = &["--experience", "7001", "--moderator", "5001"][..];
    for (slug, what, file, rows, guid, more) in [
        (
            "export",
            "an export, as JSON",
            &export,
            rows,
            first.guid(),
            &[][..],
        ),
        ("again", "the same again", &export, rows, first.guid(), &[]),
        (
            "users",
            "a table of users",
            &users,
            rows / 5,
            second.guid(),
            of_users,
        ),
    ] {
        let mut command = Command::new(&plan.program);
        let tables = app.tables();
        command.args(["--endpoint", app.database().endpoint()]);
        command.args(["--bans-table", &tables.bans]);
        command.args(["--workspaces-table", &tables.workspaces]);
        command.args(["--output", "json", "import"]).arg(file);
        command.args(["--workspace", &guid]).args(more);
        let import = tokio::task::block_in_place(|| import(command, rows)).context(what)?;
        #[expect(clippy::cast_precision_loss, reason = "some thousands")]
        let rate = rows as f64 / import.took.as_secs_f64();
        for (what, value) in [
            ("seconds", import.took.as_secs_f64()),
            ("rows_per_second", rate),
            ("computed_seconds", import.computed.as_secs_f64()),
            ("peak_mb", import.megabytes),
        ] {
            found.figure(format!("import.{slug}.{what}"), value);
        }
        table.row([
            what.to_owned(),
            grouped(rows),
            format!("{:.1}", import.took.as_secs_f64()),
            format!("{rate:.0}"),
            format!("{:.1}", import.computed.as_secs_f64()),
            format!("{:.0}", import.megabytes),
        ]);
    }
    table.note(
        "The embedded engine executes one transaction after the other, DynamoDB several at once. \
         \"Computed\" and \"MB\" are the CPU time and the peak memory of the program.",
    );
    found.tables.push(table);
    Ok(found)
}

fn import(mut command: Command, rows: u64) -> anyhow::Result<Import> {
    let started = Instant::now();
    let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let program = command.get_program().display().to_string();
    let mut child = child.with_context(|| program)?;
    let process = Process::with_id(child.id());
    let mut import = Import {
        took: Duration::ZERO,
        computed: Duration::ZERO,
        megabytes: 0.0,
    };
    while child.try_wait()?.is_none() {
        // The process may have just ended; then the last figures count.
        if let (Ok(computed), Ok(megabytes)) = (process.computed(), process.peak_mebibytes()) {
            import.computed = import.computed.max(computed);
            import.megabytes = megabytes;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    import.took = started.elapsed();
    let done = child.wait_with_output()?;
    let sums: Value = serde_json::from_slice(&done.stdout).context("its sums")?;
    ensure!(done.status.success(), "{sums}");
    let number = |name: &str| {
        sums.get(name)
            .and_then(Value::as_u64)
            .with_context(|| sums.to_string())
    };
    ensure!(number("added")? + number("unchanged")? == rows, "{sums}");
    Ok(import)
}

/// An export with this many bans.
fn bans(rows: u64) -> anyhow::Result<String> {
    let mut text = "{\"list\":[".to_owned();
    for number in (1..=rows).rev() {
        let guid = guid(number);
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
        )?;
    }
    text.push_str("\n]}\n");
    Ok(text)
}

/// A table with this many users.
fn list(rows: u64) -> anyhow::Result<String> {
    let mut text = "userId,reason,expires\n".to_owned();
    for number in 1..=rows {
        let user = 1000 + number;
        writeln!(text, "{user},\"Cheating, number {number}\",2100-01-01")?;
    }
    Ok(text)
}
