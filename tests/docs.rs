//! Holds the documentation to the code: links and paths exist, examples load, the demonstration's
//! output is what it prints, and every code and every verb has its line.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use huntd::model::place::{Finding, Level};
use huntd::model::time::{Timestamp, Zone};
use huntd::model::trouble::TroubleKind;
use huntd::rules::check::codes;
use huntd::rules::config;
use huntd::rules::definition::{self, HuntFile};
use huntd::rules::kql::analyse::analyse;
use huntd::rules::kql::asof::as_of;
use huntd::rules::kql::schema::Schema;

fn huntd(arguments: &[&str]) -> String {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("huntd"));
    let output = command.args(arguments).env_remove("HUNTD_CONFIG").env("NO_COLOR", "1").output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// README.md and docs/*.md.
fn pages() -> Vec<PathBuf> {
    let mut pages: Vec<PathBuf> = fs::read_dir("docs").unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.retain(|page| page.extension().is_some_and(|end| end == "md"));
    pages.push(PathBuf::from("README.md"));
    pages.sort();
    pages
}

/// The text without its fenced blocks.
fn prose(text: &str) -> String {
    let mut fenced = false;
    let mut kept = Vec::new();
    for line in text.lines() {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        if !fenced && !fence {
            kept.push(line);
        }
    }
    kept.join("\n")
}

