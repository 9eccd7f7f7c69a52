//! A file as a channel: one line of JSON a message, appended and synced before it counts as sent.
//!
//! The file never holds a message twice: after a crash the host hands over again what it does not know to be sent, and
//! lines that are there already are not written again. A line that a crash cut off is removed first.
//!
//! A line that can be read need not be on the disk: see [`siyu_durable::settle`]. So the file is read as the disk has it when
//! it is opened, also after a fault.
//!
//! Channels of one process may lead to one file, and share it then. Processes may not: a file has one writer, and what another
//! one has for it waits.

use std::collections::{HashMap, HashSet};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use async_trait::async_trait;
use siyu_engine::ports::channel::{Channel, Receipt, Verdict};
use siyu_model::clock::UtcMs;
use siyu_model::id::MessageId;
use siyu_model::message::{Message, MessageStatus};

use crate::line;

/// Ids of the last lines that are remembered. The host has far fewer messages on their way at once, and only those are
/// handed over again.
const REMEMBERED_MAX: usize = 65_536;

/// A file that messages are appended to; none until the first goes, and after a fault.
type Shared = Mutex<Option<OpenFile>>;

/// The files of this process by path.
static FILES: LazyLock<Mutex<HashMap<PathBuf, Weak<Shared>>>> = LazyLock::new(Mutex::default);

/// Appends messages to a file.
pub struct FileChannel {
    path: PathBuf,
    open: Arc<Shared>,
}

struct OpenFile {
    file: File,
    written: HashSet<MessageId>,
}

impl FileChannel {
    /// A channel that appends to this file; it and its folder are made when the first message goes.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let mut files = FILES.lock().unwrap_or_else(PoisonError::into_inner);
        files.retain(|_, file| file.strong_count() > 0);
        let open = files.get(&path).and_then(Weak::upgrade).unwrap_or_else(|| {
            let open = Arc::<Shared>::default();
            files.insert(path.clone(), Arc::downgrade(&open));
            open
        });
        Self { path, open }
    }
}

#[async_trait]
impl Channel for FileChannel {
    async fn deliver(&self, messages: &[Message], now: UtcMs) -> Vec<Receipt> {
        let (path, open) = (self.path.clone(), self.open.clone());
        let lines: Vec<(MessageId, String)> =
            messages.iter().map(|message| (message.id, line(message, now))).collect();
        let done = tokio::task::spawn_blocking(move || {
            // A poisoned lock means that a thread died while it wrote: read the file anew.
            let mut open = open.lock().unwrap_or_else(|poisoned| {
                let mut open = poisoned.into_inner();
                *open = None;
                open
            });
            let outcome = append(&path, &mut open, &lines);
            if outcome.is_err() {
                // What is in the file now is unknown.
                *open = None;
            }
            outcome
        });
        let outcome = match done.await {
            Ok(outcome) => outcome.map_err(|why| why.to_string()),
            Err(why) => Err(why.to_string()),
        };
        let verdict = match outcome {
            Ok(()) => Verdict::Became(MessageStatus::Sent),
            Err(why) => Verdict::Later(format!("{}: {why}", self.path.display())),
        };
        messages.iter().map(|message| Receipt { message: message.id, verdict: verdict.clone() }).collect()
    }
}

fn append(path: &Path, open: &mut Option<OpenFile>, lines: &[(MessageId, String)]) -> std::io::Result<()> {
    let open = match open {
        Some(open) => open,
        None => open.insert(OpenFile::open(path)?),
    };
    let mut text = String::new();
    for (id, line) in lines {
        if open.written.insert(*id) {
            text.push_str(line);
            text.push('\n');
        }
    }
    open.file.write_all(text.as_bytes())?;
    open.file.sync_data()
}

impl OpenFile {
    /// Opens or makes the file, removes a line that was cut off, and reads which messages are in it, all as the disk has it.
    fn open(path: &Path) -> std::io::Result<Self> {
        if let Some(folder) = path.parent() {
            siyu_durable::make_folder(folder)?;
        }
        let is_new = !path.exists();
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        file.try_lock().map_err(|fault| match fault {
            TryLockError::WouldBlock => std::io::Error::other("another process writes to this file"),
            TryLockError::Error(fault) => fault,
        })?;
        if is_new {
            siyu_durable::sync_name(path)?;
        }
        siyu_durable::settle(&file)?;
        let mut written = HashSet::new();
        let mut older = HashSet::new();
        let mut whole = 0u64;
        let mut line = Vec::new();
        let mut reader = BufReader::new(&mut file);
        loop {
            line.clear();
            let bytes = reader.read_until(b'\n', &mut line)?;
            // A line that a crash cut off, or one that the disk did not take: nothing was appended after a sync that failed,
            // so what comes after a hole was never said to be sent either.
            if bytes == 0 || line.last() != Some(&b'\n') || line.contains(&0) {
                break;
            }
            whole += bytes as u64;
            if let Some(id) = id_of(&line) {
                written.insert(id);
            }
            if written.len() > REMEMBERED_MAX {
                older = std::mem::take(&mut written);
            }
        }
        written.extend(older);
        file.set_len(whole)?;
        file.seek(SeekFrom::End(0))?;
        Ok(Self { file, written })
    }
}

