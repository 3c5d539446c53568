//! `huntd demo`: what it needs is nothing.

use std::process::Command;

use crate::support::{binary, printed};

/// The demonstration with nothing of an environment but a folder for what is temporary.
fn demo(folder: &std::path::Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.arg("demo").args(arguments).env_clear().env("PATH", "/nonexistent").env("TMPDIR", folder).current_dir("/");
    command
}

#[test]
fn it_shows_three_runs_and_what_they_found() {
    let folder = tempfile::tempdir().unwrap();
    let shown = printed(&mut demo(folder.path(), &[])).expect(0);
    assert_eq!(shown.stderr, "");
    assert!(!shown.stdout.contains('\u{1b}'), "a pipe gets no colours");
    for line in ["18 rows came back: 17 new", "18 rows came back: 0 new", "New hits in the three runs: 17, 0, 9"] {
        assert!(shown.stdout.contains(line), "no `{line}` in:\n{}", shown.stdout);
    }
    let mails = shown.stdout.lines().find_map(|line| line.strip_prefix("The mails that huntd would have sent are in "));
    let mails = std::path::PathBuf::from(mails.unwrap().split_once(": .eml").unwrap().0);
    assert!(mails.starts_with(folder.path()), "{}", mails.display());
    let count = |ending: &str| {
        let files = std::fs::read_dir(&mails).unwrap().map(|file| file.unwrap().path());
        files.filter(|path| path.extension().is_some_and(|found| found == ending)).count()
    };
    assert_eq!((count("eml"), count("html")), (14, 14));
    let hits = std::fs::read_to_string(mails.with_file_name("hits.jsonl")).unwrap();
    assert_eq!(hits.lines().count(), 17 + 9);
    for hit in hits.lines() {
        serde_json::from_str::<serde_json::Value>(hit).unwrap();
    }
    // The command that it names at its end works.
    let ask = shown.stdout.lines().last().unwrap().split_once("huntd -c ").unwrap().1;
    let words: Vec<&str> = ask.split_whitespace().collect();
    let asked = printed(Command::new(binary()).arg("-c").args(words).arg("--json")).expect(0);
    assert!(asked.objects().len() >= 26, "{}", asked.stdout);
}

#[test]
fn its_json_is_runs_and_a_second_one_needs_another_folder() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let arguments = ["--json", "--out", out.to_str().unwrap()];
    let shown = printed(&mut demo(folder.path(), &arguments)).expect(0);
    let runs = shown.objects();
    assert_eq!(runs.len(), 3 * 8);
    assert!(runs.iter().all(|run| run["status"] == "ok"), "{runs:?}");
    assert_eq!(runs.iter().map(|run| run["new"].as_u64().unwrap()).sum::<u64>(), 26);
    let again = printed(&mut demo(folder.path(), &arguments)).expect(2);
    let folder = out.canonicalize().unwrap();
    assert_eq!(
        again.error(),
        format!(
            "{} holds an earlier demonstration, whose hits would not be new help: name another folder with `--out`, or remove that one",
            folder.display()
        )
    );
}