/// The fenced blocks of a language, each with the line that it begins in.
fn blocks(text: &str, language: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut open: Option<(usize, bool, String)> = None;
    for (number, line) in text.lines().enumerate() {
        match (line.trim().strip_prefix("```"), open.take()) {
            (Some(named), None) => open = Some((number + 1, named == language, String::new())),
            (Some(_), Some((at, wanted, block))) => found.extend(wanted.then_some((at, block))),
            (None, Some((at, wanted, block))) => open = Some((at, wanted, block + line + "\n")),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block isn't closed");
    found
}

/// The targets of all links in a text.
fn links(text: &str) -> Vec<String> {
    let prose = prose(text);
    let targets = prose.match_indices("](").filter_map(|(at, _)| prose[at + 2..].split(')').next());
    targets.map(str::to_owned).collect()
}

/// A heading's anchor, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn relative_links_lead_somewhere() {
    let mut faults = Vec::new();
    let mut seen = 0;
    for page in pages() {
        for link in links(&fs::read_to_string(&page).unwrap()) {
            if link.contains("://") {
                continue;
            }
            seen += 1;
            let (file, part) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() { page.clone() } else { page.parent().unwrap_or(Path::new("")).join(file) };
            let Ok(text) = fs::read_to_string(&target) else {
                faults.push(format!("{}: `{link}` isn't there", page.display()));
                continue;
            };
            let headings = prose(&text);
            let named = headings.lines().filter(|line| line.starts_with('#')).any(|line| anchor(line) == part);
            if !part.is_empty() && !named {
                faults.push(format!("{}: `{link}` names no heading", page.display()));
            }
        }
    }
    assert!(seen > 20, "only {seen} links were found");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn paths_in_backticks_exist() {
    const FOLDERS: [&str; 6] = ["src/", "tests/", "hunts/", "deploy/", "migrations/", "docs/"];
    let mut faults = Vec::new();
    let mut seen = 0;
    for page in ["README.md", "docs/architecture.md"] {
        let text = prose(&fs::read_to_string(page).unwrap());
        for path in text.split('`').skip(1).step_by(2).filter(|word| FOLDERS.iter().any(|f| word.starts_with(f))) {
            seen += 1;
            if !Path::new(path).exists() {
                faults.push(format!("{page}: `{path}` isn't there"));
            }
        }
    }
    assert!(seen > 10, "only {seen} paths were found");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn errors(findings: Vec<Finding>) -> Vec<Finding> {
    findings.into_iter().filter(|finding| finding.level == Level::Error).collect()
}

fn load_hunts(page: &str, text: &str) -> usize {
    let file = HuntFile {
        shown: PathBuf::from(page),
        relative: PathBuf::from("example.yaml"),
        bytes: text.as_bytes().to_vec(),
    };
    let loaded = definition::load(&[file], &config::default_hunt_defaults(), Zone::UTC);
    let hunts = loaded.hunts.len();
    assert_eq!(errors(loaded.findings), [], "{page}:\n{text}");
    hunts
}

/// Whether a block is a hunt, of whichever format.
fn has_query(block: &str) -> bool {
    block.lines().any(|line| line.starts_with("query:") || line.starts_with("queryCondition:"))
}

#[test]
fn hunts_of_the_reference_load() {
    for (page, least) in [("README.md", 1), ("docs/hunts.md", 5), ("docs/identity.md", 0)] {
        let Ok(text) = fs::read_to_string(page) else { continue };
        let examples: Vec<_> = blocks(&text, "yaml").into_iter().filter(|(_, block)| has_query(block)).collect();
        assert!(examples.len() >= least, "{page} has {} hunts", examples.len());
        for (line, block) in examples {
            assert!(load_hunts(&format!("{page}:{line}"), &block) > 0);
        }
    }
}

/// The whole example has every key that a hunt may have, and loads without a warning.
#[test]
fn the_whole_hunt_is_whole() {
    let text = fs::read_to_string("docs/hunts.md").unwrap();
    let whole = blocks(&text, "yaml").into_iter().map(|(_, block)| block).find(|block| block.contains("\nextra:"));
    let whole = whole.unwrap();
    let written: BTreeSet<&str> = whole
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()))
        .filter_map(|line| line.split(':').next())
        .collect();
    let source = fs::read_to_string("src/rules/definition/read.rs").unwrap();
    let list = source.split("OWN_KEYS: [&str; ").nth(1).unwrap().split("];").next().unwrap();
    let known: BTreeSet<&str> = list.split('"').skip(1).step_by(2).collect();
    assert_eq!(written, known);
    for key in known {
        assert!(text.contains(&format!("| `{key}` |")), "`{key}` has no line in a table of docs/hunts.md");
    }
}

#[test]
fn configs_of_the_reference_load() {
    let text = fs::read_to_string("docs/config.md").unwrap();
    let whole: Vec<_> = blocks(&text, "yaml").into_iter().filter(|(_, block)| block.starts_with("# whole")).collect();
    assert!(whole.len() >= 2, "docs/config.md has {} whole configs", whole.len());
    for (line, block) in whole {
        let loaded = config::load(Path::new("huntd.yaml"), block.as_bytes(), &config::Directories::default());
        let (_, warnings) = loaded.unwrap_or_else(|findings| panic!("docs/config.md:{line}: {findings:?}"));
        assert_eq!(warnings, [], "docs/config.md:{line}");
    }
    let example = fs::read("deploy/huntd.example.yaml").unwrap();
    let loaded = config::load(Path::new("deploy/huntd.example.yaml"), &example, &config::Directories::default());
    let (_, warnings) = loaded.unwrap_or_else(|findings| panic!("the example: {findings:?}"));
    let codes: BTreeSet<_> = warnings.iter().map(|warning| warning.code).collect();
    assert_eq!(codes, BTreeSet::from(["C008"]), "the example names what isn't served yet, and nothing else");
}

/// Replaces what differs from run to run: the port, the folder's name, and the tail of a run's id.
fn masked(line: &str) -> String {
    let mut line = line.to_owned();
    if let Some((before, after)) = line.split_once("127.0.0.1:") {
        line = format!("{before}127.0.0.1:PORT{}", after.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    let mut parts = line.split("huntd-demo-");
    let first = parts.next().unwrap().to_owned();
    let rest = parts.map(|part| format!("FOLDER{}", part.trim_start_matches(|c: char| c.is_ascii_alphanumeric())));
    // The folder above is the system's own.
    let line = (first + &rest.collect::<String>()).replace(&std::env::temp_dir().display().to_string(), "/tmp");
    match line.split_once("--run ") {
        Some((before, run)) => format!("{before}--run {}", run.split('-').next().unwrap()),
        None => line,
    }
}

#[test]
fn the_demonstration_prints_what_the_readme_shows() {
    let readme = fs::read_to_string("README.md").unwrap();
    let shown = readme.split("<!-- demo -->").nth(1).unwrap().split("<!-- /demo -->").next().unwrap();
    let shown = blocks(shown, "text").remove(0).1;
    let shown: Vec<String> = shown.lines().map(masked).collect();
    let printed = huntd(&["demo"]);
    let folder = printed.split("are in ").nth(1).unwrap().split(": .eml").next().unwrap();
    fs::remove_dir_all(Path::new(folder).parent().unwrap()).unwrap();
    let printed: Vec<String> = printed.lines().map(masked).collect();
    let (mut at, mut kept) = (0, 0);
    for line in &shown {
        if line.starts_with("[…") {
            let cut: usize = line.split(' ').nth(1).unwrap().parse().unwrap();
            at += cut;
            continue;
        }
        assert_eq!(printed.get(at), Some(line), "line {} of the output; paste it anew", at + 1);
        (at, kept) = (at + 1, kept + 1);
    }
    assert_eq!(at, printed.len(), "the README ends before the output does");
    assert!(kept >= 20, "the README shows only {kept} lines");
}

/// The README's own hunt, with a slip in a name and a bracket lost.
#[test]
fn check_prints_what_the_readme_shows() {
    let readme = fs::read_to_string("README.md").unwrap();
    let (before, after) = readme.split_once("<!-- check -->").unwrap();
    let shown = blocks(after.split("<!-- /check -->").next().unwrap(), "text").remove(0).1;
    let hunt = blocks(before, "yaml").pop().unwrap().1;
    let broken =
        hunt.replace("| where FileName", "| where Filename").replace("-encodedcommand\")", "-encodedcommand\"");
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("hunts")).unwrap();
    fs::write(folder.path().join("hunts/encoded-powershell.yaml"), broken).unwrap();
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("huntd"));
    command.args(["check", "hunts/"]).current_dir(folder.path()).env_remove("HUNTD_CONFIG").env("NO_COLOR", "1");
    let output = command.output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim_end(), shown.trim_end(), "paste it anew");
}

