//! Every hunt's query, held to a window, counted and cut in parts, is accepted as it was before.

use std::path::Path;

use huntd::adapters::folder;
use huntd::model::time::{Timestamp, Window, Zone};
use huntd::rules::config;
use huntd::rules::definition;
use huntd::rules::kql::analyse::analyse;
use huntd::rules::kql::bounds::{counted, part, within};
use huntd::rules::kql::schema::Schema;

#[test]
fn hunts_keep_their_meaning_within_bounds() {
    let schema = Schema::defender();
    let window = Window { from: Timestamp::from_seconds(1_700_000_000), to: Timestamp::from_seconds(1_700_003_600) };
    let (mut all, mut held) = (0, 0);
    for folder in ["hunts", "tests/fixtures/hunts/sound", "tests/fixtures/hunts/broken"] {
        let files = folder::read(Path::new(folder)).files;
        for hunt in definition::load(&files, &config::default_hunt_defaults(), Zone::UTC).hunts {
            let (id, query) = (&hunt.id, &hunt.query);
            let before = analyse(query, schema);
            if !before.is_understood() {
                continue;
            }
            all += 1;
            let errors = |text: &str| analyse(text, schema).problems.len();
            let ended = counted(query, &before.query).zip(part(query, &before.query, 0, 4));
            let (count, fourth) = ended.unwrap_or_else(|| panic!("{id}: {query}"));
            assert_eq!(errors(&count), before.problems.len(), "{id}: {count}");
            assert_eq!(errors(&fourth), before.problems.len(), "{id}: {fourth}");
            if let Some(bounded) = within(query, &before.query, schema, window) {
                held += 1;
                let after = analyse(&bounded, schema);
                assert_eq!(after.problems.len(), before.problems.len(), "{id}: {bounded}");
                assert_eq!(after.columns, before.columns, "{id}: {bounded}");
                assert_eq!(after.facts.row_wise, before.facts.row_wise, "{id}: {bounded}");
            }
        }
    }
    assert!(all > 20 && held > 15, "{held} of {all}");
}
