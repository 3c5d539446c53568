//! Help, the manual page, completions and usage errors.

use std::process::Command;

use crate::desk::{TO_FILE, config, golden};
use crate::support::{Printed, Site, binary, printed};

fn huntd(arguments: &[&str]) -> Printed {
    printed(Command::new(binary()).args(arguments).env_remove("HUNTD_CONFIG").env("NO_COLOR", "1"))
}

const VERBS: [&str; 20] = [
    "demo",
    "daemon",
    "run",
    "check",
    "plan",
    "list",
    "runs",
    "hits",
    "gaps",
    "quota",
    "show",
    "diff",
    "replay",
    "advise",
    "deliveries",
    "doctor",
    "db",
    "simulate",
    "completions",
    "man",
];

#[test]
fn completions_name_every_verb() {
    for shell in ["bash", "zsh", "fish"] {
        let script = huntd(&["completions", shell]).expect(0);
        assert_eq!(script.stderr, "");
        for verb in VERBS {
            assert!(script.stdout.contains(verb), "{shell} knows no {verb}");
        }
        for option in ["dry-run", "no-notify", "fail-on-new", "format", "where", "columns"] {
            assert!(script.stdout.contains(option), "{shell} knows no --{option}");
        }
    }
    // The shell that is here reads it.
    let script = huntd(&["completions", "bash"]).stdout;
    let status = Command::new("bash").args(["-n", "-c", &script]).status().unwrap();
    assert!(status.success());
}

#[test]
fn the_manual_page_is_one() {
    let page = huntd(&["man"]).expect(0).stdout;
    assert!(page.contains(".TH huntd 1"), "{}", page.lines().take(5).collect::<String>());
    for section in [".SH NAME", ".SH SYNOPSIS", ".SH DESCRIPTION", ".SH OPTIONS", "EXIT"] {
        assert!(page.to_uppercase().contains(&section.to_uppercase()), "no {section}");
    }
    for verb in VERBS {
        assert!(page.contains(verb), "no {verb}");
    }
}

#[test]
fn every_verb_has_help() {
    for verb in VERBS {
        let printed = huntd(&["help", verb]).expect(0);
        assert!(printed.stdout.contains(&format!("huntd {verb}")), "{verb}: {}", printed.stdout);
    }
    assert!(huntd(&["--version"]).expect(0).stdout.starts_with("huntd 0."));
}

#[test]
fn a_wrong_use_is_exit_2_with_a_way_on() {
    for (name, arguments) in [
        ("usage-no-verb", &["frobnicate"][..]),
        ("usage-near-verb", &["chek"]),
        ("usage-no-hunt", &["run"]),
        ("usage-option", &["run", "enc", "--dry"]),
        ("usage-format", &["check", "--format", "xml"]),
        ("usage-shell", &["completions", "tcsh"]),
        ("usage-listen", &["simulate", "--listen", "nowhere"]),
        ("usage-scenario", &["simulate", "--scenario", "/nonexistent/scenario.yaml"]),
        ("usage-quiet-and-verbose", &["-q", "-v", "list"]),
    ] {
        let printed = huntd(arguments).expect(2);
        assert_eq!(printed.stdout, "");
        golden(name, &printed.stderr);
    }
    let nothing = huntd(&[]).expect(2);
    assert!(nothing.stderr.contains("Usage: huntd"), "{}", nothing.stderr);
}

/// The examples of `huntd run` in a text, without the words that stand apart behind them.
fn run_examples(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim).filter(|line| line.starts_with("huntd run ") && !line.contains('…'));
    lines.filter_map(|line| line.split("  ").next()).map(str::to_owned).collect()
}

/// Each example goes with the hunts that ship, as a shell reads it.
#[test]
fn examples_of_run_name_hunts_that_ship() {
    let site = Site::new();
    let folder = std::env::current_dir().unwrap().join("hunts");
    site.write("huntd.yaml", format!("hunts: {}\n{}", folder.display(), config("http://127.0.0.1:9", TO_FILE)));
    let reference = std::fs::read_to_string("docs/commands.md").unwrap();
    let helps = [huntd(&["help"]).stdout, huntd(&["help", "run"]).stdout, reference];
    for (text, least) in helps.iter().zip([1, 4, 6]) {
        let examples = run_examples(text);
        assert!(examples.len() >= least, "{examples:?}");
        for example in examples {
            let dry = if example.contains(" --dry-run") { "" } else { "--dry-run " };
            let line = example.replacen("huntd run ", &format!("\"$HUNTD\" -c huntd.yaml run {dry}"), 1);
            let mut shell = Command::new("sh");
            shell.args(["-c", &line]).current_dir(site.path()).env("HUNTD", binary()).env_remove("HUNTD_CONFIG");
            let asked = printed(&mut shell);
            assert_eq!(asked.code, 0, "{example}\n{}", asked.stderr);
            assert!(asked.stdout.contains("# POST "), "{example}\n{}", asked.stdout);
        }
    }
}
