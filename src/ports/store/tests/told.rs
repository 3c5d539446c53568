use std::ops::ControlFlow;

use roaring::RoaringBitmap;
use sqlx::Row as _;

use super::super::Store;
use super::super::rows::{last_rows, no_row, rows_as_of, rows_of_run};
use super::fixture::{at, block, fresh, short, tell, with_hits};
use crate::model::delivery::Notice;
use crate::model::hit::HitKind::{self, Changed, Gone, New, Returned};
use crate::model::hit::{Hit, Ordinal};
use crate::model::id::DeliveryId;
use crate::model::run::RunCommit;

/// A row of half a kilobyte, so that those of some thousand hits don't stay in memory.
fn text(ordinal: Ordinal, of: &str) -> String {
    format!("{ordinal} {of} {}", "x".repeat(500))
}

/// Rows that stand in another order than the hits were found in, as results have none.
fn scattered(hits: impl Iterator<Item = (Ordinal, HitKind)>, of: &str) -> Vec<(Ordinal, HitKind, String)> {
    let mut rows: Vec<_> = hits.map(|(ordinal, kind)| (ordinal, kind, text(ordinal, of))).collect();
    rows.sort_by_key(|(ordinal, ..)| ordinal.wrapping_mul(2_654_435_761));
    rows
}

/// A run of these rows, in blocks of 300.
fn run(minutes: i64, generation: u64, rows: &[(Ordinal, HitKind, String)]) -> RunCommit {
    let rows: Vec<_> = rows.iter().map(|(ordinal, kind, text)| (*ordinal, *kind, text.as_str())).collect();
    let mut commit = with_hits(minutes, generation, &rows);
    let stored: Vec<_> = rows.into_iter().filter(|(_, kind, _)| *kind != Gone).collect();
    commit.blocks = stored.chunks(300).map(block).collect();
    commit
}

/// A history of 2,600 hits, and the delivery of its third run: it tells hits that are changed, gone, back and new, each
/// of the new ones with two rows that stand in different blocks, and some that were held back and that it didn't move.
async fn history(store: &Store) -> DeliveryId {
    let mut first = run(0, 0, &scattered((0..2_500).map(|ordinal| (ordinal, New)), "first"));
    first.held = (0..2_500).filter(|ordinal| ordinal % 5 == 4).collect();
    store.commit_run(&first).await.unwrap();
    let kind = |ordinal: Ordinal| (ordinal, if ordinal % 5 == 1 { Gone } else { Changed });
    let second = (0..2_500).filter(|ordinal| matches!(ordinal % 5, 0 | 1) && ordinal % 3 > 0).map(kind);
    store.commit_run(&run(10, 1, &scattered(second, "second"))).await.unwrap();
    let kind = |ordinal: Ordinal| (ordinal, [Changed, Returned, Gone][(ordinal % 5) as usize]);
    let third = (0..2_500).filter(|ordinal| ordinal % 5 < 3).map(kind);
    let mut rows = scattered(third, "third");
    for of in ["third", "third too"] {
        rows.extend((2_500..2_600).map(|ordinal| (ordinal, New, text(ordinal, of))));
    }
    rows.rotate_left(150);
    let mut third = run(20, 2, &rows);
    let delivery = tell(&mut third, "soc");
    let held = first.held.iter().map(|ordinal| (ordinal, New));
    let mut seen = RoaringBitmap::new();
    third.deliveries[0].hits.extend(held);
    third.deliveries[0].hits.retain(|(ordinal, _)| seen.insert(*ordinal));
    store.commit_run(&third).await.unwrap();
    delivery
}

fn all(notice: &Notice) -> Vec<Hit> {
    notice.hits.iter().map(Result::unwrap).collect()
}

fn shorts(notice: &Notice) -> Vec<(String, HitKind, String, String, String)> {
    let of = |hit: &Hit| {
        let (id, kind, _, first, last) = short(hit);
        (id.to_string(), kind, hit.row.get().to_owned(), first.to_string(), last.to_string())
    };
    all(notice).iter().map(of).collect()
}

