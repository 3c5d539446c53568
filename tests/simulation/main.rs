//! The simulation: sixty days of two hundred hunts, with all that goes wrong in them, and a referee that knows
//! every event.
//!
//! A play hangs on its seed alone. The engine is huntd's own, over the real store on a file; the tenants, the
//! channels and the clock are the simulation's, in the same process, and no time passes but what the play lets pass.
//!
//! `cargo test --test simulation` plays one with sixty hunts and a handful of small ones. `HUNTD_SEEDS=300 HUNTD_FROM=1000` plays so many from that one
//! on, and `HUNTD_MIX=busy` lets the hunts run as often as on a real site, which takes over three times as long;
//! `HUNTD_SMALL=1` plays small ones instead, each in a few seconds.
//! `HUNTD_SEED=17 cargo test --test simulation replay -- --nocapture` plays one and tells its story.
//!
//! A kill falls when a task waits or looks at the clock: between all that it does to the store, the tenant and the
//! channels. `HUNTD_ROUGH=1` lets it fall into the store's work too; a seed can't be played again then.
//!
//! `features` says what huntd doesn't do yet, and `referee` what is promised.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise, and tells what it did"
)]

mod budget;
mod channel;
mod clock;
mod crowd;
mod dice;
mod engine;
mod events;
mod faults;
mod faulty;
mod features;
mod hunts;
mod play;
mod referee;
mod scale;
mod seeds;
mod stand;
mod story;
mod tenant;
mod world;

use crate::scale::SMALL;

/// Small seeds that `cargo test` plays.
const HANDFUL: u64 = 8;

#[test]
fn nothing_is_missed_and_nothing_told_twice() {
    let from = seeds::number("HUNTD_FROM").unwrap_or(1);
    // Of the full size one takes longer than all other tests may: it is played where seeds are asked for.
    match seeds::number("HUNTD_SEEDS") {
        Some(count) => seeds::hold(&seeds::play_many(from, count, seeds::asked())),
        None => seeds::hold(&seeds::play_many(from, 1, scale::SHORT)),
    }
}

#[test]
fn nor_in_many_shorter_plays() {
    seeds::hold(&seeds::play_many(101, HANDFUL, SMALL));
}

/// A fault in what was stored or told, made by hand, is seen; without it the play passes.
#[test]
fn the_referee_sees_each_kind_of_fault() {
    let (verdict, world, kept) = play::play_out(2, SMALL);
    seeds::hold(&[verdict]);
    faulty::each_is_seen(&world, &kept);
}

#[test]
fn replay() {
    let seed = seeds::number("HUNTD_SEED");
    let scale = if seed.is_none() { SMALL } else { seeds::asked() };
    let one = play::play(seed.unwrap_or(1), scale);
    if seed.is_some() {
        for line in &one.lines {
            eprintln!("{line}");
        }
        eprintln!("{:?}, story {:016x}", one.counts, one.hash);
    } else {
        let two = play::play(1, scale);
        let differs = one.lines.iter().zip(&two.lines).position(|(one, two)| one != two);
        let first = differs.map(|at| (&one.lines[at.saturating_sub(3)..=at], &two.lines[at.saturating_sub(3)..=at]));
        assert_eq!((one.hash, one.lines.len()), (two.hash, two.lines.len()), "{first:#?}");
    }
    seeds::hold(&[one]);
}
