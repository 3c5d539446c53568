//! Channels: one file or folder each, and one line each in [`build`].
//!
//! Every channel passes the contract test in `tests/channels`: it takes a hostile notice, tells what
//! went wrong without a secret, and makes a repeat recognisable. docs/channels.md is for users.

use std::sync::Arc;

use crate::model::config::ChannelKind;
use crate::model::id::ChannelName;
use crate::ports::channel::Channel;

pub mod email;
pub mod file;
pub mod log;

/// Why a channel can't be made of its settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("channel `{channel}`: {why}")]
pub struct ChannelBuildError {
    /// The channel.
    pub channel: ChannelName,
    /// What is wrong, and how to mend it.
    pub why: String,
}

/// Makes a channel. Connects to nothing, opens nothing, reads no secret: that is done on sending, so
/// that what is mended meanwhile counts at once.
pub fn build(name: ChannelName, kind: &ChannelKind) -> Result<Arc<dyn Channel>, ChannelBuildError> {
    Ok(match kind {
        ChannelKind::Email(settings) => Arc::new(email::Email::new(name, settings)?),
        ChannelKind::File(settings) => Arc::new(file::File::new(name, settings)),
        ChannelKind::Log => Arc::new(log::Log::new(name)),
    })
}
