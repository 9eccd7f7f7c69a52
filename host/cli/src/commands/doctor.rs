//! `siyu doctor`: is this a place where a host can work? Each thing ok, a warning or a fault, with what helps.

mod database;
mod sources;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::json;
use siyu_engine::ports::clock::{Clock, SystemClock};
use siyu_engine::ports::inspect::{EventFilter, Turn};
use siyu_model::clock::{DurationMs, UtcMs};
use siyu_model::name::TenantName;

use crate::channels::Ways;
use crate::facts::{ClockKind, Facts};
use crate::home::Home;
use crate::outlets::Outlets;
use crate::output::{Paint, bytes, on_one_line};
use crate::session::{Exit, Session};
use siyu_store::carry::Mark;

/// Writes that are synced to measure how long that takes.
const SYNCS: usize = 16;
/// Every commit waits for one sync: slower disks are felt.
const SYNC_SLOW: Duration = Duration::from_millis(20);
/// With less a host should not begin.
const FREE_BYTES_MIN: u64 = 64 << 20;
/// With less somebody should look.
const FREE_BYTES_FEW: u64 = 1 << 30;
/// Databases, their logs and readers, compiled plugins.
const OPEN_FILES_MIN: u64 = 256;
/// A machine that shows less has lost its clock: this program did not exist then. 2026-01-01.
const CLOCK_MIN_MS: i64 = 1_767_225_600_000;
/// Clocks of one machine differ by less from boot to boot.
const CLOCK_BACK: DurationMs = DurationMs::from_millis(60_000);
/// What file systems in memory say that they are (linux/magic.h).
const TMPFS: rustix::fs::FsWord = 0x0102_1994;
const RAMFS: rustix::fs::FsWord = 0x8584_58f6;

/// How something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Ok,
    Warn,
    Fault,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    verdict: Verdict,
    detail: String,
    help: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Ok, detail: detail.into(), help: None }
    }

    fn warn(check: &'static str, detail: impl Into<String>, help: &str) -> Self {
        Self { check, verdict: Verdict::Warn, detail: detail.into(), help: Some(help.to_owned()) }
    }

    fn fault(check: &'static str, detail: impl Into<String>, help: &str) -> Self {
        Self { check, verdict: Verdict::Fault, detail: detail.into(), help: Some(help.to_owned()) }
    }
}

pub(crate) fn run(session: &Session) -> anyhow::Result<Exit> {
    let home = session.home();
    let mut findings = vec![folder(&home)];
    let place = nearest_folder(home.folder());
    findings.extend([durable_sync(&place), free_disk(&place), open_files()]);
    findings.extend(plugins(session));
    findings.push(channels(session, &home));
    session.wait_for(async {
        findings.extend(database::look(&home).await);
        findings.extend(tenants(&home).await);
        findings.extend(sources::look(&home, session).await);
        Ok(())
    })?;
    let has_fault = findings.iter().any(|finding| finding.verdict == Verdict::Fault);
    session.screen.json(&json!({ "healthy": !has_fault, "checks": findings }))?;
    for finding in &findings {
        show(finding, session)?;
    }
    Ok(if has_fault { Exit::Found } else { Exit::Done })
}

fn show(finding: &Finding, session: &Session) -> anyhow::Result<()> {
    let screen = &session.screen;
    let verdict = match finding.verdict {
        Verdict::Ok => screen.paint(Paint::Green, "ok   "),
        Verdict::Warn => screen.paint(Paint::Yellow, "warn "),
        Verdict::Fault => screen.paint(Paint::Red, "fault"),
    };
    screen.say(format!("{verdict} {:<14}{}", finding.check, on_one_line(&finding.detail)))?;
    match &finding.help {
        Some(help) => screen.say(format!("      {:<14}help: {help}", "")),
        None => Ok(()),
    }
}

fn folder(home: &Home) -> Finding {
    use std::os::unix::fs::PermissionsExt;
    const CHECK: &str = "data folder";
    let shown = home.folder().display();
    let found = match fs::metadata(home.folder()) {
        Ok(found) => found,
        Err(_) => {
            return Finding::warn(CHECK, format!("{shown} is not there yet"), "`siyu publish` makes it");
        }
    };
    if !found.is_dir() {
        return Finding::fault(CHECK, format!("{shown} is no folder"), "name another one with --data");
    }
    if let Err(why) = tempfile::tempfile_in(home.folder()) {
        let detail = format!("{shown} cannot be written: {why}");
        return Finding::fault(CHECK, detail, "give the user that runs siyu the right to write there");
    }
    let mode = found.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let detail = format!("{shown} can be read by others (mode {mode:o}), and customers are in it");
        return Finding::warn(CHECK, detail, &format!("chmod 700 {shown}"));
    }
    if let Err(why) = home.key() {
        return Finding::fault(CHECK, format!("{why:#}"), "remove host.key: a new one is made");
    }
    Finding::ok(CHECK, shown.to_string())
}

