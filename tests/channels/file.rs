//! The file channel: rotation, repeats after a crash, torn lines, a disk that is full.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use huntd::adapters::channel::file::File;
use huntd::model::config::FileChannel;
use huntd::model::trouble::News;
use huntd::ports::channel::{Channel, SendError};
use serde_json::Value;

use crate::notices;
use crate::sample;

fn file(path: &Path) -> File {
    File::new(notices::channel("hits"), &FileChannel { path: path.to_owned() })
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "the last line is torn");
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

#[tokio::test]
async fn a_line_a_hit_and_the_world_does_not_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hits.jsonl");
    let notice = notices::usual(3);
    file(&path).send(&notice).await.unwrap();
    let lines = lines(&path);
    assert_eq!(lines.len(), 3);
    for (line, hit) in lines.iter().zip(notice.hits.first()) {
        assert_eq!(line["hit"], hit.hit.to_string());
        assert_eq!(line["delivery"], notice.delivery.as_str());
        assert_eq!(line["row"], serde_json::from_str::<Value>(hit.row.get()).unwrap());
    }
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o137, 0);
}

#[tokio::test]
async fn a_repeat_adds_only_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hits.jsonl");
    let mut notice = notices::usual(5);
    let mut other = notices::usual(2);
    other.delivery = huntd::model::id::DeliveryId::new("0".repeat(32)).unwrap();
    file(&path).send(&notice).await.unwrap();
    let whole = fs::read(&path).unwrap();

    notice.attempts = 1;
    // Wherever the crash cut the write, the file ends up as it would have been.
    let ends: Vec<_> = (0..=whole.len()).step_by(97).chain([1, 7, 8, whole.len() - 1, whole.len()]).collect();
    for end in ends {
        fs::write(&path, &whole[..end]).unwrap();
        file(&path).send(&notice).await.unwrap();
        assert!(fs::read(&path).unwrap() == whole, "cut at {end}");
    }
    // Another delivery may come in between; its lines count for itself only.
    let two = whole.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(1).unwrap().0;
    fs::write(&path, &whole[..two + 30]).unwrap();
    file(&path).send(&other).await.unwrap();
    file(&path).send(&notice).await.unwrap();
    let all = lines(&path);
    let mine: Vec<_> = all.iter().filter(|line| line["delivery"] == notice.delivery.as_str()).collect();
    let mut hits: Vec<_> = mine.iter().map(|line| line["hit"].as_str().unwrap()).collect();
    hits.sort_unstable();
    hits.dedup();
    assert_eq!((all.len(), mine.len(), hits.len()), (7, 5, 5));
}

#[tokio::test]
async fn many_hits_come_in_order_and_a_fault_in_their_middle_leaves_the_file_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hits.jsonl");
    file(&path).send(&notices::usual(1)).await.unwrap();
    let before = fs::read(&path).unwrap();
    let torn = notices::unreadable(2_500, 2_400);
    let SendError::Later(text) = file(&path).send(&torn).await.unwrap_err() else { panic!() };
    assert!(text.ends_with("the disk broke"), "{text}");
    assert!(fs::read(&path).unwrap() == before);

    let mut notice = notices::usual(2_500);
    notice.delivery = huntd::model::id::DeliveryId::new("0".repeat(32)).unwrap();
    file(&path).send(&notice).await.unwrap();
    let whole = fs::read(&path).unwrap();
    let rows: Vec<_> = lines(&path).into_iter().skip(1).map(|line| line["row"].to_string()).collect();
    let expected: Vec<_> = sample::hits(&notice).iter().map(|hit| hit.row.get().to_owned()).collect();
    assert!(rows == expected);

    // Killed far behind the first piece that was written, and again when all was written.
    notice.attempts = 1;
    for end in [before.len() + 1_500_000, whole.len()] {
        fs::write(&path, &whole[..end]).unwrap();
        file(&path).send(&notice).await.unwrap();
        assert!(fs::read(&path).unwrap() == whole, "cut at {end}");
    }
}

#[tokio::test]
async fn rows_cannot_pretend_to_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hits.jsonl");
    let mut notice = notices::usual(1);
    let lie = format!(r#"{{"hit":"{}","delivery":"{}"}}"#, notice.hits.first()[0].hit, notice.delivery);
    let mut liar = notices::notice(&[serde_json::from_str(&lie).unwrap()]);
    liar.delivery = huntd::model::id::DeliveryId::new("0".repeat(32)).unwrap();
    file(&path).send(&liar).await.unwrap();
    notice.attempts = 1;
    file(&path).send(&notice).await.unwrap();
    assert_eq!(lines(&path).len(), 2);
}

#[tokio::test]
async fn text_of_others_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hits.jsonl");
    fs::write(&path, "not ours").unwrap();
    file(&path).send(&notices::usual(1)).await.unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("not ours\n{\"hit\":"), "{text}");
}

#[tokio::test]
async fn rotation_by_either_way_works() {
    let folder = tempfile::tempdir().unwrap();
    let (path, old) = (folder.path().join("hits.jsonl"), folder.path().join("hits.jsonl.1"));
    let channel = file(&path);
    channel.send(&notices::usual(2)).await.unwrap();
    fs::rename(&path, &old).unwrap();
    channel.send(&notices::usual(3)).await.unwrap();
    assert_eq!((lines(&old).len(), lines(&path).len()), (2, 3));
    fs::OpenOptions::new().write(true).truncate(true).open(&path).unwrap();
    channel.send(&notices::usual(1)).await.unwrap();
    assert_eq!(lines(&path).len(), 1);
}

#[tokio::test]
async fn two_writers_wait_for_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hits.jsonl");
    let locked = fs::File::create(&path).unwrap();
    locked.lock().unwrap();
    let sending = tokio::spawn({
        let path = path.clone();
        async move { file(&path).send(&notices::usual(1)).await }
    });
    tokio::task::yield_now().await;
    (&locked).write_all(b"{}\n").unwrap();
    drop(locked);
    sending.await.unwrap().unwrap();
    assert_eq!(lines(&path).len(), 2);
}

#[tokio::test]
async fn what_goes_wrong_is_said_with_its_mend() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("none/hits.jsonl");
    let SendError::Later(text) = file(&missing).send(&notices::usual(1)).await.unwrap_err() else { panic!() };
    assert!(text.contains("none/hits.jsonl: make its folder first: "), "{text}");
    let SendError::Later(text) = file(folder.path()).send(&notices::usual(1)).await.unwrap_err() else { panic!() };
    assert!(text.contains("can't write hits"), "{text}");
    // /dev/full answers every write with ENOSPC, and is no regular file: it must not be taken for one.
    let full = file(Path::new("/dev/full")).send(&notices::usual(1)).await.unwrap_err();
    assert!(matches!(full, SendError::Later(_)), "{full}");
    let SendError::Never(text) =
        file(&missing).warn(&sample::notice(&[]).delivery, &sample::warning(News::Begins)).await.unwrap_err()
    else {
        panic!()
    };
    assert!(text.contains("failures.to"), "{text}");
}