/// The shipped hunts, from a fixed moment.
#[test]
fn plan_prints_what_the_reference_shows() {
    let page = fs::read_to_string("docs/plan.md").unwrap();
    let shown = page.split("<!-- plan -->").nth(1).unwrap().split("<!-- /plan -->").next().unwrap();
    let shown = blocks(shown, "text").remove(0).1;
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("huntd"));
    let arguments = ["-c", "none.yaml", "plan", "--hunts", "hunts", "--for", "6h", "--from", "2026-11-24T09:00:00Z"];
    command.args(arguments).env("NO_COLOR", "1").env("TZ", "UTC").env("COLUMNS", "100");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim_end(), shown.trim_end(), "paste it anew");
}

#[test]
fn the_schema_of_the_reference_is_the_one_built_in() {
    let text = fs::read_to_string("docs/kql.md").unwrap();
    let shown = text.split("<!-- schema -->").nth(1).unwrap().split("<!-- /schema -->").next().unwrap();
    assert_eq!(shown, Schema::version());
    let tables = blocks(&text, "tsv").remove(0).1;
    let schema = Schema::defender().extend_tsv(&tables).unwrap();
    let lines = tables.lines().filter(|line| !line.starts_with('#'));
    for line in lines {
        let fields: Vec<&str> = line.split('\t').collect();
        assert!(schema.table(fields[0]).unwrap().column(fields[1]).is_some(), "{line}");
    }
}

