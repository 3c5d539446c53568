//! The law: replayed under its own settings, a history tells exactly what was told.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::time::Duration;

use proptest::prelude::*;
use tokio::sync::mpsc;

use super::*;
use crate::engine::intake::{self, Intake, IntakeJob};
use crate::model::hit::HitKind;
use crate::model::hunt::{Dialect, FirstRun, Severity, Source, Suppress, Threshold, ThresholdOp};
use crate::model::id::{ChannelName, DeliveryId};
use crate::model::notice_hunt::NoticeHunt;
use crate::model::row::{Column, ColumnType, RowChunk};
use crate::model::run::{PlannedDelivery, RunCommit};
use crate::model::schedule::Schedule;
use crate::model::time::Window;
use crate::ports::api::AnswerPiece;
use crate::rules::replay::Replay;
use crate::rules::route::{self, Facts};

fn defaults() -> HuntDefaults {
    let schedule = Schedule::parse("@daily").unwrap();
    HuntDefaults { schedule, lookback: Duration::from_hours(24), late: Duration::from_mins(30) }
}

/// Key, content, group, a value that is ignored, and the hour of the event.
type Row = (u8, u8, u8, u8, u8);

/// A result of the made-up history.
#[derive(Debug, Clone)]
struct Made {
    rows: Vec<Row>,
    complete: bool,
    /// The event time that it covers, in hours.
    window: (u8, u8),
}

fn at(hour: u64) -> Timestamp {
    Timestamp::from_seconds(1_790_000_000).plus(Duration::from_hours(hour))
}

fn columns() -> crate::model::row::Schema {
    let column = |(name, kind): (&str, ColumnType)| Column { name: name.to_owned(), kind };
    let columns = [
        ("Timestamp", ColumnType::DateTime),
        ("K", ColumnType::String),
        ("V", ColumnType::Long),
        ("G", ColumnType::String),
        ("I", ColumnType::Long),
    ];
    crate::model::row::Schema { columns: columns.map(column).to_vec() }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "rows come from slices")]
