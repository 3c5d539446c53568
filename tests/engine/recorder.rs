//! A channel that keeps what it is given, and misbehaves as told.

use std::sync::{Arc, Mutex};

use huntd::model::delivery::Notice;
use huntd::model::id::{ChannelName, DeliveryId};
use huntd::model::trouble::Warning;
use huntd::ports::channel::{Channel, SendError};
use tokio::sync::{Semaphore, watch};

use crate::clock::within;

/// What it does with a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Takes,
    Later,
    Never,
    Panics,
    /// Takes it, and then doesn't come back.
    TakesAndHangs,
    /// Panics at the first notice that it ever sees, and takes all others.
    PanicsAtOne,
}

pub(crate) struct Recorder {
    name: ChannelName,
    mood: Mutex<Mood>,
    got: Mutex<Vec<Notice>>,
    warned: Mutex<Vec<Warning>>,
    poison: Mutex<Option<String>>,
    /// How many notices it was shown.
    pub(crate) shown: watch::Sender<usize>,
}

impl Recorder {
    pub(crate) fn new(name: &str) -> Arc<Self> {
        Arc::new(Self {
            name: ChannelName::new(name).unwrap(),
            mood: Mutex::new(Mood::Takes),
            got: Mutex::default(),
            warned: Mutex::default(),
            poison: Mutex::default(),
            shown: watch::Sender::new(0),
        })
    }

    pub(crate) fn turn(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// What it took, in order.
    pub(crate) fn got(&self) -> Vec<Notice> {
        self.got.lock().unwrap().clone()
    }

    /// The warnings that it took, in order.
    pub(crate) fn warned(&self) -> Vec<Warning> {
        self.warned.lock().unwrap().clone()
    }

    /// The `N` of each hit that it took, in order.
    pub(crate) fn numbers(&self) -> Vec<i64> {
        let number = |row: &str| serde_json::from_str::<serde_json::Value>(row).unwrap()["N"].as_i64().unwrap();
        self.got().iter().flat_map(|notice| notice.hits.iter().map(|hit| number(hit.unwrap().row.get()))).collect()
    }

    pub(crate) async fn shown(&self, many: usize) {
        within(self.shown.subscribe().wait_for(|count| *count >= many)).await.unwrap();
    }
}

#[async_trait::async_trait]
impl Channel for Recorder {
    fn name(&self) -> &ChannelName {
        &self.name
    }

    async fn send(&self, notice: &Notice) -> Result<(), SendError> {
        self.shown.send_modify(|count| *count += 1);
        let mood = *self.mood.lock().unwrap();
        match mood {
            Mood::Takes => {}
            Mood::Later => return Err(SendError::Later("the server is down".to_owned())),
            Mood::Never => return Err(SendError::Never("no such mailbox".to_owned())),
            Mood::Panics => panic!("on purpose"),
            Mood::PanicsAtOne => {
                let poison = self.poison.lock().unwrap().get_or_insert_with(|| notice.delivery.to_string()).clone();
                assert_ne!(poison, notice.delivery.to_string(), "on purpose");
            }
            Mood::TakesAndHangs => {
                self.got.lock().unwrap().push(notice.clone());
                let never = Semaphore::new(0);
                let _permit = never.acquire().await.unwrap();
            }
        }
        self.got.lock().unwrap().push(notice.clone());
        Ok(())
    }

    async fn warn(&self, _delivery: &DeliveryId, warning: &Warning) -> Result<(), SendError> {
        match *self.mood.lock().unwrap() {
            Mood::Later => Err(SendError::Later("the server is down".to_owned())),
            Mood::Never => Err(SendError::Never("no such mailbox".to_owned())),
            _ => {
                self.warned.lock().unwrap().push(warning.clone());
                Ok(())
            }
        }
    }
}