#[test]
fn a_query_becomes_what_the_reference_shows() {
    let text = fs::read_to_string("docs/kql.md").unwrap();
    let (before, after) = text.split_once("<!-- as of ").unwrap();
    assert!(blocks(before, "kql").is_empty());
    let at = Timestamp::parse(after.split(' ').next().unwrap()).unwrap();
    let shown = blocks(after, "kql");
    let (query, written) = (&shown[0].1, &shown[1].1);
    let analysis = analyse(query, Schema::defender());
    assert!(!analysis.is_refused(), "{:?}", analysis.problems);
    assert_eq!(&as_of(query, &analysis.query, at), written);
}

/// Every `H012` of a folder of the source.
fn codes_in(folder: &str, letter: char) -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|end| end != "rs") || path.ends_with("tests.rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for (at, _) in text.match_indices(&format!("\"{letter}")) {
            let code: String = text[at + 1..].chars().take_while(|c| *c != '"').collect();
            if code.len() == 4 && code[1..].chars().all(|c| c.is_ascii_digit()) {
                codes.insert(code);
            }
        }
    }
    codes
}

#[test]
fn every_finding_has_its_line() {
    let mut hunts = codes_in("src/rules/definition", 'H');
    hunts.extend(codes_in("src/adapters", 'H'));
    hunts.extend(codes_in("src/rules/lint", 'H'));
    let config = codes_in("src/rules/config", 'C');
    assert!(hunts.len() > 20 && config.len() > 10, "{hunts:?} {config:?}");
    for (page, used) in [("docs/hunts.md", hunts), ("docs/config.md", config)] {
        let text = fs::read_to_string(page).unwrap();
        let listed: BTreeSet<String> = text
            .lines()
            .filter_map(|line| line.strip_prefix("| ")?.split(' ').next())
            .filter(|word| word.len() == 4 && word[1..].chars().all(|c| c.is_ascii_digit()))
            .map(str::to_owned)
            .collect();
        assert_eq!(listed, used, "{page}");
    }
}

/// docs/check.md lists every code with its level and title, in the order of `check --explain`.
#[test]
fn every_code_stands_in_the_reference_of_check() {
    let text = fs::read_to_string("docs/check.md").unwrap();
    let listed: Vec<&str> = text
        .lines()
        .filter(|line| {
            line.strip_prefix("| ").is_some_and(|rest| codes::find(rest.split(' ').next().unwrap()).is_some())
        })
        .collect();
    let known: Vec<String> =
        codes::all().map(|rule| format!("| {} | {} | {} |", rule.code, rule.level, rule.title)).collect();
    assert_eq!(listed, known);
}

/// Every code that the source can tell is explained, and no other.
#[test]
fn every_code_is_explained() {
    let mut used = codes_in("src/rules/definition", 'H');
    used.extend(codes_in("src/adapters", 'H'));
    used.extend(codes_in("src/rules/config", 'C'));
    used.extend(codes_in("src/rules/lint", 'H'));
    used.extend(codes_in("src/rules/lint", 'L'));
    let problem = fs::read_to_string("src/rules/kql/problem.rs").unwrap();
    used.extend(problem.split('"').filter(|word| word.len() == 6 && word.starts_with("KQL")).map(str::to_owned));
    let explained: BTreeSet<String> = codes::all().map(|rule| rule.code.to_owned()).collect();
    assert_eq!(used, explained);
    for code in ["L012", "kql011", "H030", "C017"] {
        assert!(huntd(&["check", "--explain", code]).to_lowercase().starts_with(&code.to_lowercase()));
    }
}