fn json((key, content, group, ignored, hour): &Row) -> String {
    let time = at(u64::from(*hour));
    format!(r#"{{"Timestamp":"{time}","K":"k{key}","V":{content},"G":"g{group}","I":{ignored}}}"#)
}

fn any_hunt() -> impl Strategy<Value = Hunt> {
    let key = prop_oneof![Just(None), Just(Some(vec!["K"])), Just(Some(vec!["K", "G"])), Just(Some(vec!["V"]))];
    let query = prop_oneof![Just("DeviceTvmSoftwareInventory"), Just("DeviceProcessEvents")];
    let suppress = proptest::option::of(prop_oneof![Just(vec![]), Just(vec!["G"])]);
    let report = proptest::sample::subsequence(HitKind::ALL.to_vec(), 1..=4);
    let threshold = proptest::option::of(0_u64..6);
    (key, query, suppress, report, threshold, any::<bool>()).prop_map(hunt)
}

/// What a hunt of this test differs in.
type Settings = (Option<Vec<&'static str>>, &'static str, Option<Vec<&'static str>>, Vec<HitKind>, Option<u64>, bool);

fn hunt((key, query, suppress, report, threshold, baseline): Settings) -> Hunt {
    let names = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect::<Vec<_>>();
    Hunt {
        id: HuntId::new("made/up").unwrap(),
        name: "Made up".to_owned(),
        description: String::new(),
        severity: Severity::High,
        tactics: Vec::new(),
        techniques: Vec::new(),
        tags: Vec::new(),
        owner: None,
        query: query.to_owned(),
        schedule: Schedule::parse("@hourly").unwrap(),
        timezone: Zone::UTC,
        lookback: Duration::from_hours(1),
        late: Duration::ZERO,
        catch_up: CatchUp::Auto,
        key: key.map(names),
        ignore: vec!["I".to_owned()],
        report,
        threshold: threshold.map(|count| Threshold { op: ThresholdOp::AtLeast, count }),
        suppress: suppress.map(|by| Suppress { length: Duration::from_hours(2), by: names(by) }),
        first_run: if baseline { FirstRun::Baseline } else { FirstRun::Notify },
        tenants: None,
        notify: None,
        splay: Duration::ZERO,
        timeout: Duration::from_mins(3),
        enabled: true,
        allow: BTreeMap::default(),
        entities: Vec::new(),
        tests: Vec::new(),
        extra: BTreeMap::default(),
        dialect: Dialect::Huntd,
        source: Source::default(),
    }
}

fn any_history() -> impl Strategy<Value = Vec<Made>> {
    let row = (0..4_u8, 0..3_u8, 0..2_u8, any::<u8>(), 0..6_u8);
    let made = (proptest::collection::vec(row, 0..7), proptest::bool::weighted(0.8), (0..6_u8, 0..6_u8));
    let made = made.prop_map(|(rows, complete, (from, length))| Made { rows, complete, window: (from, from + length) });
    proptest::collection::vec(made, 1..9)
}

/// Makes a run as the engine does, and says how many hits it told.
async fn make(store: &Store, hunt: &Hunt, tenant: &TenantName, number: u64, made: &Made) -> u64 {
    let (track, known) = store.history(&hunt.id, tenant).await.unwrap();
    let generation = track.generation;
    let analysis = analyse(&hunt.query, Schema::defender());
    let nature = QueryNature::of(&hunt.query, &analysis, Schema::defender());
    let started = at(100 + number);
    let window = Window { from: at(made.window.0.into()), to: at(made.window.1.into()) };
    let mut run = Run {
        run: RunId::derive(&started.compact(), &[&number.to_le_bytes()]),
        hunt: hunt.id.clone(),
        tenant: tenant.clone(),
        due: started,
        started,
        finished: started.plus(Duration::from_secs(2)),
        window: Some(window),
        as_of: started,
        status: if made.complete { RunStatus::Ok } else { RunStatus::Partial },
        rows: made.rows.len() as u64,
        new: 0,
        changed: 0,
        gone: 0,
        returned: 0,
        calls: 1,
        api: Duration::from_millis(5),
        cpu: None,
        late: None,
        error: None,
        hunt_version: definition::version(hunt),
        commit: None,
        trigger: Trigger::Schedule,
        query: hunt.query.clone(),
    };
    let outcome = taken(store, hunt, tenant, known, made).finish(scope(nature, &run));
    (run.new, run.changed, run.gone, run.returned) = (outcome.new, outcome.changed, outcome.gone, outcome.returned);
    let telling = route::tell(&Facts {
        hunt,
        rows: run.rows,
        is_first_complete_run: track.complete_runs == 0,
        candidates: &outcome.candidates,
        members: &outcome.members,
        held: &track.held,
        suppressed: &track.suppressions,
        now: run.finished,
    });
    let told = telling.hits.len() as u64;
    let channel = ChannelName::new("soc").unwrap();
    let delivery = DeliveryId::derive(&run.run, &channel, "");
    let deliveries = (told > 0).then_some(PlannedDelivery { delivery, channel, hits: telling.hits });
    let commit = RunCommit {
        definition: definition::print(hunt),
        notice: NoticeHunt {
            id: hunt.id.to_string(),
            name: hunt.name.clone(),
            description: String::new(),
            severity: hunt.severity,
            tactics: Vec::new(),
            techniques: Vec::new(),
            tags: Vec::new(),
            owner: None,
            entities: Vec::new(),
        },
        generation,
        coverage: Vec::new(),
        lateness: None,
        deltas: outcome.deltas,
        blocks: outcome.blocks,
        members: outcome.members,
        watermark: None,
        deliveries: deliveries.into_iter().collect(),
        held: telling.held,
        suppressions: telling.suppressions,
        failing_as: None,
        run,
    };
    store.commit_run(&commit).await.unwrap();
    told
}

/// The answer, taken in.
fn taken(store: &Store, hunt: &Hunt, tenant: &TenantName, known: KnownHits, made: &Made) -> Intake {
    let job = IntakeJob {
        tenant: tenant.clone(),
        hunt: hunt.id.clone(),
        rule: replay::rule(hunt, Vec::new()),
        secret: store.secret(),
        known: Arc::new(known),
        aside: None,
    };
    let mut chunk = RowChunk::default();
    for row in &made.rows {
        chunk.push(json(row).as_bytes());
    }
    let (sender, receiver) = mpsc::channel(2);
    sender.try_send(AnswerPiece::Schema(columns())).unwrap();
    sender.try_send(AnswerPiece::Rows(chunk)).unwrap();
    drop(sender);
    // It blocks for its pieces, which are all there.
    std::thread::scope(|scope| scope.spawn(|| intake::take(job, receiver)).join().unwrap().unwrap())
}

/// Makes the history, and replays it: what was told then, what the store says of it, and what would be told.
fn replayed(hunt: &Hunt, history: &[Made]) -> Vec<(u64, u64, u64, u64)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("huntd.db")).await.unwrap();
        let tenant = TenantName::new("contoso").unwrap();
        let mut told = Vec::new();
        for (number, made) in (0..).zip(history) {
            told.push(make(&store, hunt, &tenant, number, made).await);
        }
        let defaults = defaults();
        let schema = Schema::defender();
        let past = Past { store: &store, hunt: &hunt.id, tenant: &tenant, schema, defaults: &defaults };
        let mut replay = Replay::new(tenant.clone(), hunt.clone(), Vec::new(), [9; 32]);
        let mut retold = Vec::new();
        let walked = past.walk(|past, result| {
            let would = replay.take(result).unwrap();
            retold.push((past.told.unwrap_or(0), would.told, past.missing));
            let run = &past.run;
            assert_eq!(
                (run.new, run.changed, run.gone, run.returned),
                (would.new, would.changed, would.gone, would.returned),
                "{}",
                run.run
            );
            ControlFlow::Continue(())
        });
        walked.await.unwrap();
        store.close().await.unwrap();
        told.into_iter().zip(retold).map(|(told, (stored, would, missing))| (told, stored, would, missing)).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn under_its_own_settings_a_history_tells_what_was_told(hunt in any_hunt(), history in any_history()) {
        for (told, stored, would, missing) in replayed(&hunt, &history) {
            prop_assert_eq!((told, stored, would, missing), (told, told, told, 0));
        }
    }
}

