//! Whether a call may go out now, and what a 429 says.