/// The commands of docs/ci.md, up to where another program takes over, in a hunts repository.
#[test]
fn commands_of_ci_run() {
    let text = fs::read_to_string("docs/ci.md").unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("hunts")).unwrap();
    let hunt = "query: |\n  DeviceInfo\n  | project DeviceId\nkey: [DeviceId]\n";
    fs::write(folder.path().join("hunts/a.yaml"), hunt).unwrap();
    let mut commands = Vec::new();
    for (line, block) in blocks(&text, "yaml") {
        let value: serde_json::Value =
            serde_saphyr::from_str(&block).unwrap_or_else(|error| panic!("docs/ci.md:{line}: {error}"));
        commands_of(&value, &mut commands);
    }
    let hooks: Vec<serde_json::Value> =
        serde_saphyr::from_str(&fs::read_to_string(".pre-commit-hooks.yaml").unwrap()).unwrap();
    let ids: Vec<&str> = hooks.iter().map(|hook| hook["id"].as_str().unwrap()).collect();
    assert!(ids.iter().all(|id| text.contains(&format!("`{id}`"))), "{ids:?}");
    for hook in &hooks {
        let arguments: Vec<&str> = hook["args"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
        commands.push(format!("{} {}", hook["entry"].as_str().unwrap(), arguments.join(" ")));
    }
    commands.push("huntd check hunts --strict".to_owned());
    assert!(commands.len() >= 7, "{commands:?}");
    for command in commands {
        let words: Vec<&str> = command.split(['|', '>']).next().unwrap().split_whitespace().collect();
        assert_eq!(words[0], "huntd");
        let output = Command::new(assert_cmd::cargo::cargo_bin!("huntd"))
            .args(&words[1..])
            .current_dir(folder.path())
            .env_remove("HUNTD_CONFIG")
            .output()
            .unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stdout));
    }
}

/// Each text of a document that runs huntd.
fn commands_of(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) if text.starts_with("huntd ") => found.push(text.clone()),
        serde_json::Value::Array(list) => list.iter().for_each(|value| commands_of(value, found)),
        serde_json::Value::Object(map) => map.values().for_each(|value| commands_of(value, found)),
        _ => {}
    }
}

#[test]
fn every_verb_has_its_line() {
    let help = huntd(&["help"]);
    let verbs = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let verbs: Vec<&str> = verbs
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(verbs.len() > 10, "{verbs:?}");
    let text = fs::read_to_string("docs/commands.md").unwrap();
    for verb in verbs {
        assert!(
            text.contains(&format!("| `{verb}`")) || text.contains(&format!("| `{verb} ")),
            "`{verb}` has no line in the table of docs/commands.md"
        );
    }
}

/// The line of a file that docs/channels.md shows has no key that the shapes of docs/commands.md leave out.
#[test]
fn the_shape_of_a_hit_is_whole() {
    let channels = fs::read_to_string("docs/channels.md").unwrap();
    let line =
        blocks(&channels, "json").into_iter().map(|(_, block)| block).find(|block| block.starts_with("{\"hit\""));
    let line: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&line.unwrap()).unwrap();
    let commands = fs::read_to_string("docs/commands.md").unwrap();
    let shape = commands.split("\n\n").find(|part| part.starts_with("`hits --json`")).unwrap();
    for key in line.keys() {
        assert!(shape.contains(&format!("`{key}`")), "docs/commands.md doesn't name `{key}` of a hit");
    }
}

/// Each option of each verb stands in `huntd help VERB`; here, that the reference names no other.
#[test]
fn options_of_the_reference_exist() {
    let text = fs::read_to_string("docs/commands.md").unwrap();
    let mut options: BTreeSet<String> = BTreeSet::new();
    for (at, _) in text.match_indices("--") {
        let name: String = text[at + 2..].chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect();
        if name.starts_with(|c: char| c.is_ascii_lowercase()) {
            options.insert(name.trim_end_matches('-').to_owned());
        }
    }
    let manual = huntd(&["man"]).replace('\\', "");
    let verbs = [
        "run",
        "check",
        "plan",
        "runs",
        "hits",
        "gaps",
        "quota",
        "diff",
        "replay",
        "advise",
        "deliveries",
        "doctor",
        "demo",
        "simulate",
    ];
    let helps: String = verbs.iter().map(|verb| huntd(&["help", verb])).collect();
    let retry = huntd(&["help", "deliveries", "retry"]);
    let known = manual + &helps + &retry;
    for option in options {
        assert!(known.contains(&format!("--{option}")), "docs/commands.md names `--{option}`, which no verb has");
    }
}

