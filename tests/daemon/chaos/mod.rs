//! The daemon under `kill -9`, at random moments of a stream: nothing is lost, nothing is stored twice, what is
//! told again is recognisable, and the quota holds.
//!
//! By default the daemon is killed 15 times over the stream, and while more is due than fits for a minute. For the
//! long runs (a kill takes about 0.6 s, so that 1,000 of them take some ten minutes):
//!
//! ```text
//! HUNTD_CHAOS_KILLS=1000 cargo test --test daemon killed -- --nocapture
//! HUNTD_QUOTA_SECONDS=300 cargo test --test daemon quota -- --nocapture
//! HUNTD_CHAOS_SEED=7 cargo test --test daemon chaos       # other moments
//! HUNTD_CHAOS_DISK=1 cargo test --test daemon disk        # the daemon itself makes good what a bad disk held up
//! HUNTD_CHAOS_LOCK=40 cargo test --test daemon busy       # locks of so many seconds, 2 by default
//! ```

mod busy;
mod disk;
mod gone;
mod quota;

use std::time::Duration;

use crate::referee::Told;
use crate::stage::{self, Stage, number};

#[test]
fn nothing_is_lost_when_the_daemon_is_killed_again_and_again() {
    let kills = number("HUNTD_CHAOS_KILLS", 15);
    let seed = number("HUNTD_CHAOS_SEED", 1);
    let random = &mut fastrand::Rng::with_seed(seed);
    // The stream goes on through all the kills.
    let stage = Stage::rough(kills * 3 / 5 + 5, "* * * * * *", seed);
    let began = stage::clock();
    for kill in 1..=kills {
        let mut daemon = stage.daemon();
        // Also while it starts, and while it has just begun its first run.
        let most = [200, 900, 2200][random.usize(0..3)];
        stage::pause(Duration::from_millis(random.u64(0..most)));
        assert!(daemon.runs(), "the daemon ended by itself: {}", stage.log());
        daemon.kill();
        if kill % 20 == 0 {
            let (told, all) = (stage.told_in("hits.jsonl"), stage.events());
            eprintln!(
                "{kill} kills in {:.0?}: {told} of {all} events told, {} mails",
                began.elapsed(),
                stage.mail.mails().len()
            );
        }
    }
    stage.mail.calm_down();
    let daemon = stage.daemon();
    stage.wait_until_told(Duration::from_mins(5));
    assert!(daemon.stop().success(), "{}", stage.log());
    let told = Told::of(&stage);
    told.each_is_stored_once();
    told.each_is_told();
    told.repeats_are_recognisable();
    eprintln!(
        "{kills} kills: {} events, {} mails, {} of them repeats; {}",
        told.events(),
        told.mails(),
        told.repeats(),
        stage.stats()
    );
}
