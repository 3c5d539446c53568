//! What the tests commit.

use std::sync::Arc;
use std::time::Duration;

use roaring::RoaringBitmap;
use tempfile::TempDir;

use super::super::{HitFilter, Store};
use crate::model::delivery::NoticeHunt;
use crate::model::hit::{Fingerprint, Hit, HitDelta, HitKind, Ordinal, RawHash, RowBlock, RowRecord};
use crate::model::hunt::Severity;
use crate::model::id::{ChannelName, DeliveryId, HitId, HuntId, RunId, TenantName};
use crate::model::known::Deltas;
use crate::model::row::{Column, ColumnType, Schema};
use crate::model::run::{PlannedDelivery, Run, RunCommit, RunStatus, Trigger};
use crate::model::time::{Timestamp, Window};
use crate::rules::block::Packer;

/// The moment `minutes` after the tests' noon.
pub(super) fn at(minutes: i64) -> Timestamp {
    Timestamp::from_seconds(1_790_000_000 + minutes * 60)
}

pub(super) fn hunt() -> HuntId {
    HuntId::new("lateral/psexec [v2]").unwrap()
}

pub(super) fn tenant() -> TenantName {
    TenantName::new("contoso").unwrap()
}

pub(in crate::ports::store) async fn fresh() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("huntd.db")).await.unwrap();
    (folder, store)
}

pub(super) fn hit_id(ordinal: Ordinal) -> HitId {
    let mut id = [0xab; 20];
    id[..4].copy_from_slice(&ordinal.to_be_bytes());
    HitId(id)
}

pub(super) fn delta(ordinal: Ordinal, kind: HitKind) -> HitDelta {
    let row = Fingerprint([ordinal.to_le_bytes()[0]; 16]);
    let raw = RawHash([ordinal.to_le_bytes()[0].wrapping_add(1); 16]);
    HitDelta { hit: hit_id(ordinal), ordinal, kind: Some(kind), rows: vec![row], event_time: Some(at(-5)), raw }
}

/// A block of rows, each `{"Text":"…"}`.
pub(super) fn block(rows: &[(Ordinal, HitKind, &str)]) -> RowBlock {
    let schema = Schema { columns: vec![Column { name: "Text".to_owned(), kind: ColumnType::String }] };
    let mut packer = Packer::new(Arc::new(schema), None).unwrap();
    for (ordinal, kind, text) in rows {
        let record = RowRecord { ordinal: *ordinal, kind: *kind };
        packer.add(record, |columns| columns[0].extend_from_slice(format!("{text:?}").as_bytes())).unwrap();
    }
    packer.finish().unwrap().remove(0)
}

/// A run that began `minutes` after noon, without hits, against `generation`.
pub(super) fn empty(minutes: i64, generation: u64) -> RunCommit {
    let started = at(minutes);
    RunCommit {
        run: Run {
            run: RunId::derive(&started.compact(), &[&minutes.to_le_bytes()]),
            hunt: hunt(),
            tenant: tenant(),
            due: started,
            started,
            finished: started.plus(Duration::from_secs(2)),
            window: Some(Window { from: at(minutes - 60), to: started }),
            as_of: started,
            status: RunStatus::Ok,
            rows: 0,
            new: 0,
            changed: 0,
            gone: 0,
            returned: 0,
            calls: 1,
            api: Duration::from_millis(1234),
            cpu: None,
            late: None,
            error: None,
            hunt_version: "v1".to_owned(),
            commit: Some("deadbeef".to_owned()),
            trigger: Trigger::Schedule,
            query: "DeviceEvents | where 1 == 1".to_owned(),
        },
        definition: "id: psexec\n".to_owned(),
        notice: NoticeHunt {
            id: hunt().to_string(),
            name: "PsExec".to_owned(),
            description: String::new(),
            severity: Severity::High,
            tactics: vec!["LateralMovement".to_owned()],
            techniques: vec![],
            tags: vec![],
            owner: None,
            entities: vec!["DeviceName".to_owned()],
        },
        coverage: Vec::new(),
        lateness: None,
        generation,
        deltas: Deltas::default(),
        blocks: vec![],
        members: RoaringBitmap::new(),
        watermark: Some(started),
        deliveries: vec![],
        held: RoaringBitmap::new(),
        suppressions: vec![],
        failing_as: None,
    }
}

/// The same with one row for each `(ordinal, kind, text)`; a hit said to be gone has no row and is
/// no member.
pub(super) fn with_hits(minutes: i64, generation: u64, hits: &[(Ordinal, HitKind, &str)]) -> RunCommit {
    let mut commit = empty(minutes, generation);
    let stored: Vec<_> = hits.iter().copied().filter(|(_, kind, _)| *kind != HitKind::Gone).collect();
    let mut deltas: Vec<HitDelta> = hits.iter().map(|(ordinal, kind, _)| delta(*ordinal, *kind)).collect();
    deltas.dedup();
    commit.run.rows = stored.len() as u64;
    let count = |kind| deltas.iter().filter(|delta| delta.kind == Some(kind)).count() as u64;
    let run = &mut commit.run;
    (run.new, run.changed, run.gone, run.returned) =
        (count(HitKind::New), count(HitKind::Changed), count(HitKind::Gone), count(HitKind::Returned));
    commit.members = stored.iter().map(|(ordinal, ..)| *ordinal).collect();
    commit.deltas = deltas.into();
    if !stored.is_empty() {
        commit.blocks = vec![block(&stored)];
    }
    commit
}

/// A failed run.
pub(super) fn failed(minutes: i64) -> RunCommit {
    let mut commit = empty(minutes, 0);
    commit.run.status = RunStatus::Failed;
    commit.run.error = Some("the API says 503".to_owned());
    commit.watermark = None;
    commit
}

/// Adds a delivery to `channel` of all that the run moved.
pub(super) fn tell(commit: &mut RunCommit, channel: &str) -> DeliveryId {
    let channel = ChannelName::new(channel).unwrap();
    let delivery = DeliveryId::derive(&commit.run.run, &channel, "");
    let hits = commit.deltas.iter().filter_map(|step| Some((step.state.ordinal, step.kind?))).collect();
    commit.deliveries.push(PlannedDelivery { delivery: delivery.clone(), channel, hits });
    delivery
}

/// A hit in short: ordinal (by the id), kind, text of the row, first and last seen.
pub(super) fn short(hit: &Hit) -> (HitId, HitKind, String, Timestamp, Timestamp) {
    let row: serde_json::Value = serde_json::from_str(hit.row.get()).unwrap();
    (hit.hit, hit.kind, row["Text"].as_str().unwrap_or("-").to_owned(), hit.first_seen, hit.last_seen)
}

pub(super) async fn hits(store: &Store, filter: &HitFilter<'_>) -> Vec<Hit> {
    let mut all = Vec::new();
    let each = |hit| {
        all.push(hit);
        std::ops::ControlFlow::Continue(())
    };
    store.hits(filter, each).await.unwrap();
    all
}