#[tokio::test]
async fn what_is_read_bit_by_bit_is_what_one_whole_read_gives() {
    let (folder, store) = fresh().await;
    let delivery = history(&store).await;
    let names = || std::fs::read_dir(folder.path()).unwrap().count();
    let before = names();
    let notice = store.notice(&delivery).await.unwrap();
    assert_eq!(names(), before, "what is put aside has no name");
    let told = {
        let mut read = store.read().await.unwrap();
        let row = sqlx::query("SELECT told FROM delivery").fetch_one(&mut *read).await.unwrap();
        super::super::pack::unpack_told(row.get("told")).unwrap()
    };
    let wanted = told.iter().map(|(ordinal, _)| *ordinal).collect();
    let mut read = store.read().await.unwrap();
    let mut rows = rows_as_of(&mut read, (1, 3), &wanted).await.unwrap();
    let mut expected = Vec::new();
    for (ordinal, kind) in &told {
        let mut stored = rows.remove(ordinal).unwrap();
        if *kind == Gone {
            stored.drain(..stored.len() - 1);
        }
        let first = at(if *ordinal < 2_500 { 0 } else { 20 });
        let last = match (kind, ordinal % 5, ordinal % 3) {
            // Held hits were never moved, and so was none of the others that the second run held.
            (New, 4, _) if *ordinal < 2_500 => at(0),
            (Gone, ..) => at(0),
            _ => at(20),
        };
        expected.extend(
            stored.into_iter().map(|row| {
                (row.hit.to_string(), *kind, row.text.get().to_owned(), first.to_string(), last.to_string())
            }),
        );
    }
    assert_eq!(expected.len(), 500 * 4 + 200);
    assert!(shorts(&notice) == expected);
    let counts = [New, Changed, Gone, Returned].map(|kind| notice.hits.count(kind));
    assert_eq!((counts, notice.hits.len()), ([700, 500, 500, 500], 2_200));
    assert_eq!(notice.hits.first().len(), 50);
}

#[tokio::test]
async fn a_repeat_is_the_same_to_the_letter_and_what_is_told_stands_still() {
    let (folder, store) = fresh().await;
    let delivery = history(&store).await;
    let notice = store.notice(&delivery).await.unwrap();
    let told = shorts(&notice);
    store.close().await.unwrap();
    let store = Store::open(&folder.path().join("huntd.db")).await.unwrap();
    let later = run(30, 3, &scattered((0..2_600).map(|ordinal| (ordinal, Changed)), "later"));
    store.commit_run(&later).await.unwrap();
    let again = store.notice(&delivery).await.unwrap();
    assert!(shorts(&again) == told);
    let mut write = store.begin().await.unwrap();
    sqlx::query("DELETE FROM block").execute(&mut write.conn).await.unwrap();
    write.end(Ok(())).await.unwrap();
    assert!(shorts(&again) == told && shorts(&notice) == told);
    let bare = store.notice(&delivery).await.unwrap();
    assert!(all(&bare).iter().all(|hit| hit.row.get() == no_row().get()));
    assert_eq!(bare.hits.len(), 2_100, "once each, as it isn't known how many rows they had");
}

/// All rows of a key, in their order, of the last run that had any: whatever stands between them.
#[tokio::test]
async fn last_rows_are_of_one_run_and_in_order() {
    let (_folder, store) = fresh().await;
    history(&store).await;
    let mut read = store.read().await.unwrap();
    let wanted: RoaringBitmap = (0..2_600).collect();
    let rows = last_rows(&mut read, 1, &wanted, i64::MAX).await.unwrap();
    let mut by_run = Vec::new();
    for seq in 1..=3 {
        let mut of_run = std::collections::HashMap::<Ordinal, Vec<String>>::new();
        let keep = |row: super::super::rows::StoredRow| {
            of_run.entry(row.record.ordinal).or_default().push(row.text.get().to_owned());
            ControlFlow::Continue(())
        };
        rows_of_run(&mut read, seq, None, keep).await.unwrap();
        by_run.push(of_run);
    }
    assert_eq!(rows.len(), 2_600);
    for (ordinal, rows) in rows {
        let texts: Vec<_> = rows.iter().map(|row| row.text.get().to_owned()).collect();
        assert_eq!(Some(&texts), by_run.iter().rev().find_map(|run| run.get(&ordinal)), "{ordinal}");
    }
}
