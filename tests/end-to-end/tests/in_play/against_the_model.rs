//! Random sequences of calls over HTTP: the real product and the naive model never part.
//!
//! Time passes as it does, so expiries are a few seconds away. The model must be told in which
//! second a call was decided; a call that began in one second and was answered in the next may
//! have been decided in either, and both possibilities are kept until the answers tell.

mod dice;
mod play;
mod wire;

use futures::future::join_all;

use end_to_end::TestApp;
use play::Play;

/// How many workspaces are played side by side.
const PLAYS: u64 = 6;

/// How many steps each takes.
const STEPS: usize = 40;

#[tokio::test]
async fn the_routes_and_the_naive_model_answer_alike_through_random_sequences() {
    let seed = fastrand::u64(..);
    eprintln!("seeds {seed} to {}", seed.wrapping_add(PLAYS - 1));
    let app = TestApp::builder().instances(2).start().await;
    let app = &app;
    let plays = (0..PLAYS).map(|n| async move {
        let workspace = app.workspace().await;
        let mut play = Play::new(workspace, seed.wrapping_add(n)).await;
        for step in 0..STEPS {
            play.step().await;
            if step % 4 == 3 {
                play.compare().await;
            }
        }
        play.compare().await;
        play.work_through_the_lists().await;
        play.seen()
    });
    let seen: Vec<_> = join_all(plays).await;

    // A sequence in which nothing happens proves nothing.
    let total = |count: fn(&play::Seen) -> usize| seen.iter().map(count).sum::<usize>();
    assert!(total(|seen| seen.successes) > 60, "{seen:?}");
    assert!(total(|seen| seen.refusals) > 0, "{seen:?}");
    assert!(total(|seen| seen.expiries) > 0, "{seen:?}");
    assert!(total(|seen| seen.late) > 0, "{seen:?}");
    assert!(total(|seen| seen.pending) > 50, "{seen:?}");
}
