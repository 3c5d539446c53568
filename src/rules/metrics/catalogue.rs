//! The list of metrics: an interface, so none changes its name or its labels.

/// A metric.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Its name, with its unit.
    pub name: &'static str,
    /// `gauge` or `counter`.
    pub kind: &'static str,
    /// Its labels, parted by a comma.
    pub labels: &'static str,
    /// What it says.
    pub help: &'static str,
}

const fn gauge(name: &'static str, labels: &'static str, help: &'static str) -> Metric {
    Metric { name, kind: "gauge", labels, help }
}

const fn counter(name: &'static str, labels: &'static str, help: &'static str) -> Metric {
    Metric { name, kind: "counter", labels, help }
}

/// All, in the order of the text.
pub const METRICS: &[Metric] = &[
    gauge("huntd_build_info", "version", "Always 1; the label says which huntd this is."),
    gauge(
        "huntd_engine_alive",
        "",
        "1 as /healthz says it: scheduler and outbox go on; 0 when one of them is stalled.",
    ),
    gauge(
        "huntd_engine_sign_of_life_age_seconds",
        "part",
        "Time since the scheduler last looked, and since the outbox was last looked into.",
    ),
    gauge(
        "huntd_last_commit_timestamp_seconds",
        "",
        "When a run was last committed since the start; absent before the first.",
    ),
    gauge("huntd_hunts", "state", "Hunts by state: enabled, disabled, or broken (files with an error)."),
    gauge("huntd_hunts_unlisted", "", "Hunts times tenants that have no series of their own, as there are too many."),
    counter(
        "huntd_runs_total",
        "hunt,tenant,status",
        "Runs committed since the start, by status: ok, failed, partial.",
    ),
    counter(
        "huntd_hits_total",
        "hunt,tenant,kind",
        "Hits of runs since the start, by kind: new, changed, gone, returned.",
    ),
    gauge(
        "huntd_run_lateness_seconds",
        "hunt,tenant",
        "How long after its tick the last scheduled run began; a splay counts.",
    ),
    gauge("huntd_last_run_timestamp_seconds", "hunt,tenant", "When the last run ended."),
    gauge(
        "huntd_next_run_timestamp_seconds",
        "hunt,tenant",
        "When the next run is due; of one under way, when that one was.",
    ),
    gauge("huntd_watermark_age_seconds", "hunt,tenant", "How far back the end of covered event time lies."),
    gauge("huntd_failures_in_row", "hunt,tenant", "Failed runs since the last that was whole."),
    counter(
        "huntd_late_runs_total",
        "tenant",
        "Scheduled runs since the start that waited for the quota past their next tick.",
    ),
    counter(
        "huntd_api_calls_total",
        "tenant,outcome",
        "Calls to the API since the start, by outcome: ok, or the class of the failure.",
    ),
    counter("huntd_api_throttled_total", "tenant", "Calls that the API refused as too many (429), since the start."),
    gauge("huntd_queue_depth", "tenant", "Runs that wait for the quota."),
    gauge(
        "huntd_quota_used_ratio",
        "tenant,window",
        "What of a quota is used, from 0 to 1: calls_per_minute, calls_per_hour, concurrent, cpu_per_cycle.",
    ),
    gauge(
        "huntd_tenant_blocked_until_timestamp_seconds",
        "tenant",
        "Until when the tenant may not be called; absent where it may.",
    ),
    counter(
        "huntd_deliveries_total",
        "channel,outcome",
        "Attempts to deliver since the start, by outcome: sent, later, failed.",
    ),
    gauge(
        "huntd_deliveries",
        "channel,state",
        "Deliveries in the outbox that are pending or failed; counted up to 10000 of each state.",
    ),
    gauge("huntd_oldest_pending_delivery_age_seconds", "channel", "How long the oldest pending delivery has waited."),
    gauge(
        "huntd_troubles",
        "kind",
        "Causes of trouble that are there, by kind, as `failures` in docs/config.md has them; told or not yet.",
    ),
    gauge(
        "huntd_database_readable",
        "",
        "0 where the database did not answer in time: then what it knows is left out here.",
    ),
    gauge("huntd_database_bytes", "file", "Size of the database and of its WAL."),
    gauge("huntd_disk_free_bytes", "", "Room left on the disk of the database."),
    gauge("huntd_disk_size_bytes", "", "Size of the disk of the database."),
    gauge("process_start_time_seconds", "", "When the process began."),
    counter("process_cpu_seconds_total", "", "CPU time of the process."),
    gauge("process_resident_memory_bytes", "", "Memory of the process."),
];
