//! A notice as a mail: a subject, and the same content as text and as HTML.
//!
//! `view` decides what is shown, with all row text made visible and defanged; the two renderers
//! lay it out, and the HTML one escapes it.

mod html;
mod subject;
mod text;
mod trouble;
mod view;

pub use html::html;
pub use subject::subject;
pub use text::text;
pub use view::Attachment;
