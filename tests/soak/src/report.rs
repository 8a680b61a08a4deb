//! What is printed in the end.

use std::collections::BTreeMap;

use crate::checker::{Verdict, is_expiry};
use crate::history::{Ending, History, Millis, Outcome};
use crate::run::Run;

/// How many lines of a proof are printed.
const LINES: usize = 120;

/// Prints the figures of a run and what was found.
pub fn print(run: &Run, verdict: &Verdict) {
    let history = &run.history;
    calls(history);
    println!();
    tally("requests to the database struck", &run.faults);
    let mut kills: BTreeMap<&str, usize> = BTreeMap::new();
    for kill in &history.kills {
        *kills.entry(kill.function).or_default() += 1;
    }
    tally("processes killed", &kills);
    tally("batches of the stream", &run.stream);
    tally("schedules run", &run.schedules);
    tally("bad moments outside", &run.moods);
    let total = |of: fn(&Ending) -> usize| history.endings.iter().map(of).sum::<usize>();
    let bans = total(|ending| ending.bans.len());
    let events = total(|ending| ending.log.len());
    let arrived = total(|ending| ending.arrived.len());
    let kept_out = total(|ending| ending.kept_out.len());
    let expiries = total(|ending| ending.log.iter().filter(|event| is_expiry(event)).count());
    println!(
        "{bans} bans on record; {events} events in the log, {expiries} of bans that ran out; {} calls on {} users put in order",
        verdict.ordered, verdict.users
    );
    println!("{arrived} deliveries arrived; {kept_out} users kept out on Roblox's side in the end");
    if !verdict.undecided.is_empty() {
        println!(
            "too many orders to try for {}: nothing is known of them",
            verdict.undecided.join(", ")
        );
    }
    println!();
    for finding in &verdict.findings {
        println!("FOUND: {}", finding.sentence);
        for line in finding.proof.iter().take(LINES) {
            println!("    {line}");
        }
        if finding.proof.len() > LINES {
            println!("    and {} more", finding.proof.len() - LINES);
        }
    }
    match verdict.findings.len() {
        0 => println!("nothing found"),
        1 => println!("1 finding"),
        count => println!("{count} findings"),
    }
}

fn tally<K: std::fmt::Display>(what: &str, counts: &BTreeMap<K, usize>) {
    let total: usize = counts.values().sum();
    let each = counts.iter().map(|(name, count)| format!("{name} {count}"));
    println!("{what}: {total} ({})", each.collect::<Vec<_>>().join(", "));
}

fn calls(history: &History) {
    let mut routes: BTreeMap<&str, BTreeMap<String, usize>> = BTreeMap::new();
    let mut times: BTreeMap<&str, Vec<Millis>> = BTreeMap::new();
    for call in &history.calls {
        let status = match &call.outcome {
            Outcome::Answered { .. } if call.is_gateways() => "gateway's 5xx".to_owned(),
            Outcome::Answered { status, .. } => status.to_string(),
            Outcome::Lost(_) => "gave up".to_owned(),
        };
        let route = call.what.function();
        *routes.entry(route).or_default().entry(status).or_default() += 1;
        if call.status().is_some() {
            let took = call.ended.saturating_sub(call.started);
            times.entry(route).or_default().push(took);
        }
    }
    println!(
        "{:<18} {:>6} {:>8} {:>8}  answers",
        "", "calls", "p50 ms", "p99 ms"
    );
    for (route, statuses) in routes {
        let mut times = times.remove(route).unwrap_or_default();
        times.sort_unstable();
        let total: usize = statuses.values().sum();
        let statuses = statuses.iter().map(|(s, count)| format!("{s}: {count}"));
        println!(
            "{route:<18} {total:>6} {:>8} {:>8}  {}",
            percentile(&times, 50),
            percentile(&times, 99),
            statuses.collect::<Vec<_>>().join(", ")
        );
    }
}

fn percentile(sorted: &[Millis], percent: usize) -> Millis {
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or_default()
}
