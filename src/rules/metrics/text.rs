//! The text of the metrics: Prometheus' exposition format 0.0.4
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use std::fmt::Write as _;
use std::time::Duration;

use super::catalogue::METRICS;
use super::facts::{Facts, TenantFacts};
use crate::model::time::Timestamp;
use crate::rules::health::{Health, Part};
use crate::rules::quota::Usage;

/// The text.
#[must_use]
pub fn render(facts: &Facts) -> String {
    let mut out = Text(String::with_capacity(4096 + facts.tracks.len() * 1024));
    for metric in METRICS {
        let before = out.0.len();
        out.head(metric.name, metric.kind, metric.help);
        let after = out.0.len();
        samples(&mut out, metric.name, facts);
        // A head without a sample says nothing.
        if out.0.len() == after {
            out.0.truncate(before);
        }
    }
    out.0
}

fn samples(out: &mut Text, name: &str, facts: &Facts) {
    match name {
        "huntd_build_info" => out.one(name, &[("version", facts.version)], 1),
        "huntd_hunts" => {
            let hunts = facts.hunts;
            for (state, count) in [("enabled", hunts.enabled), ("disabled", hunts.disabled), ("broken", hunts.broken)] {
                out.one(name, &[("state", state)], count);
            }
        }
        "huntd_troubles" => {
            for (kind, count) in &facts.troubles {
                out.one(name, &[("kind", kind.as_str())], count);
            }
        }
        "huntd_database_readable" => out.one(name, &[], u8::from(facts.is_readable)),
        "huntd_hunts_unlisted" => out.one(name, &[], facts.unlisted),
        "huntd_deliveries_total" => {
            for ((channel, outcome), count) in &facts.counts.deliveries {
                out.one(name, &[("channel", channel.as_str()), ("outcome", outcome)], count);
            }
        }
        "huntd_deliveries" | "huntd_oldest_pending_delivery_age_seconds" => outbox(out, name, facts),
        _ if name.starts_with("huntd_engine_") || name.starts_with("huntd_last_commit_") => engine(out, name, facts),
        _ if name.starts_with("process_") || name.ends_with("_bytes") => machine(out, name, facts),
        _ if tenant_wide(name) => tenants(out, name, facts),
        _ => tracks(out, name, facts),
    }
}

fn tenant_wide(name: &str) -> bool {
    METRICS.iter().any(|metric| metric.name == name && metric.labels.starts_with("tenant"))
}

fn engine(out: &mut Text, name: &str, facts: &Facts) {
    match name {
        "huntd_engine_alive" => out.one(name, &[], u8::from(facts.health == Health::Alive)),
        "huntd_engine_sign_of_life_age_seconds" => {
            for part in Part::ALL {
                out.one(name, &[("part", part.as_str())], facts.pulse.age(part, facts.steady).as_secs_f64());
            }
        }
        _ => out.some(name, facts.counts.last_commit.map(unix)),
    }
}

fn outbox(out: &mut Text, name: &str, facts: &Facts) {
    for one in &facts.outbox {
        let channel = ("channel", one.channel.as_str());
        match name {
            "huntd_deliveries" => out.one(name, &[channel, ("state", one.state)], one.count),
            _ if one.state == "pending" => out.one(name, &[channel], facts.now.since(one.oldest).as_secs_f64()),
            _ => {}
        }
    }
}

fn machine(out: &mut Text, name: &str, facts: &Facts) {
    let (room, process) = (facts.room, facts.process);
    match name {
        "huntd_database_bytes" => {
            for (file, bytes) in [("database", room.database), ("wal", room.wal)] {
                if let Some(bytes) = bytes {
                    out.one(name, &[("file", file)], bytes);
                }
            }
        }
        "huntd_disk_free_bytes" => out.some(name, room.free),
        "huntd_disk_size_bytes" => out.some(name, room.size),
        "process_start_time_seconds" => out.some(name, process.started.map(unix)),
        "process_cpu_seconds_total" => out.some(name, process.cpu.map(|cpu| cpu.as_secs_f64())),
        _ => out.some(name, process.resident),
    }
}

