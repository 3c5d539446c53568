//! The queries of the project itself.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// The queries of its hunts, of the hunts that its tests load, and of the hunts in its documentation.
pub(crate) fn queries() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for folder in ["hunts", "tests/fixtures/hunts/sound"] {
        for file in walkdir::WalkDir::new(root.join(folder)).sort_by_file_name() {
            let file = file.unwrap();
            if file.path().extension().is_some_and(|end| end == "yaml" || end == "yml") {
                of_yaml(&fs::read_to_string(file.path()).unwrap(), &mut found);
            }
        }
    }
    let mut pages = vec![root.join("README.md")];
    pages.extend(fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path()));
    pages.sort_unstable();
    for page in pages.iter().filter(|page| page.extension().is_some_and(|end| end == "md")) {
        let text = fs::read_to_string(page).unwrap();
        for fence in text.split("\n```yaml\n").skip(1) {
            of_yaml(fence.split("\n```").next().unwrap_or_default(), &mut found);
        }
    }
    found
}

/// The queries of YAML documents; what can't be read has none.
fn of_yaml(text: &str, found: &mut Vec<String>) {
    for document in serde_saphyr::from_multiple::<Value>(text.trim_start_matches('\u{feff}')).unwrap_or_default() {
        if let Some(query) = document["query"].as_str() {
            found.push(query.to_owned());
        }
    }
}
