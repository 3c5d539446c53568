//! A way to tell people, or other programs, of hits, and of huntd's own trouble.

use crate::model::delivery::Notice;
use crate::model::id::{ChannelName, DeliveryId};
use crate::model::trouble::Warning;

/// Why a notice wasn't taken. The text is for people, and holds no secret and no control character.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// It may go through later: the server is down, is slow, is full, says 4xx.
    #[error("{0}")]
    Later(String),
    /// It never will: the server refuses the message or the recipient for good.
    #[error("{0}")]
    Never(String),
}

/// A channel. Told at least once: after a crash between the send and its mark, the same notice
/// comes again with `attempts` above zero and the same delivery id.
#[async_trait::async_trait]
pub trait Channel: Send + Sync {
    /// Its name in the config.
    fn name(&self) -> &ChannelName;

    /// Sends one notice, and returns once the other side has taken it for good. Ends by itself
    /// within a few minutes whatever the other side does.
    async fn send(&self, notice: &Notice) -> Result<(), SendError>;

    /// Sends one warning, under the same promises.
    async fn warn(&self, delivery: &DeliveryId, warning: &Warning) -> Result<(), SendError>;
}
