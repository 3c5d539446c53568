//! Channels over real sockets and real files.

#[path = "../support/mime.rs"]
mod mime;
#[path = "../support/notices.rs"]
mod notices;
#[path = "../support/smtp.rs"]
mod smtp;

mod contract;
mod email;
mod file;
mod log;