/// The folder, or the one above it that is there.
fn nearest_folder(folder: &Path) -> PathBuf {
    let there = folder.ancestors().find(|folder| folder.is_dir());
    there.map_or_else(|| PathBuf::from("."), Path::to_owned)
}

fn durable_sync(place: &Path) -> Finding {
    const CHECK: &str = "durable sync";
    let measured = tempfile::NamedTempFile::new_in(place).and_then(|mut file| {
        let mut lengths = Vec::with_capacity(SYNCS);
        for _ in 0..SYNCS {
            file.write_all(&[0x5a; 4_096])?;
            let began = Instant::now();
            file.as_file().sync_data()?;
            lengths.push(began.elapsed());
        }
        lengths.sort_unstable();
        Ok(lengths[SYNCS / 2])
    });
    let median = match measured {
        Ok(median) => median,
        Err(why) => {
            let detail = format!("{} cannot be written and synced: {why}", place.display());
            return Finding::fault(CHECK, detail, "use a local disk that can be written");
        }
    };
    let detail = format!("{:.2} ms a sync", median.as_secs_f64() * 1_000.0);
    if is_in_memory(place) {
        let detail = format!("{} is a file system in memory: a power cut takes everything", place.display());
        return Finding::warn(CHECK, detail, "keep data on a disk");
    }
    if median > SYNC_SLOW {
        return Finding::warn(
            CHECK,
            detail,
            "each commit waits for a sync: a local SSD takes well below 5 ms",
        );
    }
    Finding::ok(CHECK, detail)
}

fn is_in_memory(place: &Path) -> bool {
    rustix::fs::statfs(place).is_ok_and(|found| [TMPFS, RAMFS].contains(&found.f_type))
}

fn free_disk(place: &Path) -> Finding {
    const CHECK: &str = "free disk";
    let free = match rustix::fs::statvfs(place) {
        Ok(found) => found.f_bavail.saturating_mul(found.f_frsize),
        Err(why) => return Finding::warn(CHECK, format!("cannot be told: {why}"), "look with df"),
    };
    let detail = format!("{} at {}", bytes(free), place.display());
    let help = "make room: a host whose disk is full refuses events";
    match free {
        0..FREE_BYTES_MIN => Finding::fault(CHECK, detail, help),
        FREE_BYTES_MIN..FREE_BYTES_FEW => Finding::warn(CHECK, detail, help),
        _ => Finding::ok(CHECK, detail),
    }
}

fn open_files() -> Finding {
    const CHECK: &str = "open files";
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    match limit {
        Some(limit) if limit < OPEN_FILES_MIN => {
            Finding::warn(CHECK, format!("at most {limit}"), "raise it: ulimit -n 4096")
        }
        Some(limit) => Finding::ok(CHECK, format!("at most {limit}")),
        None => Finding::ok(CHECK, "no limit"),
    }
}

fn plugins(session: &Session) -> Vec<Finding> {
    const CHECK: &str = "plugins";
    const COMPILED: &str = "compiled code";
    let installed = match session.plugins_alone() {
        Ok(installed) => installed,
        Err(why) => return vec![Finding::fault(CHECK, format!("{why:#}"), "name a folder with --plugins")],
    };
    let mut findings = Vec::new();
    let Some(folder) = installed.folder().map(|folder| folder.display().to_string()) else {
        let help = "name a folder with --plugins, or make plugins with `siyu plugins pack`";
        return vec![Finding::warn(CHECK, "there is no plugin folder", help)];
    };
    let began = Instant::now();
    let names = installed.files();
    let loaded =
        names.iter().filter(|name| installed.load(name).is_some_and(|loaded| loaded.is_ok())).count();
    let took = began.elapsed().as_secs_f64() * 1_000.0;
    for (_, why) in installed.faults() {
        findings.push(Finding::fault(CHECK, why, "build and pack it again, or take it out of the folder"));
    }
    findings
        .push(Finding::ok(CHECK, format!("{loaded} of {} in {folder} load, in {took:.0} ms", names.len())));
    findings.push(match installed.runtime.trust().signers() {
        None => Finding::ok("signatures", "not asked for: trust.toml names no key"),
        Some(signers) => Finding::ok("signatures", format!("by {}", signers.join(" or "))),
    });
    findings.push(match installed.compiled() {
        Some(folder) => Finding::ok(COMPILED, folder.display().to_string()),
        None => Finding::warn(COMPILED, "kept nowhere: every start compiles all plugins", "set HOME"),
    });
    if !installed.runtime.is_pooling() {
        let help = "raise the limit of address space (ulimit -v)";
        findings.push(Finding::warn("sandbox", "no pool of instances: calls are slower", help));
    }
    findings
}