/// All source below a folder, as one text.
fn source(folder: &str) -> String {
    let files = walkdir::WalkDir::new(folder).into_iter().map(Result::unwrap);
    let rust = files.filter(|entry| entry.path().extension().is_some_and(|end| end == "rs"));
    rust.map(|entry| fs::read_to_string(entry.path()).unwrap()).collect()
}

#[test]
fn failures_are_quoted_as_huntd_says_them() {
    const QUOTED: [&str; 20] = [
        "the secret is wrong: give the secret's value, not its id, of this very app",
        "the secret has expired: make a new one for the app and put it in place; huntd reads it anew each time",
        "grant the app the application permission",
        "and give admin consent; a new permission counts from the next token on",
        "is misspelt, or it isn't part of this tenant's licences, or the app may not read it",
        "in the hunt keeps it to tenants that have it",
        "check this machine's DNS, firewall and proxy (HTTPS_PROXY, NO_PROXY), and its CA certificates",
        "refuses the sign-in",
        "check `user` and the secret of `password`",
        "no space left for the database",
        "free some space; huntd goes on by itself, and has lost nothing",
        "another huntd daemon runs on",
        "stop it first, or give this one a database of its own",
        "the hunt is broken: its last good version runs on",
        "the config is not loaded again: the one before holds",
        "synchronise it: `timedatectl set-ntp true`, or install chrony; huntd cuts runs and counts calls by it",
        "waiting for the quota",
        "than its quota lets through: ",
        "can't be read: $CREDENTIALS_DIRECTORY isn't set",
        "run huntd as a systemd service with LoadCredential=, or name a `file` or an `env` instead",
    ];
    let page = fs::read_to_string("docs/operations.md").unwrap();
    // A text that goes on in the next line is one text to the compiler too.
    let source = source("src").split("\\\n").map(str::trim_start).collect::<String>();
    let lacking = |text: &str| QUOTED.iter().filter(|words| !text.contains(**words)).copied().collect::<Vec<_>>();
    assert_eq!(lacking(&page), Vec::<&str>::new(), "docs/operations.md quotes these no more");
    assert_eq!(lacking(&source), Vec::<&str>::new(), "huntd says these no more");
    assert!(page.matches("\n### ").count() > 10, "the ten commonest failures");
}

#[test]
fn each_kind_of_trouble_is_explained() {
    let page = fs::read_to_string("docs/config.md").unwrap();
    let lacks = |kind: &TroubleKind| !page.contains(&format!("\n| `{kind}` | "));
    let lacking: Vec<TroubleKind> = TroubleKind::ALL.into_iter().filter(lacks).collect();
    assert_eq!(lacking, [], "docs/config.md says nothing of these");
}

#[test]
fn each_boundary_names_a_test_that_is_there() {
    let page = fs::read_to_string("docs/security.md").unwrap();
    let (_, table) = page.split_once("## Boundaries").unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| ")).skip(2);
    let mut boundaries = 0;
    for row in rows {
        let proof = row.trim_end_matches('|').rsplit('|').next().unwrap();
        let tests: Vec<&str> = proof.split('`').filter(|word| word.contains("::")).collect();
        assert!(!tests.is_empty(), "no test proves: {row}");
        for test in tests {
            let (file, name) = test.split_once("::").unwrap();
            let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{file}: {error}"));
            let (before, _) = text.split_once(&format!("fn {name}(")).unwrap_or_else(|| panic!("{test} isn't there"));
            let attribute = before.rfind("test").map(|at| &before[at..]).unwrap_or_default();
            assert!(attribute.lines().count() < 6, "{test} is no test");
        }
        boundaries += 1;
    }
    assert!(boundaries > 15, "only {boundaries} boundaries");
}
