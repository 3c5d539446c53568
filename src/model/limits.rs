//! The API's published limits, each with its source and the date when it was read.

use std::time::Duration;

/// Calls that a tenant may make in a rolling minute: "at least 45" (Microsoft Learn, Graph security
/// API overview, Advanced hunting; read 2026-11-24).
pub const CALLS_PER_MINUTE: u32 = 45;
/// Calls in a rolling hour: printed only for the older Defender for Endpoint API (Learn,
/// run-advanced-query-api; read 2026-11-24), and kept for all, as the quota is the tenant's.
pub const CALLS_PER_HOUR: u32 = 1500;
/// Calls at a time: no number is published; five is a guess on the careful side.
pub const CONCURRENT: u32 = 5;
/// Rows of one result, at which the API cuts without a word (Learn, advanced hunting limits).
pub const ROW_LIMIT: u64 = 100_000;
/// How far back the API's data reaches (Learn, advanced hunting limits).
pub const DATA_AGE: Duration = Duration::from_hours(30 * 24);
/// How long the service works on one request (Learn, Graph security API overview).
pub const REQUEST_TIME: Duration = Duration::from_mins(3);
/// The cycle in which a tenant's CPU is counted (Learn, advanced hunting limits).
pub const CPU_CYCLE: Duration = Duration::from_mins(15);
/// A body above this is no answer: 50 MB of field bytes (Learn, Graph overview) were measured at
/// 97 MB of JSON text, and this leaves well more room.
pub const BODY_CAP: u64 = 512 * 1024 * 1024;
/// The day when the older API stops (Microsoft 365 message MC1220762, 2026-01-22).
pub const OLDER_API_ENDS: &str = "2027-02-01";
