//! The doing: HTTP, mail, files, secrets. Each adapter serves one port.

pub mod api;
pub mod channel;
pub mod checkout;
pub mod folder;
pub mod git;
pub mod heartbeat;
pub mod machine;
pub mod secret;
pub mod upstream;
pub mod watch;
