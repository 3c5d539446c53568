//! What is installed: unit, user, folders, secrets and example agree, and the package holds all of it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const UNIT: &str = include_str!("../deploy/huntd.service");
const CREDENTIALS: &str = include_str!("../deploy/huntd.credentials.conf");
const EXAMPLE: &str = include_str!("../deploy/huntd.example.yaml");

/// The lines of a file that say something, in words.
fn lines(text: &str) -> Vec<Vec<&str>> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_whitespace().collect()).collect()
}

/// The value of a setting of the unit that stands there once.
fn setting(name: &str) -> &'static str {
    let mut values = UNIT.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    let value = values.next().unwrap_or_else(|| panic!("the unit has no {name}="));
    assert_eq!(values.next(), None, "{name}= stands there twice");
    value
}

/// The folders that are made at the installation, each with its mode.
fn folders() -> BTreeMap<PathBuf, &'static str> {
    let made = lines(include_str!("../deploy/huntd.tmpfiles"));
    made.into_iter().map(|line| (PathBuf::from(line[1]), line[2])).collect()
}

#[test]
fn the_units_user_and_folders_are_made() {
    let users = lines(include_str!("../deploy/huntd.sysusers"));
    assert!(users.iter().any(|user| user[..2] == ["u", setting("User")]), "{users:?}");
    assert_eq!(setting("User"), setting("Group"), "sysusers makes a group of the user's name");
    let folders = folders();
    let etc = Path::new("/etc").join(setting("ConfigurationDirectory"));
    assert!(folders.contains_key(&etc), "{folders:?}");
    assert!(folders.contains_key(&etc.join("hunts")), "{folders:?}");
    assert_eq!(setting("WorkingDirectory"), format!("/var/lib/{}", setting("StateDirectory")));
}

#[test]
fn secrets_lie_where_root_alone_reads_and_are_those_of_the_example() {
    let folders = folders();
    let mut count = 0;
    // Each is behind a `#`: a line whose file is missing would keep the service from starting.
    for line in CREDENTIALS.lines().filter_map(|line| line.strip_prefix("#LoadCredential=")) {
        let (name, file) = line.split_once(':').unwrap();
        assert_eq!(folders.get(Path::new(file).parent().unwrap()), Some(&"0700"), "{line}");
        assert!(EXAMPLE.contains(&format!("{{credential: {name}}}")), "the example doesn't use {name}");
        count += 1;
    }
    let used = EXAMPLE.lines().filter(|line| !line.trim().starts_with('#') && line.contains("{credential: "));
    assert_eq!(count, used.count(), "each credential of the example has its line");
    assert!(CREDENTIALS.contains("[Service]"));
    assert!(!UNIT.contains("\nLoadCredential="), "a secret's line belongs into the drop-in, which is the admin's");
}

