use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use super::super::{DeliveryFilter, HitFilter, Pruned, RunFilter, Store};
use super::fixture::{at, empty, failed, fresh, hits, hunt, short, tell, tenant, with_hits};
use crate::model::hit::HitKind::{Changed, Gone, New};

const DAY: i64 = 60 * 24;

fn days(days: u64) -> Duration {
    Duration::from_hours(24 * days)
}

#[tokio::test]
async fn a_sound_file_has_no_complaints_and_a_damaged_one_has() {
    let (_folder, store) = fresh().await;
    store.commit_run(&with_hits(0, 0, &[(0, New, "a")])).await.unwrap();
    assert_eq!(store.check().await.unwrap(), [] as [&str; 0]);
    let mut write = store.begin().await.unwrap();
    for damage in ["UPDATE block SET body = x'00'", "UPDATE delta SET packed = x'00'"] {
        sqlx::query(damage).execute(&mut write.conn).await.unwrap();
    }
    write.end(Ok(())).await.unwrap();
    let complaints = store.check().await.unwrap();
    assert_eq!(complaints.len(), 2, "{complaints:?}");
    assert!(complaints[0].starts_with("block 1: stored rows have"), "{complaints:?}");
    assert!(complaints[1].starts_with("lateral/psexec [v2] on contoso: stored hits have"), "{complaints:?}");
}

#[tokio::test]
async fn a_backup_is_a_whole_database() {
    let (folder, store) = fresh().await;
    store.commit_run(&with_hits(0, 0, &[(0, New, "a")])).await.unwrap();
    let copy = folder.path().join("copy's.db");
    store.backup(&copy).await.unwrap();
    assert_eq!(copy.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(store.backup(&copy).await.is_err(), "a backup never overwrites");
    let copy = Store::open_existing(&copy).await.unwrap();
    assert_eq!((copy.database_id(), copy.secret()), (store.database_id(), store.secret()));
    let known = store.history(&hunt(), &tenant()).await.unwrap();
    assert_eq!(copy.history(&hunt(), &tenant()).await.unwrap(), known);
    assert!(store.backup(&folder.path().join("no/copy.db")).await.is_err());
}

#[tokio::test]
async fn retention_takes_the_old_and_keeps_what_is_wanted() {
    let (_folder, store) = fresh().await;
    // Hit 0 stays in every result; hit 1 and 2 leave.
    let mut first = with_hits(0, 0, &[(0, New, "stays")]);
    first.run.hunt_version = "old".to_owned();
    store.commit_run(&first).await.unwrap();
    store.commit_run(&with_hits(DAY, 1, &[(1, New, "leaves")])).await.unwrap();
    let mut untold = with_hits(2 * DAY, 2, &[(2, New, "untold")]);
    let delivery = tell(&mut untold, "soc");
    store.commit_run(&untold).await.unwrap();
    let mut last = empty(3 * DAY, 3);
    last.members.insert(0);
    store.commit_run(&last).await.unwrap();
    store.commit_run(&failed(4 * DAY)).await.unwrap();
    let before = store.history(&hunt(), &tenant()).await.unwrap();

    assert_eq!(store.prune(at(90 * DAY), days(90), days(400)).await.unwrap(), Pruned::default());
    let pruned = store.prune(at(100 * DAY), days(90), days(400)).await.unwrap();
    assert_eq!(pruned, Pruned { blocks: 1, runs: 0, versions: 0 });
    let texts = |hits: Vec<_>| hits.iter().map(short).map(|(_, _, text, ..)| text).collect::<Vec<_>>();
    assert_eq!(texts(hits(&store, &HitFilter::default()).await), ["stays", "untold"]);

    let pruned = store.prune(at(500 * DAY), days(90), days(400)).await.unwrap();
    assert_eq!(pruned, Pruned { blocks: 0, runs: 1, versions: 0 });
    store.mark_sent(&delivery, at(500 * DAY)).await.unwrap();
    let pruned = store.prune(at(500 * DAY), days(90), days(400)).await.unwrap();
    assert_eq!(pruned, Pruned { blocks: 1, runs: 1, versions: 0 });
    assert_eq!(store.deliveries(&DeliveryFilter::default()).await.unwrap(), []);
    let left: Vec<_> = store.runs(&RunFilter::default()).await.unwrap().iter().map(|run| run.started).collect();
    assert_eq!(left, [at(4 * DAY), at(3 * DAY), at(0)]);
    // The history that tells new from known outlives it all.
    assert_eq!(store.history(&hunt(), &tenant()).await.unwrap(), before);

    let mut gone = with_hits(501 * DAY, 4, &[(0, Gone, "")]);
    let delivery = tell(&mut gone, "soc");
    store.commit_run(&gone).await.unwrap();
    let notice = store.notice(&delivery).await.unwrap();
    assert_eq!(short(&notice.hits.first()[0]).2, "stays");
    store.mark_sent(&delivery, at(501 * DAY)).await.unwrap();
    let pruned = store.prune(at(502 * DAY), days(90), days(400)).await.unwrap();
    assert_eq!(pruned, Pruned { blocks: 1, runs: 3, versions: 1 });
    assert_eq!(store.check().await.unwrap(), [] as [&str; 0]);
}

#[tokio::test]
async fn of_a_hit_that_stays_only_the_last_row_is_kept() {
    let (_folder, store) = fresh().await;
    store.commit_run(&with_hits(0, 0, &[(0, New, "a")])).await.unwrap();
    store.commit_run(&with_hits(1, 1, &[(0, Changed, "a2")])).await.unwrap();
    let pruned = store.prune(at(100 * DAY), days(90), days(400)).await.unwrap();
    assert_eq!(pruned.blocks, 1);
    let left = hits(&store, &HitFilter::default()).await;
    assert_eq!(left.iter().map(short).map(|(_, kind, ..)| kind).collect::<Vec<_>>(), [Changed]);
}
