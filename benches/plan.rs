//! How long `plan` takes over 300 hunts and a day: laid out, and with what to move.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use divan::{Bencher, black_box};
use huntd::model::config::Quota;
use huntd::model::hunt::Hunt;
use huntd::model::id::TenantName;
use huntd::model::time::{Timestamp, Zone};
use huntd::rules::config::default_hunt_defaults;
use huntd::rules::definition::{self, HuntFile};
use huntd::rules::kql::schema::Schema;
use huntd::rules::plan::{Costs, PlanHunt, PlanInput, PlanTenant, plan, suggest};

fn main() {
    divan::main();
}

const HUNTS: usize = 300;
/// What people write: many start at the full hour.
const SCHEDULES: [&str; 6] =
    ["'0 * * * *'", "'*/15 * * * *'", "'@hourly'", "'@daily'", "every 30m", "'*/30 6-20 * * MON-FRI'"];

static LOADED: LazyLock<Vec<Arc<Hunt>>> = LazyLock::new(|| {
    let query = "query: |\n  DeviceProcessEvents\n  | where FileName =~ 'x.exe' and ProcessCommandLine has '-enc'\n";
    let file = |number: usize, schedule: &str| HuntFile {
        shown: format!("h{number:03}.yaml").into(),
        relative: format!("h{number:03}.yaml").into(),
        bytes: format!("schedule: {schedule}\nlookback: 1h\n{query}").into_bytes(),
    };
    let files: Vec<HuntFile> =
        SCHEDULES.iter().cycle().take(HUNTS).enumerate().map(|(number, schedule)| file(number, schedule)).collect();
    let loaded = definition::load(&files, &default_hunt_defaults(), Zone::UTC);
    assert_eq!(loaded.hunts.len(), HUNTS, "all are sound");
    loaded.hunts.into_iter().map(Arc::new).collect()
});

fn read() -> Vec<PlanHunt> {
    LOADED.iter().map(|hunt| PlanHunt::of(Arc::clone(hunt), Schema::defender())).collect()
}

fn tenants() -> Vec<PlanTenant> {
    let quota = Quota::DEFAULT;
    TenantName::new("contoso").into_iter().map(|name| PlanTenant { name, quota }).collect()
}

/// Runs `work` with the input of a day.
fn day(hunts: &[PlanHunt], work: impl FnOnce(&PlanInput<'_>)) {
    let (tenants, costs) = (tenants(), Costs::new());
    let from = Timestamp::from_seconds(1_795_000_000);
    let length = Duration::from_hours(24);
    work(&PlanInput { hunts, tenants: &tenants, costs: &costs, from, length, downtime: length * 3 });
}

#[divan::bench]
fn a_read(bencher: Bencher<'_, '_>) {
    bencher.bench_local(read);
}

#[divan::bench]
fn b_plan(bencher: Bencher<'_, '_>) {
    let hunts = read();
    bencher.bench_local(|| day(&hunts, |input| drop(black_box(plan(input)))));
}

#[divan::bench]
fn c_suggest(bencher: Bencher<'_, '_>) {
    let hunts = read();
    day(&hunts, |input| {
        let before = plan(input).unwrap_or_default();
        bencher.bench_local(|| drop(black_box(suggest(input, &before))));
    });
}
