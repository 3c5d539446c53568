//! The HTML form.

use crate::model::delivery::Notice;

use super::super::page::page;
use super::text::text;
use super::view::{Attachment, View};

/// The layout; its ending makes minijinja escape every value.
const NAME: &str = "mail.html";
const TEMPLATE: &str = include_str!("mail.html");

/// The notice as one HTML page: tables and inline styles for old mail programs, light and dark,
/// narrow and wide, no script, no image, no font, and no address that comes from a row.
#[must_use]
pub fn html(notice: &Notice, attachment: Attachment) -> String {
    page(NAME, TEMPLATE, &View::of(notice, attachment), || text(notice, attachment))
}

#[cfg(test)]
mod tests {
    use super::super::super::samples;
    use super::super::super::visible::is_hidden;
    use super::*;

    #[test]
    fn hostile_rows_stay_data() {
        let page = html(&samples::notice(&[samples::HOSTILE]), Attachment::Csv);
        assert!(page.contains("<title>"), "the layout was rendered, not the fallback");
        for bad in ["<script", "<img", "http://", "onerror", "{{", "{%", "49"] {
            let allowed = page.matches(bad).count();
            let own = html(&samples::notice(&["{}"]), Attachment::Csv).matches(bad).count();
            let escaped_only = usize::from(bad.starts_with('{'));
            assert!(allowed <= own + escaped_only, "{bad} in {page}");
        }
        assert!(page.contains("{{ 7 * 7 }}"), "a template in a row is text");
        assert!(!page.replace('\n', "").contains(is_hidden));
    }

    #[test]
    fn a_full_mail_is_not_clipped() {
        let column = |at: usize| format!("\"Column{at}\":\"{}\"", "x".repeat(300));
        let wide = format!("{{{}}}", (0..60).map(column).collect::<Vec<_>>().join(","));
        let page = html(&samples::notice(&[wide.as_str(); 40]), Attachment::Csv);
        assert!(page.len() < 100_000, "{}", page.len());
    }
}