#[test]
fn the_unit_is_hardened() {
    for (name, value) in [
        ("CapabilityBoundingSet", ""),
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("PrivateDevices", "yes"),
        ("LimitCORE", "0"),
        ("UMask", "0077"),
    ] {
        assert_eq!(setting(name), value, "{name}");
    }
    if !is_there("systemd-analyze", "--version") {
        return;
    }
    let mut command = Command::new("systemd-analyze");
    // The exposure times ten.
    command.args(["security", "--offline=true", "--threshold=15", "--no-pager", "deploy/huntd.service"]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn the_example_passes_the_check() {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("huntd"));
    let site = tempfile::tempdir().unwrap();
    fs::write(site.path().join("huntd.yaml"), EXAMPLE).unwrap();
    let copied = Command::new("cp").args(["-r", "hunts"]).arg(site.path()).status().unwrap();
    assert!(copied.success());
    command.env_remove("HUNTD_CONFIG").arg("--config").arg(site.path().join("huntd.yaml")).arg("check");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// What Cargo.toml says of the package.
fn package() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version=1", "--offline"])
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"][0]["metadata"]["deb"].clone()
}

/// The files of a pattern of the assets, each with what of its path the package keeps.
fn files(pattern: &str) -> Vec<(PathBuf, PathBuf)> {
    let (base, deep) = pattern.split_once("**/").map_or((None, false), |(base, _)| (Some(base), true));
    if deep {
        let base = Path::new(base.unwrap());
        let all =
            walkdir::WalkDir::new(base).into_iter().map(Result::unwrap).filter(|entry| entry.file_type().is_file());
        return all
            .map(|entry| (entry.path().to_owned(), entry.path().strip_prefix(base).unwrap().to_owned()))
            .collect();
    }
    let (folder, name) = pattern.rsplit_once('/').unwrap_or((".", pattern));
    let Some((start, end)) = name.split_once('*') else { return vec![(pattern.into(), name.into())] };
    let all = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let named = all.filter_map(|path| Some((path.file_name()?.to_str()?.to_owned(), path)));
    let fit = named.filter(|(name, _)| name.starts_with(start) && name.ends_with(end));
    fit.map(|(name, path)| (path, name.into())).collect()
}

/// What the package holds: each file's place, with its source and its mode.
fn contents(package: &Value) -> BTreeMap<PathBuf, (PathBuf, String)> {
    let mut all = BTreeMap::new();
    for asset in package["assets"].as_array().unwrap() {
        let [from, to, mode] = [0, 1, 2].map(|part| asset[part].as_str().unwrap());
        let found = files(from);
        assert!(!found.is_empty(), "{from} is nothing");
        for (source, name) in found {
            let place = if to.ends_with('/') { Path::new("/").join(to).join(name) } else { Path::new("/").join(to) };
            let before = all.insert(place.clone(), (source, mode.to_owned()));
            assert!(before.is_none(), "{} comes from two files", place.display());
        }
    }
    all
}

#[test]
fn the_package_holds_what_the_repository_has() {
    let package = package();
    let contents = contents(&package);
    let sources: BTreeSet<&Path> = contents.values().map(|(source, _)| source.as_path()).collect();
    for source in &sources {
        let generated = source.starts_with("target/");
        assert!(generated || source.exists(), "{} isn't there", source.display());
    }
    for file in fs::read_dir("deploy").unwrap().map(|entry| entry.unwrap().path()) {
        let installed = file.file_name().unwrap().to_str().unwrap().starts_with("huntd.");
        assert!(!installed || sources.contains(file.as_path()), "{} isn't packed", file.display());
    }
    let program = setting("ExecStart").split_whitespace().next().unwrap();
    assert_eq!(contents[Path::new(program)], (PathBuf::from("target/release/huntd"), "755".to_owned()));
    for place in ["/usr/lib/systemd/system/huntd.service", "/etc/huntd/huntd.yaml", "/usr/share/man/man1/huntd.1.gz"] {
        assert!(contents.contains_key(Path::new(place)), "no {place}");
    }
    // What an admin edits is asked for before an upgrade overwrites it; and the hunts folder is left to a checkout.
    let edited: BTreeSet<&Path> =
        contents.keys().map(PathBuf::as_path).filter(|path| path.starts_with("/etc")).collect();
    let kept: BTreeSet<&Path> =
        package["conf-files"].as_array().unwrap().iter().map(|file| Path::new(file.as_str().unwrap())).collect();
    assert_eq!(edited, kept);
    assert!(!edited.iter().any(|path| path.starts_with("/etc/huntd/hunts")));
}

/// Whether a command is there.
fn is_there(command: &str, argument: &str) -> bool {
    Command::new(command).arg(argument).output().is_ok_and(|output| output.status.success())
}

#[test]
#[allow(clippy::print_stderr, reason = "says what wasn't tested")]
fn the_built_package_is_as_said_and_the_same_twice() {
    if !is_there("cargo-deb", "--version") || !is_there("dpkg-deb", "--version") {
        eprintln!("NOT TESTED: cargo-deb or dpkg-deb isn't here");
        return;
    }
    let out = tempfile::tempdir().unwrap();
    // What packs is under test here, and not what is packed: a large binary takes minutes to compress.
    let stub = out.path().join("huntd");
    fs::write(&stub, "#!/bin/sh\necho \"$@\"\n").unwrap();
    fs::set_permissions(&stub, fs::Permissions::from_mode(0o755)).unwrap();
    let build = |name: &str| -> BTreeMap<String, Vec<u8>> {
        let folder = out.path().join(name);
        let built = Command::new("deploy/package")
            .arg(&folder)
            .env("HUNTD_BINARY", &stub)
            .env("SOURCE_DATE_EPOCH", "1764460800")
            .output()
            .unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        files.map(|file| (file.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(file).unwrap())).collect()
    };
    let (first, second) = (build("first"), build("second"));
    assert_eq!(first.len(), 2, "{:?}", first.keys());
    for (name, bytes) in &first {
        assert!(second[name] == *bytes, "{name} differs from one build to the next");
    }

    let of = |end: &str| out.path().join("first").join(first.keys().find(|name| name.ends_with(end)).unwrap());
    let listed = Command::new("dpkg-deb").arg("--contents").arg(of(".deb")).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let mut packed = BTreeSet::new();
    for line in listed.lines().filter(|line| line.starts_with('-')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(words[1], "0/0", "{line}");
        packed.insert(Path::new("/").join(words[5].trim_start_matches("./")));
    }
    let mut said: BTreeSet<PathBuf> = contents(&package()).into_keys().collect();
    // What cargo-deb adds of its own.
    said.insert("/usr/share/doc/huntd/copyright".into());
    assert_eq!(packed, said);

    let listed = Command::new("tar").arg("-tzf").arg(of(".tar.gz")).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let files = listed.lines().filter(|line| !line.ends_with('/'));
    let unpacked: BTreeSet<PathBuf> = files.map(|line| Path::new("/").join(line.split_once('/').unwrap().1)).collect();
    said.retain(|path| path.starts_with("/usr"));
    assert_eq!(unpacked, said);
}
