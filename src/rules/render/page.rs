//! An HTML page from a layout that is part of the program.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, context};
use serde::Serialize;

/// The layout of that name, which ends in `.html`, so that every value is escaped; `view` is its `mail`. The layouts are part of
/// the program and every test renders them; text without a layout is still better than none.
pub(super) fn page(name: &str, layout: &str, view: &impl Serialize, plain: impl FnOnce() -> String) -> String {
    let page = || {
        let mut environment = Environment::new();
        environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
        environment.add_template(name, layout)?;
        environment.get_template(name)?.render(context! { mail => Serde(view) })
    };
    page().unwrap_or_else(|_: minijinja::Error| {
        let escaped = plain().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        format!("<!doctype html><meta charset=\"utf-8\"><pre>{escaped}</pre>")
    })
}
