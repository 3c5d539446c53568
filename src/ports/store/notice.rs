//! What a channel is given: a delivery with all that it tells.

use std::sync::Arc;

use sqlx::sqlite::SqliteConnection;

use super::coverage;
use super::database::Store;
use super::error::StoreError;
use super::fault::{Fault, unsigned};
use super::pack::unpack_told;
use super::runs::{RUN_BY_SEQ, name_fault, run_of};
use super::told::{self, Said};
use crate::model::delivery::{About, Notice, NoticeHunt};
use crate::model::hit::Aside;
use crate::model::id::{ChannelName, DeliveryId};

pub(super) const LOAD_DELIVERY: &str = "SELECT run.seq, run.track, attempts, told, notice, channel \
     FROM delivery JOIN run ON run.seq = delivery.run JOIN hunt_version USING (version) WHERE delivery = ?1";

impl Store {
    /// The notice of a claimed delivery: hits in the order in which they are to be told, each with its
    /// last stored row as of that run, whatever runs came after. A hit whose key several rows of
    /// that run bear comes with each of them. `last_seen` is as of that run too, so that a repeat is
    /// the same to the letter. What is told stands still from here on, whatever becomes of the database.
    pub async fn notice(&self, delivery: &DeliveryId) -> Result<Notice, StoreError> {
        let mut read = self.read().await?;
        self.told(build(&mut read, delivery, self.aside()).await)
    }
}

async fn build(conn: &mut SqliteConnection, delivery: &DeliveryId, aside: Arc<dyn Aside>) -> Result<Notice, Fault> {
    let found: Option<(i64, i64, i64, Vec<u8>, String, String)> =
        sqlx::query_as(LOAD_DELIVERY).bind(delivery.as_str()).fetch_optional(&mut *conn).await?;
    let (seq, track, attempts, told, hunt, channel) = found.ok_or(Fault::Misuse("there is no such delivery"))?;
    let hunt: NoticeHunt =
        serde_json::from_str(&hunt).map_err(|error| Fault::Bad(format!("a stored hunt has a fault: {error}")))?;
    let run = run_of(&sqlx::query(RUN_BY_SEQ).bind(seq).fetch_one(&mut *conn).await?)?;
    let said = Said { run: &run, severity: hunt.severity, track, seq };
    let hits = told::gather(conn, &said, &unpack_told(&told)?, aside).await?;
    // The claim has counted the attempt that this notice is for.
    let attempts = unsigned::<u32>(attempts)?.saturating_sub(1);
    let about = About::of(delivery, &run.run, &ChannelName::new(channel).map_err(name_fault)?);
    let mut losses = Vec::new();
    if about == About::Loss {
        let told = coverage::load(&mut *conn, track, None).await?;
        losses.extend(told.stretches().iter().filter(|stretch| stretch.told.as_ref() == Some(&run.run)).cloned());
    }
    Ok(Notice { delivery: delivery.clone(), attempts, hunt, run, about, hits, losses })
}
