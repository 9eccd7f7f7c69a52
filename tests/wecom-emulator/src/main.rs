//! The emulator as a program: `siyu-wecom-emulator [settings.json]`, until it is ended.

use std::io::Write;

use anyhow::Context;
use siyu_wecom_emulator::{Clock, Emulator, Settings};

fn main() -> anyhow::Result<()> {
    let settings = match std::env::args_os().nth(1) {
        Some(path) => {
            let shown = path.display().to_string();
            let text = std::fs::read_to_string(&path).with_context(|| shown.clone())?;
            serde_json::from_str(&text).with_context(|| shown)?
        }
        None => Settings { sends_by_itself: true, ..Settings::default() },
    };
    let emulator = Emulator::start(settings, Clock::system())?;
    let mut out = std::io::stdout();
    writeln!(out, "WeCom is emulated at {}", emulator.url())?;
    out.flush()?;
    loop {
        std::thread::park();
    }
}
