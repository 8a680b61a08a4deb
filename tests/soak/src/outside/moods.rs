//! Bad moments of those outside: endpoints that fail, Roblox on a bad day, and calls between the
//! functions that get lost.

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use local_stack::fake_server::Reply;
use local_stack::roblox::{Fault, FaultRule};

use super::Outside;
use crate::plan::{Plan, millis};
use crate::stage::Stage;

/// How often what happened.
pub type Moods = BTreeMap<&'static str, usize>;

/// The pause before a bad moment, in milliseconds, from and to.
const PAUSE: (u64, u64) = (300, 1_500);

/// How long it lasts.
const LASTS: (u64, u64) = (200, 1_300);

/// Lets all of it happen until the stage closes; then everybody is well again.
pub async fn swing(stage: &Stage<'_>, plan: &Plan, outside: &[Outside]) -> Moods {
    let (mut moods, roblox, lost) = futures::join!(
        endpoints(stage, plan.dice("endpoints"), outside),
        roblox(stage, plan.dice("roblox"), outside),
        losses(stage, plan.dice("background")),
    );
    moods.extend(roblox);
    moods.extend(lost);
    moods
}

/// Waits for the next bad moment; false when the stage has closed.
async fn pause(stage: &Stage<'_>, dice: &mut Rng) -> bool {
    let pause = millis(dice, PAUSE.0, PAUSE.1);
    tokio::time::sleep(pause.min(stage.left())).await;
    !stage.is_closed()
}

async fn last(stage: &Stage<'_>, dice: &mut Rng) {
    let lasts = millis(dice, LASTS.0, LASTS.1);
    tokio::time::sleep(lasts.min(stage.left())).await;
}

async fn endpoints(stage: &Stage<'_>, mut dice: Rng, outside: &[Outside]) -> Moods {
    let receiver = stage.app.receiver();
    let mut moods = Moods::new();
    while pause(stage, &mut dice).await {
        let (name, answer) = answer(&mut dice);
        let Some(outside) = dice.choice(outside) else {
            break;
        };
        *moods.entry(name).or_default() += 1;
        if dice.bool() {
            receiver.answer_next(&outside.hook, answer, dice.usize(1..6));
        } else {
            receiver.answer_always(&outside.hook, answer);
            last(stage, &mut dice).await;
            receiver.answer_as_usual(&outside.hook);
        }
    }
    for outside in outside {
        receiver.answer_as_usual(&outside.hook);
    }
    moods
}

fn answer(dice: &mut Rng) -> (&'static str, Reply) {
    match dice.u8(..9) {
        0 => ("endpoint answers 500", Reply::Status(500, "")),
        1 => ("endpoint answers 503", Reply::Status(503, "")),
        2 => ("endpoint answers 429", Reply::Status(429, "")),
        3 => ("endpoint answers 404", Reply::Status(404, "")),
        4 => (
            "endpoint redirects",
            Reply::With(307, "location: http://127.0.0.1:9/\r\n".to_owned()),
        ),
        5 => ("endpoint drops", Reply::Drop),
        6 => (
            "endpoint talks nonsense",
            Reply::Raw(b"\x16\x03\x01 this is not HTTP \xff\xfe\r\n\r\n"),
        ),
        7 => {
            let late = millis(dice, 100, 900);
            ("endpoint is late", Reply::After(late))
        }
        _ => ("endpoint hangs", Reply::Hang),
    }
}

async fn roblox(stage: &Stage<'_>, mut dice: Rng, outside: &[Outside]) -> Moods {
    let roblox = stage.app.roblox();
    let mut moods = Moods::new();
    while pause(stage, &mut dice).await {
        let (name, fault) = fault(&mut dice);
        *moods.entry(name).or_default() += 1;
        if let Some(fault) = fault {
            roblox.fail(FaultRule::next(dice.usize(1..4), fault));
        } else if let Some(outside) = dice.choice(outside) {
            roblox.kill_key(&outside.key);
            last(stage, &mut dice).await;
            roblox.revive_key(&outside.key);
        }
    }
    roblox.heal();
    moods
}

/// A fault, or none for a key that dies.
fn fault(dice: &mut Rng) -> (&'static str, Option<Fault>) {
    let (name, fault) = match dice.u8(..11) {
        0 => ("Roblox answers 500", Fault::Status(500)),
        1 => ("Roblox answers 503", Fault::Status(503)),
        2 => ("Roblox answers 409", Fault::Status(409)),
        3 => ("Roblox answers 429", Fault::TooMany(Some(1))),
        4 => (
            "Roblox answers 429 and not until when",
            Fault::TooMany(None),
        ),
        5 => ("Roblox drops", Fault::Drop),
        6 => ("Roblox drops its answer", Fault::DropAnswer),
        7 => ("Roblox cuts its answer short", Fault::Truncated),
        8 => ("Roblox shows a page", Fault::Html(502)),
        9 => (
            "Roblox is slow",
            Fault::Delay(Duration::from_millis(dice.u64(50..800))),
        ),
        _ => return ("a key dies and lives again", None),
    };
    (name, Some(fault))
}

async fn losses(stage: &Stage<'_>, mut dice: Rng) -> Moods {
    let mut moods = Moods::new();
    while pause(stage, &mut dice).await {
        if dice.bool() {
            *moods.entry("calls between functions get lost").or_default() += 1;
            stage.app.lose_background_calls(true);
            last(stage, &mut dice).await;
            stage.app.lose_background_calls(false);
        }
    }
    moods
}
