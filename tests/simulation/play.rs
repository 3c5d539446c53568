//! One play: the driver that moves the clock from one interesting moment to the next.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use huntd::model::time::Timestamp;
use huntd::ports::clock::Clock;
use huntd::ports::store::Store;

use crate::dice::Dice;
use crate::engine::Engine;
use crate::faults::Blow;
use crate::referee::{self, Kept, Verdict};
use crate::scale::{MINUTE, Scale};
use crate::world::World;

/// Plays a seed to its end, and lets the referee judge.
pub(crate) fn play(seed: u64, scale: Scale) -> Verdict {
    play_out(seed, scale).0
}

/// As [`play`], with all that the referee has seen.
pub(crate) fn play_out(seed: u64, scale: Scale) -> (Verdict, Arc<World>, Kept) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    // The engine's jitter comes from here, and nothing else that decides.
    fastrand::seed(seed);
    let folder = folder();
    let world = World::new(seed, scale);
    let (verdict, kept) = runtime.block_on(async {
        let database = Play::new(Arc::clone(&world), folder.path()).play().await;
        let store = Store::open(&database).await.unwrap();
        let judged = referee::judge(&world, &store).await;
        store.close().await.unwrap();
        judged
    });
    (verdict, world, kept)
}

/// In memory where there is such a place: nothing of it must outlive the machine.
pub(crate) fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

/// How many waits end between two kills, on average.
const KILL_EVERY: u64 = 400;
/// How often a killed task may have looked at the clock after its last wait.
const LOOKS: u64 = 7;

struct Play {
    world: Arc<World>,
    database: PathBuf,
    blows: std::vec::IntoIter<(Timestamp, Blow)>,
    next_blow: Option<(Timestamp, Blow)>,
    dice: Dice,
    until_kill: u64,
    /// Far more than all ticks are worth.
    most_calls: usize,
    /// Kills fall into the store's work too. How far that has come hangs on the machine, so the same seed doesn't
    /// tell the same story then.
    is_rough: bool,
}

/// Why an engine ended.
enum Ended {
    Blow,
    Killed,
    Over,
}

impl Play {
    fn new(world: Arc<World>, folder: &Path) -> Self {
        let database = folder.join("huntd.db");
        let mut blows = world.faults.blows.clone().into_iter();
        let next_blow = blows.next();
        let dice = Dice::of(world.seed, &[40]);
        let most_calls = 5_000 + world.scale.hunts * world.scale.days as usize * 5;
        Self {
            world,
            database,
            blows,
            next_blow,
            dice,
            until_kill: KILL_EVERY,
            most_calls,
            is_rough: std::env::var_os("HUNTD_ROUGH").is_some(),
        }
    }

    async fn play(mut self) -> PathBuf {
        loop {
            self.world.say("huntd starts");
            self.world.seen().starts.push(self.world.clocks.true_now());
            let mut engine = Engine::start(&self.world, &self.database).await;
            let until = match self.live(&mut engine).await {
                Ended::Over => {
                    engine.stop().await;
                    return self.database;
                }
                Ended::Killed => {
                    self.world.say("huntd is killed");
                    engine.kill().await;
                    self.now().plus(self.dice.span(Duration::from_secs(1), MINUTE * 2))
                }
                Ended::Blow => match self.take_blow() {
                    Some(Blow::Down { until, by_force: true }) => {
                        engine.kill().await;
                        until
                    }
                    Some(Blow::Down { until, by_force: false }) => {
                        engine.stop().await;
                        until
                    }
                    _ => unreachable!("only these end it"),
                },
            };
            self.be_down(until);
        }
    }

    fn now(&self) -> Timestamp {
        self.world.clocks.true_now()
    }

    /// Lives until the next blow that ends it.
    async fn live(&mut self, engine: &mut Engine) -> Ended {
        loop {
            engine.look().await;
            let calls = self.world.seen().calls.len();
            assert!(calls < self.most_calls, "{calls} calls by {}: runs are made again and again", self.now());
            let clocks = Arc::clone(&self.world.clocks);
            let (wait, due) = (clocks.next(), engine.next());
            let blow = self.next_blow.map(|(at, _)| at.max(self.now()));
            let next = [wait, due, blow].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next < self.world.scale.end()) else {
                clocks.go_on_to(self.world.scale.end());
                return Ended::Over;
            };
            clocks.go_on_to(next);
            if blow == Some(next) {
                if matches!(self.next_blow, Some((_, Blow::Down { .. }))) {
                    return Ended::Blow;
                }
                self.take_blow();
                engine.lay_out();
            } else if wait == Some(next) && self.step(engine).await {
                return Ended::Killed;
            }
        }
    }

    /// Lets one go that waits. True where that is the end of all.
    async fn step(&mut self, engine: &mut Engine) -> bool {
        let clocks = Arc::clone(&self.world.clocks);
        self.until_kill -= 1;
        let kills = self.until_kill == 0 && self.now() < self.world.scale.quiet();
        if self.until_kill == 0 {
            self.until_kill = self.dice.number(1, KILL_EVERY * 2);
        }
        let looks = if kills { Some(self.dice.number(0, LOOKS)) } else { None };
        if looks == Some(0) {
            return true;
        }
        if kills && self.is_rough {
            clocks.let_go(None);
            for _ in 0..self.dice.number(0, 150) {
                tokio::task::yield_now().await;
            }
            return true;
        }
        clocks.let_go(looks.map(|looks| u32::try_from(looks - 1).unwrap()));
        engine.rest().await;
        clocks.was_killed();
        kills
    }

    fn take_blow(&mut self) -> Option<Blow> {
        let (_, blow) = self.next_blow?;
        self.next_blow = self.blows.next();
        self.world.say(&format!("{blow:?}"));
        if let Blow::Clock { ahead } = blow {
            self.world.clocks.set_ahead(ahead);
            let now = self.now();
            self.world.seen().clock_set.push((now, ahead));
        }
        Some(blow)
    }

    /// Lets the time go by in which huntd isn't there.
    fn be_down(&mut self, until: Timestamp) {
        let mut until = until;
        while let Some((at, _)) = self.next_blow.filter(|(at, _)| *at <= until) {
            self.world.clocks.go_on_to(at);
            if let Some(Blow::Down { until: longer, .. }) = self.take_blow() {
                until = until.max(longer);
            }
        }
        self.world.clocks.go_on_to(until);
        self.world.say(&format!("its clock shows {}", self.world.clocks.now()));
    }
}
