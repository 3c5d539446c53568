//! A channel that is down, or hangs, or is killed between the taking of a notice and the answer.

use std::sync::Arc;

use huntd::model::delivery::Notice;
use huntd::model::id::{ChannelName, DeliveryId};
use huntd::model::trouble::Warning;
use huntd::ports::channel::{Channel, SendError};

use crate::faults::Deaf;
use crate::scale::MINUTE;
use crate::world::{Told, World};

pub(crate) const CHANNELS: [&str; 3] = ["soc", "hits", "chat"];

/// A channel that people read.
pub(crate) struct Ear {
    name: ChannelName,
    short: &'static str,
    world: Arc<World>,
}

impl Ear {
    pub(crate) fn new(short: &'static str, world: &Arc<World>) -> Arc<Self> {
        Arc::new(Self { name: ChannelName::new(short).unwrap(), short, world: Arc::clone(world) })
    }

    fn take(&self, notice: &Notice) {
        let at = self.world.clocks.true_now();
        let event = |row: &str| {
            let row: serde_json::Value = serde_json::from_str(row).unwrap();
            row["EventId"].as_str().unwrap().trim_start_matches('e').parse().unwrap()
        };
        let mut events: Vec<u64> = notice.hits.iter().map(|hit| event(hit.unwrap().row.get())).collect();
        events.sort_unstable();
        let hunt = notice.hunt.id.trim_start_matches('h').parse().unwrap();
        let mut seen = self.world.seen();
        let text = format!("{} takes h{hunt:03} {events:?}, attempt {}", self.short, notice.attempts);
        seen.story.say(at, &text);
        seen.told.push(Told { at, channel: self.short, delivery: notice.delivery.to_string(), hunt, events });
    }
}

#[async_trait::async_trait]
impl Channel for Ear {
    fn name(&self) -> &ChannelName {
        &self.name
    }

    async fn send(&self, notice: &Notice) -> Result<(), SendError> {
        let clocks = &self.world.clocks;
        clocks.gate(clocks.true_now()).await;
        let mut dice = self.world.dice_of_notice();
        let later = |why: &str| Err(SendError::Later(why.to_owned()));
        match self.world.faults.deaf(self.short, clocks.true_now()) {
            Some(Deaf::Refuses) => return later("the server is down"),
            Some(Deaf::Hangs) => {
                let taken = dice.chance(0.3);
                if taken {
                    self.take(notice);
                }
                clocks.gate(clocks.true_now().plus(dice.span(MINUTE, MINUTE * 4))).await;
                return later("no answer in time");
            }
            None => {}
        }
        self.take(notice);
        clocks.gate(clocks.true_now()).await;
        Ok(())
    }

    async fn warn(&self, _delivery: &DeliveryId, _warning: &Warning) -> Result<(), SendError> {
        Ok(())
    }
}