fn channels(session: &Session, home: &Home) -> Finding {
    const CHECK: &str = "channels";
    let ways = || {
        let ways = Ways::read(home)?;
        ways.check(home, &Outlets::new(home, session.plugins(home)?))?;
        anyhow::Ok(ways)
    };
    match ways() {
        Ok(ways) => Finding::ok(CHECK, ways.tell(home).join(", ")),
        Err(why) => Finding::fault(CHECK, format!("{why:#}"), "mend channels.toml"),
    }
}

/// Every tenant can be read, and none stands after the machine's clock.
async fn tenants(home: &Home) -> Vec<Finding> {
    const CHECK: &str = "tenants";
    let now = SystemClock.now();
    let mut findings = Vec::new();
    let mut newest = UtcMs::EPOCH;
    let names = match home.stores(None, None).tenants().await {
        Ok(names) => names,
        Err(why) => {
            return vec![Finding::fault(
                CHECK,
                why.to_string(),
                "look at the rights of the folder, or of the database's user",
            )];
        }
    };
    for name in &names {
        // What a move left behind is no tenant any more.
        if let Ok(Some(Mark::Moved(_))) = home.kept().kept().mark(name).await {
            continue;
        }
        match latest(home, name).await {
            Ok(at) => newest = newest.max(at),
            Err(why) => {
                let help = "restore the tenant from a backup, or use the host that wrote it";
                findings.push(Finding::fault(CHECK, format!("{name}: {why:#}"), help));
            }
        }
    }
    if findings.is_empty() {
        findings.push(Finding::ok(CHECK, format!("{} can be read", names.len())));
    }
    findings.push(clock(now, newest));
    findings
}

/// When the newest event of a tenant was recorded by the machine's clock.
async fn latest(home: &Home, name: &TenantName) -> anyhow::Result<UtcMs> {
    let home = home.of(name.clone());
    let facts = Facts::read(&home).await?;
    let inspect = home.inspect().await?;
    let newest = inspect.events(EventFilter::default(), Turn::first(1)).await?.items;
    let is_real = facts.is_none_or(|facts| facts.clock == ClockKind::Real);
    let newest = newest.first().map(|event| event.recorded_at).filter(|_| is_real);
    Ok(newest.unwrap_or_default())
}

fn clock(now: UtcMs, newest: UtcMs) -> Finding {
    const CHECK: &str = "clock";
    if now.as_millis() < CLOCK_MIN_MS {
        return Finding::fault(CHECK, format!("it is {now} here"), "set the clock, and keep it set with NTP");
    }
    if newest > now + CLOCK_BACK {
        let detail = format!("it is {now} here, and an event was recorded at {newest}");
        return Finding::fault(CHECK, detail, "the clock went back: set it, and keep it set with NTP");
    }
    Finding::ok(CHECK, now.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_went_back_is_a_fault() {
        let at = |text: &str| text.parse::<UtcMs>().unwrap();
        for (now, newest, verdict) in [
            ("2026-11-22T10:00:00Z", "2026-11-22T09:00:00Z", Verdict::Ok),
            ("2026-11-22T10:00:00Z", "2026-11-22T10:00:30Z", Verdict::Ok),
            ("2026-11-22T10:00:00Z", "2026-11-22T10:02:00Z", Verdict::Fault),
            ("1970-01-01T00:00:30Z", "1970-01-01T00:00:00Z", Verdict::Fault),
        ] {
            assert_eq!(clock(at(now), at(newest)).verdict, verdict, "{now} {newest}");
        }
    }

    #[test]
    fn the_folder_above_is_looked_at_when_there_is_none_yet() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(nearest_folder(&folder.path().join("a/b")), folder.path());
        assert!(fs::File::open(nearest_folder(Path::new("no/such/folder"))).is_ok());
    }
}
