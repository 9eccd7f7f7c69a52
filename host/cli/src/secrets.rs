//! The keys under which secrets are sealed: from a file of their owner alone, or from the environment.
//!
//! A key is never an argument, which every user of the machine sees, and is never shown.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::Context;
use siyu_secrets::HostKeys;
use zeroize::Zeroizing;

use crate::fault::Fault;

/// Keys as text.
const VARIABLE: &str = "SIYU_SECRETS_KEY";
/// Bytes of a file of keys: four, and what people write beside them.
const FILE_BYTES_MAX: u64 = 16 << 10;

/// The keys of this host: of the file when one is named, otherwise of the environment; none when nobody says any.
pub(crate) fn keys(file: Option<&Path>) -> anyhow::Result<HostKeys> {
    match file {
        Some(path) => of_file(path),
        None => of_environment(),
    }
}

fn of_environment() -> anyhow::Result<HostKeys> {
    let Some(text) = std::env::var_os(VARIABLE).filter(|text| !text.is_empty()) else {
        return Ok(HostKeys::none());
    };
    let text = text.into_string().map(Zeroizing::new);
    let text =
        text.map_err(|_| Fault::wrong(format!("{VARIABLE} is no text: expected base64 of 32 bytes")))?;
    HostKeys::read(&text).map_err(|fault| wrong(VARIABLE, &fault.to_string()))
}

fn of_file(path: &Path) -> anyhow::Result<HostKeys> {
    let shown = path.display().to_string();
    let cannot = || format!("the file of keys {shown} cannot be read");
    let mut file = File::open(path).with_context(cannot)?;
    let found = file.metadata().with_context(cannot)?;
    let mode = found.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(Fault::wrong(format!(
            "{shown} can be read or changed by others (mode {mode:03o}): expected a file of keys for its owner alone"
        ))
        .help(format!("chmod 600 {shown}, and make another key when others may have read this one"))
        .into());
    }
    if found.len() > FILE_BYTES_MAX {
        let found = found.len();
        let rule = format!("expected at most {FILE_BYTES_MAX}");
        return Err(Fault::wrong(format!("{shown} has {found} bytes: {rule}")).into());
    }
    let mut text = Zeroizing::new(String::with_capacity(usize::try_from(FILE_BYTES_MAX).unwrap_or(0)));
    Read::by_ref(&mut file).take(FILE_BYTES_MAX).read_to_string(&mut text).with_context(cannot)?;
    HostKeys::read(&text).map_err(|fault| wrong(&shown, &fault.to_string()))
}

fn wrong(place: &str, why: &str) -> anyhow::Error {
    Fault::wrong(format!("{place}: {why}")).help("`siyu secrets key FILE` makes a key").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8], mode: u32) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let shown = folder.path().display().to_string();
        let read = keys(Some(&path)).map(|keys| keys.to_string());
        read.map_err(|fault| format!("{fault:#}").replace(&shown, "DIR"))
    }

    /// 32 times the letter a.
    const KEY: &str = "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=";

    #[test]
    fn a_file_of_keys_is_for_its_owner_alone() {
        for mode in [0o600, 0o400] {
            assert!(read(KEY.as_bytes(), mode).unwrap().starts_with("key "));
        }
        for mode in [0o644, 0o640, 0o604, 0o620] {
            let fault = read(KEY.as_bytes(), mode).unwrap_err();
            assert!(
                fault.contains(&format!("mode {mode:03o}")) && fault.contains("its owner alone"),
                "{fault}"
            );
        }
    }

    #[test]
    fn what_is_no_file_of_keys_is_refused_without_showing_it() {
        let long = vec![b'#'; 20_000];
        for (text, part) in [
            (&b"canary"[..], "DIR/keys: key 1 is not base64 of 32 bytes"),
            (b"", "0 keys: expected 1 to 4"),
            (&[0xff, 0xfe], "cannot be read"),
            (&long, "has 20000 bytes: expected at most 16384"),
        ] {
            let fault = read(text, 0o600).unwrap_err();
            assert!(fault.contains(part) && !fault.contains("canary"), "{fault}");
        }
    }
}
