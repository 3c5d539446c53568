use std::collections::{BTreeMap, BTreeSet};

use super::super::{Counts, HuntCounts, OutboxFacts, Process, Room, TrackFacts, TrackState, of_channels};
use super::*;
use crate::model::failure::{ApiFailure, FailureClass};
use crate::model::id::{ChannelName, HuntId, TenantName};
use crate::model::overload::Punctuality;
use crate::rules::health::Pulse;
use crate::rules::quota::{Gauge, Limit};

const NOW: Timestamp = Timestamp::from_seconds(1_795_500_000);

fn track(hunt: &str, tenant: &str) -> TrackFacts {
    let (hunt, tenant) = (HuntId::new(hunt).unwrap(), TenantName::new(tenant).unwrap());
    TrackFacts { hunt, tenant, next: None, state: None }
}

fn facts() -> Facts {
    let span = Duration::from_secs;
    Facts {
        version: "1.2.3",
        now: NOW,
        steady: span(100),
        pulse: Pulse { scheduler: span(99), outbox: span(96), has_looked: true, stopping: false },
        health: Health::Alive,
        hunts: HuntCounts { enabled: 2, disabled: 1, broken: 0 },
        tracks: Vec::new(),
        unlisted: 0,
        counts: Counts::default(),
        tenants: Vec::new(),
        outbox: Vec::new(),
        troubles: BTreeMap::new(),
        is_readable: true,
        room: Room::default(),
        process: Process::default(),
    }
}

fn lines_of(text: &str, name: &str) -> Vec<String> {
    let is_of = |line: &&str| line.starts_with(&format!("{name}{{")) || line.starts_with(&format!("{name} "));
    text.lines().filter(is_of).map(str::to_owned).collect()
}

#[test]
fn what_is_not_known_is_left_out_with_its_head() {
    let text = render(&facts());
    assert_eq!(lines_of(&text, "huntd_build_info"), ["huntd_build_info{version=\"1.2.3\"} 1"]);
    assert_eq!(lines_of(&text, "huntd_engine_alive"), ["huntd_engine_alive 1"]);
    assert_eq!(
        lines_of(&text, "huntd_engine_sign_of_life_age_seconds"),
        [
            "huntd_engine_sign_of_life_age_seconds{part=\"scheduler\"} 1",
            "huntd_engine_sign_of_life_age_seconds{part=\"outbox\"} 4"
        ]
    );
    for absent in ["huntd_disk_free_bytes", "huntd_runs_total", "huntd_last_commit", "process_", "huntd_deliveries"] {
        assert!(!text.contains(absent), "{absent}\n{text}");
    }
    let stalled = Health::Stalled { part: Part::Outbox, since: Duration::from_mins(6) };
    assert_eq!(
        lines_of(&render(&Facts { health: stalled, ..facts() }), "huntd_engine_alive"),
        ["huntd_engine_alive 0"]
    );
}

#[test]
fn each_hunt_has_its_own_counts() {
    let mut counts = Counts::default();
    for (hunt, tenant, late) in [("b", "t", 3), ("b", "u", 4), ("gone", "t", 5)] {
        let key = (HuntId::new(hunt).unwrap(), TenantName::new(tenant).unwrap());
        counts.tracks.entry(key).or_default().lateness = Some(Duration::from_secs(late));
    }
    let state =
        TrackState { watermark: Some(NOW.minus(Duration::from_secs(90))), failures_in_row: 2, finished: Some(NOW) };
    let tracks = vec![
        track("a", "t"),
        TrackFacts { state: Some(state), next: Some(NOW.plus(Duration::from_millis(1500))), ..track("b", "t") },
        track("b", "u"),
        track("c", "t"),
    ];
    let text = render(&Facts { tracks, counts, unlisted: 7, ..facts() });
    let late = lines_of(&text, "huntd_run_lateness_seconds");
    assert_eq!(
        late,
        [
            "huntd_run_lateness_seconds{hunt=\"b\",tenant=\"t\"} 3",
            "huntd_run_lateness_seconds{hunt=\"b\",tenant=\"u\"} 4"
        ]
    );
    for line in [
        "huntd_watermark_age_seconds{hunt=\"b\",tenant=\"t\"} 90",
        "huntd_failures_in_row{hunt=\"b\",tenant=\"t\"} 2",
        "huntd_last_run_timestamp_seconds{hunt=\"b\",tenant=\"t\"} 1795500000",
        "huntd_next_run_timestamp_seconds{hunt=\"b\",tenant=\"t\"} 1795500001.5",
        "huntd_hunts_unlisted 7",
    ] {
        assert!(text.lines().any(|one| one == line), "{line}\n{text}");
    }
    assert_eq!(lines_of(&text, "huntd_failures_in_row").len(), 1, "one that never ran has none");
    let never_ran = |line: &&String| line.contains("hunt=\"a\"") && line.ends_with(" 0");
    for (name, kinds) in [("huntd_hits_total", 4), ("huntd_runs_total", 3)] {
        let lines = lines_of(&text, name);
        assert_eq!(lines.iter().filter(never_ran).count(), kinds, "a count begins at nothing: {lines:?}");
        assert_eq!(lines.len(), 4 * kinds, "{lines:?}");
    }
}

