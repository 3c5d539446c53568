//! L005: a schedule on the days on which clocks change.

use super::{At, Note, Subject};
use crate::rules::schedule::{ClockChange, clock_changes};

pub(super) fn lint(subject: &Subject<'_>, notes: &mut Vec<Note>) {
    let zone = subject.hunt.timezone;
    let at = || At::key(&["schedule", "timezone"]);
    for change in clock_changes(&subject.hunt.schedule, zone) {
        let message = match change {
            ClockChange::LeftOut { time, instead } => {
                format!("when clocks in {zone} go forward there is no {time}: it runs at {instead} instead")
            }
            ClockChange::Twice { time } => {
                format!("when clocks in {zone} go back {time} comes twice, and it runs both times")
            }
        };
        notes.push(Note::new("L005", at(), message).hint("choose another hour, or `timezone: UTC`"));
    }
}
