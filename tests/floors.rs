//! Holds the source to the drawing in `src/lib.rs`: names point downwards only, and the modules of
//! a floor form no ring. Reads the files as text, so that it needs no compiler and misses no path.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The floors, lowest first. Rooms of one floor may not name each other.
const FLOORS: [&[&str]; 5] = [&["model"], &["rules"], &["ports"], &["adapters", "engine", "sim"], &["app"]];

/// What a room may name at all, where that is narrower than its floor says.
const NARROWER: [(&str, &[&str]); 1] = [("sim", &["model", "rules", "sim"])];

fn floor_of(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

/// Every `crate::a::b` that a text names outside comments, as (line, a, b). Groups such as
/// `crate::{model::x, ports::y}` and `crate::model::{hit, row}` are taken apart; `super` can't leave
/// a room upwards into another without passing through the root, which `leaves_by_super` refuses.
fn names(text: &str) -> Vec<(usize, String, String)> {
    let code: Vec<&str> = text.lines().map(|line| line.split("//").next().unwrap_or("")).collect();
    let mut found = Vec::new();
    for (number, line) in code.iter().enumerate() {
        for (at, _) in line.match_indices("crate::") {
            let rest: String = std::iter::once(&line[at + 7..])
                .chain(code[number + 1..].iter().copied())
                .take(60)
                .collect::<Vec<_>>()
                .join(" ");
            for path in paths(&rest) {
                let mut parts = path.split("::");
                let room = parts.next().unwrap_or("").to_owned();
                found.push((number + 1, room, parts.next().unwrap_or("").to_owned()));
            }
        }
    }
    found
}

/// The paths at the head of `text`: `a::b::C` gives one, `{a::b, c::{d, e}}` three.
fn paths(text: &str) -> Vec<String> {
    let text = text.trim_start();
    let word: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_' || *c == ':').collect();
    let after = text[word.len()..].trim_start();
    let Some(group) = after.strip_prefix('{') else { return vec![word] };
    if !word.is_empty() && !word.ends_with("::") {
        return vec![word];
    }
    let (mut depth, mut start, mut members) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                members.push(&group[start..at]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                members.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    members
        .into_iter()
        .filter(|member| !member.trim().is_empty())
        .flat_map(paths)
        .map(|member| format!("{word}{member}"))
        .collect()
}

/// Room and second-level module of a source file: `src/rules/diff/mod.rs` is (`rules`, `diff`).
fn address(path: &Path) -> Option<(String, String)> {
    let mut parts = path.strip_prefix("src").ok()?.components().map(|part| part.as_os_str().to_string_lossy());
    let room = parts.next()?.trim_end_matches(".rs").to_owned();
    let module = parts.next().map_or(String::new(), |part| part.trim_end_matches(".rs").to_owned());
    floor_of(&room).map(|_| (room, module))
}

#[test]
fn names_point_downwards_only() {
    let mut files = Vec::new();
    rust_files(Path::new("src"), &mut files);
    assert!(files.len() > 20, "the walk found only {} files", files.len());
    let mut faults = Vec::new();
    for path in &files {
        let Some((room, _)) = address(path) else { continue };
        let floor = floor_of(&room).unwrap();
        for (line, named, _) in names(&fs::read_to_string(path).unwrap()) {
            let Some(other) = floor_of(&named) else { continue };
            let narrower = NARROWER.iter().find(|(name, _)| *name == room);
            let allowed = narrower.map_or(named == room || other < floor, |(_, rooms)| rooms.contains(&named.as_str()));
            if !allowed {
                faults.push(format!("{}:{line}: `{room}` names `{named}`", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "names point downwards only:\n{}", faults.join("\n"));
}

#[test]
fn the_modules_of_a_room_form_no_ring() {
    let mut files = Vec::new();
    rust_files(Path::new("src"), &mut files);
    let mut edges: BTreeMap<(String, String), BTreeSet<(String, String)>> = BTreeMap::new();
    for path in &files {
        let Some((room, module)) = address(path) else { continue };
        // A module's tests may name whatever of their room they test with.
        if path.iter().any(|part| part == "tests" || part == "tests.rs") {
            continue;
        }
        let text = fs::read_to_string(path).unwrap().split("#[cfg(test)]\nmod tests {").next().unwrap_or("").to_owned();
        let mut named: Vec<(String, String)> =
            names(&text).into_iter().map(|(_, room, module)| (room, module)).collect();
        named.extend(by_super(path, &text).into_iter().map(|other| (room.clone(), other)));
        for (other_room, other) in named {
            if other_room == room && other != module && !other.is_empty() && !module.is_empty() && module != "mod" {
                edges.entry((room.clone(), module.clone())).or_default().insert((room.clone(), other));
            }
        }
    }
    for start in edges.keys() {
        let (mut open, mut seen) = (vec![start.clone()], BTreeSet::new());
        while let Some(at) = open.pop() {
            for next in edges.get(&at).into_iter().flatten() {
                assert_ne!(next, start, "`{}::{}` reaches itself through `{}::{}`", start.0, start.1, at.0, at.1);
                if seen.insert(next.clone()) {
                    open.push(next.clone());
                }
            }
        }
    }
}

/// The sibling modules that a file directly below a room names by `super::`.
fn by_super(path: &Path, text: &str) -> Vec<String> {
    let direct = path.components().count() == 3;
    let needle = if direct { "super::" } else { "super::super::" };
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or(""));
    lines
        .flat_map(|line| {
            line.match_indices(needle).map(|(at, _)| paths(&line[at + needle.len()..])).collect::<Vec<_>>()
        })
        .flatten()
        .map(|path| path.split("::").next().unwrap_or("").to_owned())
        .filter(|name| name.starts_with(|c: char| c.is_ascii_lowercase()) && name != "super")
        .collect()
}

#[test]
fn the_root_re_exports_nothing() {
    let root = fs::read_to_string("src/lib.rs").unwrap();
    assert!(!root.lines().any(|line| line.trim_start().starts_with("pub use")), "a re-export hides the edge");
}

#[test]
fn no_file_is_past_its_size() {
    let mut files = Vec::new();
    rust_files(Path::new("src"), &mut files);
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        let lines = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or("").lines().count();
        assert!(lines <= 800, "{} has {lines} lines without its tests", path.display());
    }
}

#[test]
fn the_reader_takes_groups_apart() {
    let text = "use crate::{model::hit::Hit, ports::{api, clock}};\nlet x = crate::rules::diff::f(); // crate::app::x";
    let found: Vec<String> = names(text).into_iter().map(|(_, room, module)| format!("{room}::{module}")).collect();
    assert_eq!(found, ["model::hit", "ports::api", "ports::clock", "rules::diff"]);
}
