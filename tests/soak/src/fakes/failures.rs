//! Faults of the fakes: endpoints fail, Roblox fails, and background calls are lost.

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use local_stack::fake_server::Reply;
use local_stack::roblox::{Fault, FaultRule};

use super::Fakes;
use crate::plan::{Plan, millis};
use crate::recorder::Recorder;

/// How often each fault occurred.
pub type FailureCounts = BTreeMap<&'static str, usize>;

/// The pause before a fault, in milliseconds, from and to.
const PAUSE: (u64, u64) = (300, 1_500);

/// How long a fault lasts, in milliseconds, from and to.
const LASTS: (u64, u64) = (200, 1_300);

/// Injects faults until the run is over, then restores all fakes.
pub async fn inject(recorder: &Recorder<'_>, plan: &Plan, fakes: &[Fakes]) -> FailureCounts {
    let (mut failures, roblox, lost) = futures::join!(
        endpoints(recorder, plan.rng("endpoints"), fakes),
        roblox(recorder, plan.rng("roblox"), fakes),
        losses(recorder, plan.rng("background")),
    );
    failures.extend(roblox);
    failures.extend(lost);
    failures
}

/// Waits for the next fault; false when the run is over.
async fn pause(recorder: &Recorder<'_>, rng: &mut Rng) -> bool {
    let pause = millis(rng, PAUSE.0, PAUSE.1);
    tokio::time::sleep(pause.min(recorder.left())).await;
    !recorder.is_closed()
}

async fn last(recorder: &Recorder<'_>, rng: &mut Rng) {
    let lasts = millis(rng, LASTS.0, LASTS.1);
    tokio::time::sleep(lasts.min(recorder.left())).await;
}

async fn endpoints(recorder: &Recorder<'_>, mut rng: Rng, fakes: &[Fakes]) -> FailureCounts {
    let receiver = recorder.app.receiver();
    let mut failures = FailureCounts::new();
    while pause(recorder, &mut rng).await {
        let (name, answer) = answer(&mut rng);
        let Some(fakes) = rng.choice(fakes) else {
            break;
        };
        *failures.entry(name).or_default() += 1;
        if rng.bool() {
            receiver.answer_next(&fakes.hook, answer, rng.usize(1..6));
        } else {
            receiver.answer_always(&fakes.hook, answer);
            last(recorder, &mut rng).await;
            receiver.answer_as_usual(&fakes.hook);
        }
    }
    for fakes in fakes {
        receiver.answer_as_usual(&fakes.hook);
    }
    failures
}

fn answer(rng: &mut Rng) -> (&'static str, Reply) {
    match rng.u8(..9) {
        0 => ("endpoint answers 500", Reply::Status(500, "")),
        1 => ("endpoint answers 503", Reply::Status(503, "")),
        2 => ("endpoint answers 429", Reply::Status(429, "")),
        3 => ("endpoint answers 404", Reply::Status(404, "")),
        4 => (
            "endpoint redirects",
            Reply::With(307, "location: http://127.0.0.1:9/\r\n".to_owned()),
        ),
        5 => ("endpoint drops the connection", Reply::Drop),
        6 => (
            "endpoint sends garbage",
            Reply::Raw(b"\x16\x03\x01 this is not HTTP \xff\xfe\r\n\r\n"),
        ),
        7 => {
            let late = millis(rng, 100, 900);
            ("endpoint is slow", Reply::After(late))
        }
        _ => ("endpoint hangs", Reply::Hang),
    }
}

async fn roblox(recorder: &Recorder<'_>, mut rng: Rng, fakes: &[Fakes]) -> FailureCounts {
    let roblox = recorder.app.roblox();
    let mut failures = FailureCounts::new();
    while pause(recorder, &mut rng).await {
        let (name, fault) = fault(&mut rng);
        *failures.entry(name).or_default() += 1;
        if let Some(fault) = fault {
            roblox.fail(fault.times(rng.usize(1..4)));
        } else if let Some(fakes) = rng.choice(fakes) {
            roblox.kill_key(&fakes.key);
            last(recorder, &mut rng).await;
            roblox.revive_key(&fakes.key);
        }
    }
    roblox.heal();
    failures
}

/// A fault; `None` stands for a revoked key.
fn fault(rng: &mut Rng) -> (&'static str, Option<FaultRule>) {
    let (name, fault) = match rng.u8(..14) {
        0 => ("Roblox answers 500", Fault::Status(500)),
        1 => ("Roblox answers 503", Fault::Status(503)),
        2 => ("Roblox answers 409", Fault::Status(409)),
        3 => ("Roblox answers 429", Fault::TooMany(Some(1))),
        4 => (
            "Roblox answers 429 without Retry-After",
            Fault::TooMany(None),
        ),
        5 => ("Roblox drops the connection", Fault::Drop),
        6 => ("Roblox drops its response", Fault::DropAnswer),
        7 => ("Roblox truncates its response", Fault::Truncated),
        8 => ("Roblox answers with an HTML page", Fault::Html(502)),
        9 => (
            "Roblox is slow",
            Fault::Delay(Duration::from_millis(rng.u64(50..800))),
        ),
        10..13 => return half(rng),
        _ => return ("a Roblox key is revoked and restored", None),
    };
    (name, Some(FaultRule::from(fault)))
}

/// A fault of one half of a change of rank.
fn half(rng: &mut Rng) -> (&'static str, Option<FaultRule>) {
    let fault = match rng.u8(..4) {
        0 | 1 => Fault::Status(403),
        2 => Fault::Status(503),
        _ => Fault::DropAnswer,
    };
    let (name, path) = match rng.u8(..3) {
        0 => ("Roblox fails to assign a role", ":assignRole"),
        _ => ("Roblox fails to remove a role", ":unassignRole"),
    };
    (name, Some(FaultRule::from(fault).on(path)))
}

async fn losses(recorder: &Recorder<'_>, mut rng: Rng) -> FailureCounts {
    let mut failures = FailureCounts::new();
    while pause(recorder, &mut rng).await {
        if rng.bool() {
            *failures.entry("background calls are lost").or_default() += 1;
            recorder.app.lose_background_calls(true);
            last(recorder, &mut rng).await;
            recorder.app.lose_background_calls(false);
        }
    }
    failures
}
