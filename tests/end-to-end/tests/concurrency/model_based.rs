//! Random calls over HTTP: the product always agrees with the naive model.
//!
//! Time passes normally, so expiries are a few seconds away. The model needs the second in which a
//! call was decided; a call that spans two seconds may have been decided in either, so both
//! possibilities are kept until later answers rule one out.

mod comparison;
mod expected;
mod followed;
mod in_bulk;
mod places;
mod random;

use futures::future::join_all;

use comparison::Comparison;
use end_to_end::TestApp;

/// How many workspaces run concurrently.
const WORKSPACES: u64 = 6;

/// How many steps each workspace takes.
const STEPS: usize = 40;

#[tokio::test]
async fn routes_agree_with_the_naive_model_on_random_calls() {
    let seed = fastrand::u64(..);
    eprintln!("seeds {seed} to {}", seed.wrapping_add(WORKSPACES - 1));
    let app = TestApp::builder()
        .instances(2)
        .variable(shared::testing::LINK_TTL, &places::LINK_TTL.to_string())
        .start()
        .await;
    let app = &app;
    let comparisons = (0..WORKSPACES).map(|n| async move {
        let workspace = app.workspace().await;
        let start = followed::begin(&workspace).await;
        let mut comparison = Comparison::new(workspace, seed.wrapping_add(n)).await;
        for step in 0..STEPS {
            comparison.step().await;
            if step % 4 == 3 {
                comparison.compare().await;
            }
        }
        comparison.compare().await;
        comparison.report_everything().await;
        followed::assert_everyone_is_named(&comparison.workspace, &start).await;
        comparison.seen()
    });
    let seen: Vec<_> = join_all(comparisons).await;

    // A sequence in which nothing happens proves nothing.
    let total = |count: fn(&comparison::Seen) -> usize| seen.iter().map(count).sum::<usize>();
    assert!(total(|seen| seen.successes) > 60, "{seen:?}");
    assert!(total(|seen| seen.refusals) > 0, "{seen:?}");
    assert!(total(|seen| seen.expiries) > 0, "{seen:?}");
    assert!(total(|seen| seen.late) > 0, "{seen:?}");
    assert!(total(|seen| seen.in_bulk) > 5, "{seen:?}");
    assert!(total(|seen| seen.joining) > 8, "{seen:?}");
    assert!(total(|seen| seen.pending) > 50, "{seen:?}");
}
