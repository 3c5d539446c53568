use std::time::Duration;

use super::fixture::{at, empty, failed, fresh, hunt, tell, tenant, with_hits};
use crate::model::hit::HitKind;
use crate::model::id::ChannelName;
use crate::ports::store::error::StoreError;
use crate::rules::metrics::{OutboxFacts, TrackState};

#[tokio::test]
async fn each_hunt_on_each_tenant_is_told_as_it_stands() {
    let (_folder, store) = fresh().await;
    assert!(store.track_states().await.unwrap().is_empty());
    store.commit_run(&empty(0, 0)).await.unwrap();
    store.commit_run(&failed(10)).await.unwrap();
    let states = store.track_states().await.unwrap();
    let finished = Some(at(10).plus(Duration::from_secs(2)));
    let state = TrackState { watermark: Some(at(0)), failures_in_row: 1, finished };
    assert_eq!(states.into_iter().collect::<Vec<_>>(), [((hunt(), tenant()), state)]);
}

#[tokio::test]
async fn the_outbox_is_told_by_channel_and_state_without_what_was_sent() {
    let (_folder, store) = fresh().await;
    let mut first = with_hits(0, 0, &[(0, HitKind::New, "a")]);
    let (sent, given_up) = (tell(&mut first, "soc"), tell(&mut first, "chat"));
    store.commit_run(&first).await.unwrap();
    for minutes in 1..3 {
        let mut next = with_hits(
            minutes,
            u64::try_from(minutes).unwrap(),
            &[(u32::try_from(minutes).unwrap(), HitKind::New, "b")],
        );
        tell(&mut next, "soc");
        store.commit_run(&next).await.unwrap();
    }
    store.mark_sent(&sent, at(3)).await.unwrap();
    store.mark_failed(&given_up, "no").await.unwrap();
    let of = |channel: &str, state, count, minutes| OutboxFacts {
        channel: ChannelName::new(channel).unwrap(),
        state,
        count,
        oldest: at(minutes).plus(Duration::from_secs(2)),
    };
    assert_eq!(store.outbox_states().await.unwrap(), [of("chat", "failed", 1, 0), of("soc", "pending", 2, 1)]);
}

#[tokio::test]
async fn a_write_can_begin_unless_the_file_is_gone() {
    let (folder, store) = fresh().await;
    store.try_write().await.unwrap();
    store.commit_run(&empty(0, 0)).await.unwrap();
    store.try_write().await.unwrap();
    std::fs::remove_file(folder.path().join("huntd.db")).unwrap();
    assert!(matches!(store.try_write().await, Err(StoreError::Gone { .. })));
}
