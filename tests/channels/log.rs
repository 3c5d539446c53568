//! The log channel.

use std::io;
use std::sync::{Arc, Mutex};

use huntd::adapters::channel::log::Log;
use huntd::model::trouble::News;
use huntd::ports::channel::{Channel, SendError};
use serde_json::Value;
use tracing_subscriber::fmt::MakeWriter;

use crate::notices;
use crate::sample;

/// A log that is kept in memory.
#[derive(Clone, Default)]
pub(crate) struct Kept(Arc<Mutex<Vec<u8>>>);

impl io::Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Kept {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Kept {
    /// What was logged.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

#[tokio::test]
async fn an_event_a_hit_with_fixed_fields() {
    let kept = Kept::default();
    let subscriber = tracing_subscriber::fmt().json().flatten_event(true).with_writer(kept.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let notice = notices::usual(1_003);
    Log::new(notices::channel("journal")).send(&notice).await.unwrap();
    let log = Log::new(notices::channel("journal"));
    for news in [News::Begins, News::Ends] {
        log.warn(&notice.delivery, &sample::warning(news)).await.unwrap();
    }
    drop(guard);
    let text = kept.text();
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.len(), 1_000 + 1 + 2);
    let first = &events[0];
    assert_eq!(first["target"], "huntd::hits");
    for (field, value) in
        [("hunt", "endpoint/encoded powershell"), ("tenant", "contoso"), ("kind", "new"), ("severity", "high")]
    {
        assert_eq!(first[field], value, "{field}");
    }
    assert_eq!(first["run"], notice.run.run.as_str());
    assert_eq!(first["hit"], notice.hits.first()[0].hit.to_string());
    let row: Value = serde_json::from_str(first["row"].as_str().unwrap()).unwrap();
    assert_eq!(row, serde_json::from_str::<Value>(notice.hits.first()[0].row.get()).unwrap());
    assert_eq!(events[1_000]["more"], 3);
    assert!(events[1_001]["error"].as_str().unwrap().contains("AADSTS7000222"));
    assert_eq!((&events[1_001]["level"], &events[1_002]["level"]), (&"ERROR".into(), &"INFO".into()));
}

#[tokio::test]
async fn hits_that_cannot_be_read_are_told_later_and_none_before() {
    let kept = Kept::default();
    let guard = tracing::subscriber::set_default(tracing_subscriber::fmt().with_writer(kept.clone()).finish());
    let log = Log::new(notices::channel("journal"));
    let sent = log.send(&notices::unreadable(1_500, 900)).await;
    assert_eq!(sent, Err(SendError::Later("the disk broke".to_owned())));
    assert_eq!(kept.text(), "");
    log.send(&notices::unreadable(1_500, 1_000)).await.unwrap();
    assert_eq!(kept.text().lines().count(), 1_001);
    drop(guard);
}

#[tokio::test]
async fn a_hostile_row_stays_on_its_line() {
    let kept = Kept::default();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(kept.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    Log::new(notices::channel("journal")).send(&notices::hostile()).await.unwrap();
    drop(guard);
    let text = kept.text();
    assert_eq!(text.lines().count(), 2);
    assert!(!text.replace('\n', "").contains(huntd::rules::render::visible::is_hidden));
    assert!(text.len() < 100_000, "a row of 10 MB is cut");
}
