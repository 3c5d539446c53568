//! Writes that must not fail because another process holds the database.

use std::time::Duration;

use crate::ports::clock::SharedClock;
use crate::ports::store::error::StoreError;

/// How often such a write is tried. The store itself waits half a minute each time, so it is longer than any
/// backup or `VACUUM` of a database that is in use should take.
const TRIES: u32 = 10;
/// The wait between two tries: others that wait for the same lock get their turn.
const PAUSE: Duration = Duration::from_secs(1);

/// Makes a write anew while another process holds the database for longer than the store waits.
///
/// For what follows an answer of the API: the answer is thrown away with the run when its write fails, and the run
/// that is made in its place costs another call. Every other error is handed back at once.
pub(super) async fn insist<T, F>(clock: &SharedClock, mut write: impl FnMut() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    for _ in 1..TRIES {
        match write().await {
            Err(error @ StoreError::Busy { .. }) => {
                let hint = error.hint();
                tracing::warn!(%error, hint, "what an answer brought can't be written yet");
            }
            done => return done,
        }
        clock.pass(PAUSE).await;
    }
    write().await
}