/// A result of one complete run.
fn whole(rows: &[Row]) -> Made {
    Made { rows: rows.to_vec(), complete: true, window: (0, 9) }
}

#[test]
fn contents_of_a_key_are_found_one_by_one() {
    let settings = (Some(vec!["K"]), "DeviceProcessEvents", None, HitKind::ALL.to_vec(), None, false);
    let (a, b) = ((1, 1, 0, 0, 1), (1, 2, 0, 0, 1));
    let away = Made { rows: Vec::new(), complete: true, window: (5, 6) };
    let history = [whole(&[a]), whole(&[a, b]), away.clone(), whole(&[a, b]), whole(&[a]), away, whole(&[a])];
    let told: Vec<_> = replayed(&hunt(settings), &history)
        .into_iter()
        .map(|(told, _, would, missing)| (told, would, missing))
        .collect();
    assert_eq!(told, [(1, 1, 0), (1, 1, 0), (0, 0, 0), (0, 0, 0), (1, 1, 0), (0, 0, 0), (0, 0, 0)]);
}

#[test]
fn other_settings_tell_otherwise() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let kinds = vec![HitKind::New];
    let without = hunt((None, "DeviceTvmSoftwareInventory", None, kinds.clone(), None, false));
    let with = hunt((Some(vec!["K"]), "DeviceTvmSoftwareInventory", None, kinds, None, false));
    // A count that goes up with each run.
    let history: Vec<Made> = (0..10).map(|count| whole(&[(1, count, 0, 0, 1), (2, count, 0, 0, 1)])).collect();
    let told = runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("huntd.db")).await.unwrap();
        let tenant = TenantName::new("contoso").unwrap();
        for (number, made) in (0..).zip(&history) {
            make(&store, &without, &tenant, number, made).await;
        }
        let defaults = defaults();
        let schema = Schema::defender();
        let past = Past { store: &store, hunt: &without.id, tenant: &tenant, schema, defaults: &defaults };
        let mut replays: HashMap<&str, Replay> = [("as it is", &without), ("with a key", &with)]
            .map(|(name, hunt)| (name, Replay::new(tenant.clone(), hunt.clone(), Vec::new(), [9; 32])))
            .into();
        let mut told: BTreeMap<&str, u64> = BTreeMap::new();
        let walked = past.walk(|_, result| {
            for (name, replay) in &mut replays {
                *told.entry(name).or_default() += replay.take(result).unwrap().told;
            }
            ControlFlow::Continue(())
        });
        walked.await.unwrap();
        store.close().await.unwrap();
        told
    });
    assert_eq!(told, BTreeMap::from([("as it is", 20), ("with a key", 2)]));
}
