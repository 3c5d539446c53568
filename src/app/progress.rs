//! How far long work is: a line on a terminal that is written over, and nothing elsewhere.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use crate::ports::clock::{Clock, SystemClock};

/// Between two words of progress.
const LOOK: Duration = Duration::from_millis(200);

/// The line.
#[derive(Debug)]
pub struct Progress {
    clock: Option<SystemClock>,
    next: Duration,
    shown: bool,
}

impl Progress {
    /// On stderr, where that is a terminal and the person wants to be told.
    #[must_use]
    pub fn new(quiet: bool) -> Self {
        let clock = (!quiet && io::stderr().is_terminal()).then(SystemClock::new);
        Self { clock, next: LOOK, shown: false }
    }

    /// Shows how far the work is, unless that was just shown.
    pub fn show(&mut self, text: &str) {
        if self.clock.as_ref().is_some_and(|clock| clock.steady() >= self.next) {
            self.begin(text);
        }
    }

    /// Shows what may take long from now on.
    pub fn begin(&mut self, text: &str) {
        let Some(clock) = &self.clock else { return };
        (self.next, self.shown) = (clock.steady() + LOOK, true);
        write(&format!("\r{text}\x1b[K"));
    }

    /// Takes the line away, for what stays.
    pub fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            write("\r\x1b[K");
        }
    }
}

/// Who has gone from the terminal misses nothing but progress.
fn write(text: &str) {
    let mut err = io::stderr().lock();
    drop(err.write_all(text.as_bytes()).and_then(|()| err.flush()));
}