fn tenants(out: &mut Text, name: &str, facts: &Facts) {
    if name == "huntd_api_calls_total" {
        for ((tenant, outcome), count) in &facts.counts.calls {
            out.one(name, &[("tenant", tenant.as_str()), ("outcome", outcome)], count);
        }
        return;
    }
    for tenant in &facts.tenants {
        let label = ("tenant", tenant.name.as_str());
        match name {
            "huntd_late_runs_total" => out.one(name, &[label], tenant.punctuality.late),
            "huntd_api_throttled_total" => {
                out.one(name, &[label], facts.counts.throttled.get(&tenant.name).copied().unwrap_or_default());
            }
            "huntd_queue_depth" => out.one(name, &[label], tenant.queue),
            "huntd_quota_used_ratio" => quota(out, name, tenant),
            _ => {
                if let Some(until) = tenant.blocked_until {
                    out.one(name, &[label], unix(until));
                }
            }
        }
    }
}

fn quota(out: &mut Text, name: &str, tenant: &TenantFacts) {
    for usage in &tenant.usage {
        if let Some(ratio) = ratio(usage) {
            out.one(name, &[("tenant", tenant.name.as_str()), ("window", usage.gauge.as_str())], ratio);
        }
    }
}

/// What of a limit is used; none where nobody knows the limit.
fn ratio(usage: &Usage) -> Option<f64> {
    let most = usage.limit.map(|limit| limit.most)?;
    #[expect(clippy::cast_precision_loss, reason = "a share needs no more digits")]
    let ratio = usage.used as f64 / most.max(1) as f64;
    Some((ratio * 1e6).round() / 1e6)
}

fn tracks(out: &mut Text, name: &str, facts: &Facts) {
    // Both are in the same order, so one walk finds the counts of each.
    let mut counts = facts.counts.tracks.iter().peekable();
    for track in &facts.tracks {
        let key = (&track.hunt, &track.tenant);
        while counts.next_if(|((hunt, tenant), _)| (hunt, tenant) < key).is_some() {}
        let counted = counts.peek().filter(|((hunt, tenant), _)| (hunt, tenant) == key).map(|(_, counts)| **counts);
        let labels = [("hunt", track.hunt.as_str()), ("tenant", track.tenant.as_str())];
        let with = |more| [labels[0], labels[1], more];
        let state = track.state.unwrap_or_default();
        match name {
            "huntd_runs_total" => counted.unwrap_or_default().runs().for_each(|(status, count)| {
                out.one(name, &with(("status", status)), count);
            }),
            "huntd_hits_total" => counted.unwrap_or_default().hits().for_each(|(kind, count)| {
                out.one(name, &with(("kind", kind)), count);
            }),
            "huntd_run_lateness_seconds" => {
                out.each(name, &labels, counted.and_then(|counts| counts.lateness).map(|late| late.as_secs_f64()));
            }
            "huntd_last_run_timestamp_seconds" => out.each(name, &labels, state.finished.map(unix)),
            "huntd_next_run_timestamp_seconds" => out.each(name, &labels, track.next.map(unix)),
            "huntd_watermark_age_seconds" => {
                out.each(name, &labels, state.watermark.map(|mark| facts.now.since(mark).as_secs_f64()));
            }
            _ => out.each(name, &labels, track.state.map(|state| state.failures_in_row)),
        }
    }
}

fn unix(at: Timestamp) -> f64 {
    let span = at.since(Timestamp::EPOCH);
    Duration::from_millis(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)).as_secs_f64()
}

struct Text(String);

impl Text {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Help has neither a backslash nor a line break: it is the catalogue's own.
        self.0.extend(["# HELP ", name, " ", help, "\n# TYPE ", name, " ", kind, "\n"]);
    }

    fn some(&mut self, name: &str, value: Option<impl std::fmt::Display>) {
        self.each(name, &[], value);
    }

    fn each(&mut self, name: &str, labels: &[(&str, &str)], value: Option<impl std::fmt::Display>) {
        if let Some(value) = value {
            self.one(name, labels, value);
        }
    }

    fn one(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        self.0.push_str(name);
        let mut open = '{';
        for (label, text) in labels {
            self.0.push(open);
            self.0.extend([label, "=\""]);
            self.escaped(text);
            self.0.push('"');
            open = ',';
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        // Writing to a text can't fail.
        let _written = writeln!(self.0, " {value}").is_ok();
    }

    /// A label's value: backslash, quote and line break would end it.
    fn escaped(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '\\' => self.0.push_str("\\\\"),
                '"' => self.0.push_str("\\\""),
                '\n' => self.0.push_str("\\n"),
                c => self.0.push(c),
            }
        }
    }
}

#[cfg(test)]
mod tests;
