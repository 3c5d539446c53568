use tokio::sync::mpsc;

use super::{Intake, IntakeError, IntakeJob, Outcome, take};
use crate::model::hit::{HitKind, Ordinal, RowBlock};
use crate::model::id::{HuntId, TenantName};
use crate::model::known::KnownHits;
use crate::model::row::{Column, ColumnType, RowChunk, Schema};
use crate::ports::api::AnswerPiece;
use crate::rules::block;
use crate::rules::diff::Scope;
use crate::rules::identity::IdentityRule;
use std::sync::Arc;

const COLUMNS: [(&str, &str); 5] = [
    ("Timestamp", "DateTime"),
    ("DeviceId", "String"),
    ("IsAdmin", "SByte"),
    ("ReportId", "Int64"),
    ("Detail", "Object"),
];

fn schema(columns: &[(&str, &str)]) -> Schema {
    let column = |(name, kind): &(&str, &str)| Column { name: (*name).to_owned(), kind: ColumnType::parse(kind) };
    Schema { columns: columns.iter().map(column).collect() }
}

fn columns() -> AnswerPiece {
    AnswerPiece::Schema(schema(&COLUMNS))
}

fn rows<T: AsRef<[u8]>>(rows: &[T]) -> AnswerPiece {
    let mut chunk = RowChunk::default();
    for row in rows {
        chunk.push(row.as_ref());
    }
    AnswerPiece::Rows(chunk)
}

fn job(rule: IdentityRule, known: &KnownHits) -> IntakeJob {
    IntakeJob {
        tenant: TenantName::new("contoso").unwrap(),
        hunt: HuntId::new("hunt").unwrap(),
        rule,
        secret: [7; 32],
        known: Arc::new(known.clone()),
        aside: None,
    }
}

fn by(key: &[&str], suppress_by: Option<&[&str]>) -> IdentityRule {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    IdentityRule { key: Some(names(key)), suppress_by: suppress_by.map(names), ..IdentityRule::default() }
}

/// A channel that already holds the whole answer.
fn sent(pieces: Vec<AnswerPiece>) -> mpsc::Receiver<AnswerPiece> {
    let (sender, receiver) = mpsc::channel(pieces.len().max(1));
    for piece in pieces {
        sender.try_send(piece).unwrap();
    }
    receiver
}

fn taken(rule: IdentityRule, known: &KnownHits, pieces: Vec<AnswerPiece>) -> Result<Intake, IntakeError> {
    take(job(rule, known), sent(pieces))
}

/// One run by the default rule, and what is known after it.
fn run(known: &mut KnownHits, pieces: Vec<AnswerPiece>) -> Outcome {
    let outcome = taken(IdentityRule::default(), known, pieces).unwrap().finish(Scope::Whole);
    known.apply_all(&outcome.deltas);
    outcome
}

fn error(pieces: Vec<AnswerPiece>) -> String {
    taken(IdentityRule::default(), &KnownHits::default(), pieces).unwrap_err().to_string()
}

fn counts(outcome: &Outcome) -> [u64; 5] {
    [outcome.rows, outcome.new, outcome.changed, outcome.gone, outcome.returned]
}

/// The rows that would be stored, with the places of their hits.
fn stored(outcome: &Outcome) -> Vec<(Ordinal, HitKind, String)> {
    let of = |block: &RowBlock| {
        let rows = block::unpack(&block.schema, block.records.len(), &block.body.bytes().unwrap()).unwrap();
        let texts: Vec<String> = rows.iter().collect();
        let records = block.records.iter().map(|record| (record.ordinal, record.kind));
        records.zip(texts).map(|((ordinal, kind), text)| (ordinal, kind, text)).collect::<Vec<_>>()
    };
    outcome.blocks.iter().flat_map(of).collect()
}