#[test]
fn a_tenant_tells_of_its_quota_and_its_queue() {
    let limit = |most| Some(Limit { most, learnt: None, reserve: 0 });
    let usage = |gauge, used, limit| Usage { gauge, used, limit, free_at: None };
    let name = TenantName::new("t").unwrap();
    let tenant = TenantFacts {
        name: name.clone(),
        queue: 3,
        punctuality: Punctuality { runs: 9, late: 2, worst: Duration::ZERO },
        usage: vec![usage(Gauge::PerMinute, 15, limit(45)), usage(Gauge::CpuPerCycle, 5, None)],
        blocked_until: Some(NOW),
    };
    let mut counts = Counts::default();
    counts.called(&name, None);
    counts.called(&name, None);
    let failure =
        |class, status| ApiFailure { class, status, message: String::new(), hint: None, wait: None, request_id: None };
    counts.called(&name, Some(&failure(FailureClass::ThrottledCpu, None)));
    counts.called(&name, Some(&failure(FailureClass::Service, Some(503))));
    counts.called(&name, Some(&failure(FailureClass::Service, Some(429))));
    let text = render(&Facts { tenants: vec![tenant], counts, ..facts() });
    for line in [
        "huntd_quota_used_ratio{tenant=\"t\",window=\"calls_per_minute\"} 0.333333",
        "huntd_queue_depth{tenant=\"t\"} 3",
        "huntd_late_runs_total{tenant=\"t\"} 2",
        "huntd_tenant_blocked_until_timestamp_seconds{tenant=\"t\"} 1795500000",
        "huntd_api_calls_total{tenant=\"t\",outcome=\"ok\"} 2",
        "huntd_api_calls_total{tenant=\"t\",outcome=\"service\"} 2",
        "huntd_api_throttled_total{tenant=\"t\"} 2",
    ] {
        assert!(text.lines().any(|one| one == line), "{line}\n{text}");
    }
    assert_eq!(lines_of(&text, "huntd_quota_used_ratio").len(), 1, "none where nobody knows the limit");
}

#[test]
fn the_outbox_tells_how_long_its_oldest_waits() {
    let of = |state| OutboxFacts {
        channel: ChannelName::new("soc").unwrap(),
        state,
        count: 4,
        oldest: NOW.minus(Duration::from_mins(1)),
    };
    let mut counts = Counts::default();
    counts.delivered(&ChannelName::new("soc").unwrap(), "sent");
    let text = render(&Facts { outbox: vec![of("failed"), of("pending")], counts, ..facts() });
    assert_eq!(
        lines_of(&text, "huntd_deliveries"),
        [
            "huntd_deliveries{channel=\"soc\",state=\"failed\"} 4",
            "huntd_deliveries{channel=\"soc\",state=\"pending\"} 4"
        ]
    );
    assert_eq!(
        lines_of(&text, "huntd_oldest_pending_delivery_age_seconds"),
        ["huntd_oldest_pending_delivery_age_seconds{channel=\"soc\"} 60"]
    );
    assert_eq!(
        lines_of(&text, "huntd_deliveries_total"),
        ["huntd_deliveries_total{channel=\"soc\",outcome=\"sent\"} 1"]
    );
}

#[test]
fn a_channel_of_which_nothing_is_known_stands_at_nothing() {
    let [soc, hits, gone] = ["soc", "hits", "gone"].map(|name| ChannelName::new(name).unwrap());
    let of =
        |channel: &ChannelName, state, count, oldest| OutboxFacts { channel: channel.clone(), state, count, oldest };
    let before = NOW.minus(Duration::from_mins(1));
    let held = vec![of(&gone, "failed", 1, before), of(&soc, "pending", 4, before)];
    assert_eq!(
        of_channels(held, [&soc, &hits], NOW),
        [
            of(&gone, "failed", 1, before),
            of(&hits, "failed", 0, NOW),
            of(&hits, "pending", 0, NOW),
            of(&soc, "failed", 0, NOW),
            of(&soc, "pending", 4, before),
        ]
    );
    let mut counts = Counts::default();
    counts.delivered(&soc, "later");
    for channel in [&soc, &hits] {
        counts.expect(channel);
    }
    assert_eq!(
        lines_of(&render(&Facts { counts, ..facts() }), "huntd_deliveries_total"),
        [
            "huntd_deliveries_total{channel=\"hits\",outcome=\"failed\"} 0",
            "huntd_deliveries_total{channel=\"hits\",outcome=\"later\"} 0",
            "huntd_deliveries_total{channel=\"hits\",outcome=\"sent\"} 0",
            "huntd_deliveries_total{channel=\"soc\",outcome=\"failed\"} 0",
            "huntd_deliveries_total{channel=\"soc\",outcome=\"later\"} 1",
            "huntd_deliveries_total{channel=\"soc\",outcome=\"sent\"} 0",
        ]
    );
}

#[test]
fn no_value_of_a_label_ends_it() {
    let mut out = Text(String::new());
    out.one("m", &[("a", "x\\y\"z\nhuntd_fake 1"), ("b", "é}")], 1);
    assert_eq!(out.0, "m{a=\"x\\\\y\\\"z\\nhuntd_fake 1\",b=\"é}\"} 1\n");
}

#[test]
fn names_say_their_unit_and_are_known_once() {
    let names: BTreeSet<&str> = METRICS.iter().map(|metric| metric.name).collect();
    assert_eq!(names.len(), METRICS.len());
    for metric in METRICS {
        let is_counter = metric.kind == "counter";
        assert_eq!(metric.name.ends_with("_total"), is_counter, "{}", metric.name);
        assert!(!metric.help.contains(['\\', '\n']) && metric.help.ends_with('.'), "{}", metric.name);
        let is_time = metric.name.contains("_age") || metric.name.contains("timestamp");
        assert!(!is_time || metric.name.ends_with("_seconds"), "{}", metric.name);
    }
}
