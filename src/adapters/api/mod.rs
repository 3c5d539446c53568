//! The two dialects of the advanced hunting API over HTTP.