fn numbered(count: u32) -> Vec<String> {
    let row = |n| {
        format!(r#"{{"Timestamp":"2026-01-02T00:00:00Z","DeviceId":"d{n}","IsAdmin":1,"ReportId":{n},"Detail":null}}"#)
    };
    (0..count).map(row).collect()
}

/// The same three events, as the older API and as Graph tell them.
const OLDER: [&str; 3] = [
    r#"{"Timestamp":"2024-03-26T09:39:50Z","DeviceId":"d1","IsAdmin":true,"ReportId":9007199254740993,"Detail":{"when":"2024-03-26","list":[{"a":1}],"none":null}}"#,
    r#"{"Timestamp":"2024-03-26T09:39:50.5Z","DeviceId":"","IsAdmin":0,"ReportId":-1,"Detail":"{\"a\":[]}"}"#,
    r#"{"Timestamp":null,"DeviceId":"d3","IsAdmin":null,"ReportId":null,"Detail":null}"#,
];
const GRAPH: [&str; 3] = [
    r#"{"Timestamp":{},"DeviceId":"d3","IsAdmin":null,"ReportId":null,"Detail":{}}"#,
    r##"{"Timestamp":"2024-03-26T09:39:50.0000000Z","DeviceId":"d1","IsAdmin@odata.type":"#SByte","IsAdmin":1,"ReportId@odata.type":"#Int64","ReportId":9007199254740993,"Detail":{"@odata.type":"#microsoft.graph.security.dynamicColumnValue","list@odata.type":"#Collection(String)","list":["{\"a\":1}"],"none":null,"when":"2024-03-26T00:00:00.0000000Z"}}"##,
    r##"{"Timestamp":"2024-03-26T09:39:50.5000000Z","DeviceId":"","IsAdmin@odata.type":"#SByte","IsAdmin":0,"ReportId@odata.type":"#Int64","ReportId":-1,"Detail":{"@odata.type":"#microsoft.graph.security.dynamicColumnValue","a@odata.type":"#Collection(String)","a":[]}}"##,
];

#[test]
fn the_other_dialect_tells_nothing_new() {
    for (one, two) in [(OLDER, GRAPH), (GRAPH, OLDER)] {
        let mut known = KnownHits::default();
        assert_eq!(counts(&run(&mut known, vec![columns(), rows(&one)])), [3, 3, 0, 0, 0]);
        let again = run(&mut known, vec![columns(), rows(&two)]);
        assert_eq!(counts(&again), [3, 0, 0, 0, 0]);
        // Nothing moved but the bytes by which the rows are known unread; those of the last result from now on.
        assert!(again.deltas.iter().all(|step| step.kind.is_none()));
        assert_eq!((again.deltas.len(), again.blocks.len(), again.candidates.len(), again.members.len()), (3, 0, 0, 3));
        assert_eq!(run(&mut known, vec![columns(), rows(&two)]).deltas.len(), 0);
        let near = two.map(|row| row.replace("9007199254740993", "9007199254740992"));
        assert_eq!(counts(&run(&mut known, vec![columns(), rows(&near)])), [3, 1, 0, 1, 0]);
    }
}

#[test]
fn the_schema_may_come_anywhere_and_twice() {
    let [a, b, c] = OLDER.map(|row| rows(&[row]));
    let orders = [
        vec![columns(), a.clone(), b.clone(), c.clone()],
        vec![a.clone(), columns(), b.clone(), c.clone()],
        vec![a.clone(), b.clone(), columns(), columns(), c.clone()],
        vec![a, b, c, columns()],
    ];
    let outcomes = orders.map(|pieces| run(&mut KnownHits::default(), pieces));
    for outcome in &outcomes {
        assert_eq!(counts(outcome), [3, 3, 0, 0, 0]);
        assert_eq!(outcome.deltas, outcomes[0].deltas);
        assert_eq!(stored(outcome), stored(&outcomes[0]));
        assert_eq!(outcome.schema, Some(Arc::new(schema(&COLUMNS))));
    }
}

#[test]
fn an_answer_without_rows_is_sound() {
    let mut known = KnownHits::default();
    assert_eq!(counts(&run(&mut known, vec![])), [0; 5]);
    run(&mut known, vec![columns(), rows(&OLDER)]);
    let empty = run(&mut known, vec![columns()]);
    assert_eq!((counts(&empty), empty.members.len(), empty.known_after), ([0, 0, 0, 3, 0], 0, 3));
    assert_eq!(counts(&run(&mut known, vec![columns(), rows(&GRAPH)])), [3, 0, 0, 0, 3]);
}

#[test]
fn what_cant_be_believed_is_refused_and_says_why() {
    let cases: [(Vec<AnswerPiece>, &str); 6] = [
        (vec![rows(&OLDER)], "the answer has rows and no schema"),
        (vec![columns(), AnswerPiece::Schema(schema(&COLUMNS[..3]))], "the answer has two schemas that differ"),
        (
            vec![columns(), rows(&OLDER), rows(&["{}", "[1]"])],
            "row 5 of the answer can't be read: it is no JSON object",
        ),
        (
            vec![rows(&["{}", r#"{"DeviceId":1,"DeviceId":2}"#]), columns()],
            "row 2 of the answer can't be read: it has the column `DeviceId` twice",
        ),
        (
            vec![AnswerPiece::Schema(Schema::default()), rows(&["{}"])],
            "row 1 of the answer can't be read: the answer's schema names no column",
        ),
        (
            vec![columns(), rows(&[b"{\"DeviceId\":\"\xff\"}".as_slice()])],
            "row 1 of the answer can't be read: it is no JSON",
        ),
    ];
    for (pieces, want) in cases {
        let told = error(pieces);
        assert!(told.starts_with(want), "{told}");
    }
}

#[test]
fn a_key_that_the_result_lacks_is_the_hunts_fault() {
    let error = taken(by(&["ReportID ", "DeviceId"], None), &KnownHits::default(), vec![columns()]).unwrap_err();
    assert!(matches!(error, IntakeError::Identity(_)));
    assert_eq!(error.to_string(), "the result has no column `ReportID `, which `key` names; did you mean `ReportId`?");
    assert!(taken(by(&["reportid"], None), &KnownHits::default(), vec![columns()]).is_ok());
}

#[test]
fn odd_texts_are_kept_as_they_came() {
    let huge = "x".repeat(10 << 20);
    let odd = ["\\u0000", "a\\u0000b", "\\ud800", "\\ud800\\ud800", "\\udfff", "\\ufffd", "", " ", huge.as_str()];
    let texts = odd.map(|text| {
        format!(r#"{{"Timestamp":null,"DeviceId":"{text}","IsAdmin":null,"ReportId":null,"Detail":null}}"#)
    });
    let mut known = KnownHits::default();
    let first = run(&mut known, vec![columns(), rows(&texts)]);
    assert_eq!(counts(&first), [9, 9, 0, 0, 0]);
    for (n, (ordinal, kind, text)) in stored(&first).into_iter().enumerate() {
        assert_eq!((ordinal as usize, kind), (n, HitKind::New));
        assert!(text == texts[n], "row {n}");
    }
    assert_eq!(counts(&run(&mut known, vec![columns(), rows(&texts)])), [9, 0, 0, 0, 0]);
}

#[test]
fn many_rows_come_back_byte_for_byte_and_unchanged_ones_leave_nothing() {
    let mut many = numbered(20_000);
    let mut known = KnownHits::default();
    let pieces = |many: &[String]| [vec![columns()], many.chunks(700).map(rows).collect()].concat();
    let first = run(&mut known, pieces(&many));
    assert_eq!(counts(&first), [20_000, 20_000, 0, 0, 0]);
    assert_eq!((first.blocks.len(), first.candidates.len(), first.members.len()), (20, 20_000, 20_000));
    let texts: Vec<String> = stored(&first).into_iter().map(|(_, _, text)| text).collect();
    assert!(texts == many);
    many.reverse();
    let again = run(&mut known, pieces(&many));
    assert_eq!(counts(&again), [20_000, 0, 0, 0, 0]);
    assert_eq!((again.deltas.len(), again.blocks.len(), again.candidates.len()), (0, 0, 0));
    assert_eq!((again.members, again.known_after), (first.members, 20_000));
}

#[test]
fn candidates_are_what_is_said_and_rows_are_what_is_new() {
    let rule = || by(&["DeviceId"], None);
    let row = |device: &str, report: u32| format!(r#"{{"DeviceId":"{device}","ReportId":{report}}}"#);
    let mut known = KnownHits::default();
    let before = [row("same", 1), row("changes", 1), row("goes", 1), row("loses", 1), row("loses", 2)];
    let outcome = taken(rule(), &known, vec![columns(), rows(&before)]).unwrap().finish(Scope::Whole);
    known.apply_all(&outcome.deltas);
    assert_eq!((counts(&outcome), outcome.candidates.len(), stored(&outcome).len()), ([5, 4, 0, 0, 0], 4, 5));

    let now = [row("new", 1), row("loses", 2), row("changes", 2), row("same", 1), row("same", 1), row("new", 2)];
    let outcome = taken(rule(), &known, vec![columns(), rows(&now)]).unwrap().finish(Scope::Whole);
    assert_eq!(counts(&outcome), [6, 1, 2, 1, 0]);
    let said: Vec<_> = outcome.candidates.iter().map(|candidate| (candidate.ordinal, candidate.kind)).collect();
    let want = [(1, HitKind::Changed), (2, HitKind::Gone), (3, HitKind::Changed), (4, HitKind::New)];
    assert_eq!(said, want);
    assert!(outcome.candidates.iter().all(|candidate| candidate.group.is_none()));
    let kept: Vec<_> = stored(&outcome).into_iter().map(|(ordinal, kind, _)| (ordinal, kind)).collect();
    assert_eq!(kept, [(4, HitKind::New), (1, HitKind::Changed), (4, HitKind::New)]);
    assert_eq!(outcome.members.iter().collect::<Vec<_>>(), [0, 1, 3, 4]);
}

#[test]
fn a_hit_is_in_one_group_of_suppression_or_in_none() {
    let row = |device: &str, report: u32| format!(r#"{{"DeviceId":"{device}","ReportId":{report}}}"#);
    let groups = |suppress: Option<&[&str]>| {
        let all = [row("a", 1), row("b", 1), row("c", 2), row("d", 1), row("d", 2), row("d", 1), row("d", 3)];
        let intake = taken(by(&["DeviceId"], suppress), &KnownHits::default(), vec![columns(), rows(&all)]).unwrap();
        let candidates = intake.finish(Scope::Whole).candidates;
        let [a, b, c, d] = candidates[..] else { panic!("{candidates:?}") };
        [a.group, b.group, c.group, d.group]
    };
    let [a, b, c, d] = groups(Some(&["reportid"]));
    assert!(a.is_some() && a == b && c.is_some() && a != c);
    assert_eq!(d, None, "the row of another group may be the one that matters");
    assert_eq!(groups(None), [None; 4]);
    assert_eq!(groups(Some(&[])), [None; 4], "a hunt that is suppressed as a whole has no group a row");
    let error = taken(by(&["DeviceId"], Some(&["Report"])), &KnownHits::default(), vec![columns()]).unwrap_err();
    assert!(error.to_string().contains("which `suppress.by` names"), "{error}");
}

#[test]
fn several_answers_are_one_result_and_a_broken_one_is_undone() {
    let known = KnownHits::default();
    let first = taken(IdentityRule::default(), &known, vec![columns(), rows(&OLDER[..2])]).unwrap();
    let spare = first.clone();
    assert!(first.more(sent(vec![columns(), rows(&["{}", "nonsense"])])).is_err());
    assert_eq!(spare.rows(), 2);
    let both = spare.more(sent(vec![columns(), rows(&OLDER[1..])])).unwrap().finish(Scope::Whole);
    assert_eq!(counts(&both), [4, 3, 0, 0, 0]);
    let at_once = run(&mut KnownHits::default(), vec![columns(), rows(&OLDER)]);
    assert_eq!((both.deltas, both.members), (at_once.deltas.clone(), at_once.members.clone()));
    assert!(both.blocks.len() == 2 && both.schema == at_once.schema);
}

#[test]
fn only_what_is_new_says_how_late_it_arrived() {
    let columns = || AnswerPiece::Schema(schema(&[("Timestamp", "DateTime"), ("N", "Int64"), ("In", "DateTime")]));
    let row = |n: u32, arrived: &str| {
        format!(r#"{{"Timestamp":"2026-01-02T12:00:00Z","N":{n},"In":"2026-01-02T{arrived}Z"}}"#)
    };
    let rule = || IdentityRule { arrival: Some(("Timestamp".to_owned(), "In".to_owned())), ..by(&["N"], None) };
    let measured = |outcome: &Outcome| {
        let counts = outcome.lateness.counts().iter().enumerate().filter(|(_, count)| **count > 0);
        counts.map(|(bucket, count)| (bucket, *count)).collect::<Vec<_>>()
    };
    let mut known = KnownHits::default();
    let first = [row(1, "12:00:05"), row(2, "12:10:00"), row(2, "12:10:00"), row(3, "11:00:00")];
    let intake = taken(rule(), &known, vec![columns(), rows(&first)]).unwrap();
    // A further answer of the same result brings the same rows once more.
    let outcome = intake.more(sent(vec![columns(), rows(&first)])).unwrap().finish(Scope::Whole);
    assert_eq!(measured(&outcome), [(0, 2), (2, 1)]);
    known.apply_all(&outcome.deltas);
    let second = [row(1, "12:00:05"), row(2, "20:00:00"), row(4, "13:30:00")];
    let outcome = taken(rule(), &known, vec![columns(), rows(&second)]).unwrap().finish(Scope::Adds);
    assert_eq!((counts(&outcome), measured(&outcome)), ([3, 1, 1, 0, 0], vec![(5, 1)]));
    let unasked = taken(by(&["N"], None), &KnownHits::default(), vec![columns(), rows(&first)]).unwrap();
    assert!(unasked.finish(Scope::Whole).lateness.is_empty());
}

#[test]
fn a_cut_result_takes_nothing_away() {
    let mut known = KnownHits::default();
    run(&mut known, vec![columns(), rows(&OLDER)]);
    let cut = taken(IdentityRule::default(), &known, vec![columns(), rows(&GRAPH[..1])]).unwrap();
    assert_eq!(counts(&cut.clone().finish(Scope::Adds)), [1, 0, 0, 0, 0]);
    assert_eq!(counts(&cut.finish(Scope::Whole)), [1, 0, 0, 2, 0]);
}