/// The id of a line that [`line`] made.
fn id_of(line: &[u8]) -> Option<MessageId> {
    let text = std::str::from_utf8(line).ok()?;
    text.strip_prefix("{\"id\":\"")?.split('"').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use siyu_model::clock::DurationMs;
    use siyu_model::id::CustomerId;
    use siyu_model::message::MessageClass;

    use super::*;

    fn message(number: u8, body: &str) -> Message {
        let at = UtcMs::from_millis(1_000);
        Message {
            id: MessageId::derive(at, &[&[number]]),
            customer: CustomerId::derive(at, &[b"c"]),
            channel: "wecom".parse().unwrap(),
            class: MessageClass::Service,
            template: "welcome".parse().unwrap(),
            body: body.to_owned(),
            status: MessageStatus::Planned,
            reason: None,
            attempts: 0,
            planned_at: at,
            due_at: at,
            expires_at: at + DurationMs::from_millis(1_000),
            changed_at: at,
            run: None,
            step: None,
        }
    }

    async fn deliver(path: &Path, messages: &[Message]) -> String {
        let receipts = FileChannel::new(path).deliver(messages, UtcMs::from_millis(2_000)).await;
        assert!(receipts.iter().all(|receipt| receipt.verdict == Verdict::Became(MessageStatus::Sent)));
        std::fs::read_to_string(path).unwrap()
    }

    #[tokio::test]
    async fn a_message_that_is_handed_over_again_stands_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outbox/wecom.ndjson");
        deliver(&path, &[message(1, "你好\n\"朋友\""), message(2, "b")]).await;
        let text = deliver(&path, &[message(2, "b"), message(3, "c")]).await;
        assert_eq!(text.lines().count(), 3);
        for line in text.lines() {
            let read = json(line);
            assert_eq!(read.get("sent_at").and_then(|at| at.as_str()), Some("1970-01-01T00:00:02Z"));
        }
        assert_eq!(json(text.lines().next().unwrap()).get("body").unwrap().as_str(), Some("你好\n\"朋友\""));
    }

    fn json(line: &str) -> siyu_model::json::Value {
        siyu_model::json::parse(line).unwrap()
    }

    #[tokio::test]
    async fn a_line_that_a_crash_cut_off_is_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wecom.ndjson");
        let text = deliver(&path, &[message(1, "a"), message(2, "b")]).await;
        std::fs::write(&path, &text[..text.len() - 5]).unwrap();
        assert_eq!(deliver(&path, &[message(2, "b")]).await, text);
    }

    #[tokio::test]
    async fn what_the_disk_did_not_take_is_written_anew_with_all_after_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wecom.ndjson");
        let messages = [message(1, "a"), message(2, "b"), message(3, "c")];
        let text = deliver(&path, &messages).await;
        let mut holed = text.clone().into_bytes();
        let second = text.find('\n').unwrap() + 1;
        holed[second + 9..second + 60].fill(0);
        std::fs::write(&path, holed).unwrap();
        assert_eq!(deliver(&path, &messages).await, text);
    }

    #[tokio::test]
    async fn channels_that_lead_to_one_file_share_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("all.ndjson");
        let channels = [FileChannel::new(&path), FileChannel::new(&path)];
        for number in 0..6 {
            let channel = &channels[usize::from(number) % 2];
            channel.deliver(&[message(number, "a")], UtcMs::from_millis(2_000)).await;
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 6);
    }

    #[tokio::test]
    async fn a_file_that_another_process_writes_to_is_left_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wecom.ndjson");
        let other = File::create(&path).unwrap();
        other.lock().unwrap();
        let channel = FileChannel::new(&path);
        let receipts = channel.deliver(&[message(1, "a")], UtcMs::from_millis(2_000)).await;
        let Verdict::Later(why) = &receipts[0].verdict else { panic!("{receipts:?}") };
        assert!(why.ends_with("another process writes to this file"), "{why}");
        drop(other);
        assert_eq!(deliver(&path, &[message(1, "a")]).await.lines().count(), 1);
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_written_is_tried_again_later() {
        let folder = tempfile::tempdir().unwrap();
        let channel = FileChannel::new(folder.path());
        let receipts = channel.deliver(&[message(1, "a")], UtcMs::from_millis(2_000)).await;
        assert!(matches!(&receipts[0].verdict, Verdict::Later(_)));
    }
}
