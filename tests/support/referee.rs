//! The referee: what there was, what was stored, and what was told, held against each other.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::mime::Part;
use crate::stage::Stage;

/// All that can be known of a stream after it ended.
pub(crate) struct Told {
    /// Events that happened.
    events: BTreeSet<String>,
    /// Events by hit id, as the store lists them as new.
    stored: Vec<(String, String)>,
    /// Hit id and delivery of each line of the file.
    lines: Vec<(String, String)>,
    /// Message-ID and hit ids of each mail.
    mails: Vec<(String, Vec<String>)>,
}

impl Told {
    /// Gathers it.
    pub(crate) fn of(stage: &Stage) -> Self {
        let new = stage.site.huntd(&["--json", "hits", "--kind", "new"]).expect(0);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let stored = new.objects().iter().map(|hit| (text(&hit["row"]["EventId"]), text(&hit["hit"]))).collect();
        let file = std::fs::read_to_string(stage.site.file("hits.jsonl")).unwrap();
        let line = |line: &str| {
            let hit: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            (text(&hit["hit"]), text(&hit["delivery"]))
        };
        Self {
            events: stage.event_ids().into_iter().collect(),
            stored,
            lines: file.lines().map(line).collect(),
            mails: stage.mail.mails().iter().map(|mail| read_mail(&mail.data)).collect(),
        }
    }

    /// How many events there were.
    pub(crate) fn events(&self) -> usize {
        self.events.len()
    }

    /// How many mails came.
    pub(crate) fn mails(&self) -> usize {
        self.mails.len()
    }

    /// How many of them had come before.
    pub(crate) fn repeats(&self) -> usize {
        let distinct: BTreeSet<&String> = self.mails.iter().map(|(id, _)| id).collect();
        self.mails.len() - distinct.len()
    }

    /// The store has each event once, and none that never happened.
    pub(crate) fn each_is_stored_once(&self) {
        let mut stored: Vec<&String> = self.stored.iter().map(|(event, _)| event).collect();
        stored.sort();
        assert_eq!(stored, self.events.iter().collect::<Vec<_>>());
        let ids: BTreeSet<&String> = self.stored.iter().map(|(_, hit)| hit).collect();
        assert_eq!(ids.len(), self.stored.len(), "two events share a hit id");
    }

    /// Each stored hit stands in the file and in a mail, and nothing else does.
    pub(crate) fn each_is_told(&self) {
        let stored: BTreeSet<&String> = self.stored.iter().map(|(_, hit)| hit).collect();
        assert_eq!(self.lines.iter().map(|(hit, _)| hit).collect::<BTreeSet<_>>(), stored, "the file");
        assert_eq!(self.mails.iter().flat_map(|(_, hits)| hits).collect::<BTreeSet<_>>(), stored, "the mails");
    }

    /// Nothing was told a second time.
    pub(crate) fn none_is_told_twice(&self) {
        assert_eq!(self.lines.len(), self.stored.len(), "lines of the file");
        assert_eq!(self.mails.iter().map(|(_, hits)| hits.len()).sum::<usize>(), self.stored.len(), "hits in mails");
    }

    /// A hit that was told again was told by the same delivery: the same Message-ID.
    pub(crate) fn repeats_are_recognisable(&self) {
        let mut by_hit: BTreeMap<&String, BTreeSet<&String>> = BTreeMap::new();
        for (message, hits) in &self.mails {
            for hit in hits {
                by_hit.entry(hit).or_default().insert(message);
            }
        }
        let twice: Vec<_> = by_hit.iter().filter(|(_, messages)| messages.len() > 1).collect();
        assert!(twice.is_empty(), "told by two mails: {twice:?}");
        let mut deliveries: BTreeMap<&String, BTreeSet<&String>> = BTreeMap::new();
        for (hit, delivery) in &self.lines {
            deliveries.entry(hit).or_default().insert(delivery);
        }
        assert!(deliveries.values().all(|ids| ids.len() == 1), "a line of another delivery");
    }
}

/// A mail's Message-ID, and the hits of its CSV.
fn read_mail(data: &str) -> (String, Vec<String>) {
    let mail = Part::parse(data);
    let leaves = mail.leaves();
    let csv = leaves.iter().find(|part| part.header("content-type").is_some_and(|kind| kind.starts_with("text/csv")));
    let csv = csv.expect("a mail with a CSV").text();
    let rows = csv.lines().skip(1).filter(|row| !row.is_empty());
    let hits = rows.map(|row| row.split(',').next().unwrap().trim_matches('"').to_owned()).collect();
    (mail.header("message-id").unwrap().to_owned(), hits)
}
