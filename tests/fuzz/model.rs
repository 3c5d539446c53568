//! What the front end needs of the daemon's words.

#[path = "../../src/model/place.rs"]
pub mod place;
#[path = "../../src/model/time.rs"]
pub mod time;
