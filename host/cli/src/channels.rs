//! Ways out of this host, from `channels.toml` in the data folder.
//!
//! ```toml
//! [wecom]
//! to = "file"                     # or "console"
//! path = "outbox/wecom.ndjson"    # inside the data folder; outbox/<tenant>/<channel>.ndjson when absent
//!
//! [sms]
//! to = "plugin"
//! plugin = "webhook"
//! config = { url = "https://shop.example/in" }
//! hosts = ["https://shop.example"]    # where it may send requests; the host must permit that too (--allow-host)
//! secrets = { key = "shop_key" }      # the plugin's name = the tenant's name: `siyu secrets set shop_key`
//! ```
//! Without the file every message goes to `outbox/<tenant>.ndjson`. A channel that a file does not name is refused by
//! the host, and the refusal stands on the message.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use serde::Deserialize;
use siyu_channels::{ConsoleChannel, FileChannel};
use siyu_engine::dispatch::Channels;
use siyu_engine::ports::channel::Channel;
use siyu_model::name::{ChannelName, PluginName, SecretName};
use siyu_model::plugin::HostPattern;

use crate::fault::Fault;
use crate::home::{Home, text_of};
use crate::outlets::Outlets;

/// Where a channel leads.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "to", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Way {
    /// A file of lines.
    File {
        /// Inside the data folder.
        path: Option<PathBuf>,
    },
    /// Standard output.
    Console,
    /// A plugin that delivers.
    Plugin(PluginWay),
}

/// A plugin as a channel.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PluginWay {
    /// Its name.
    pub(crate) plugin: PluginName,
    /// How it is configured.
    #[serde(default = "empty")]
    pub(crate) config: serde_json::Value,
    /// Where it may send requests.
    #[serde(default)]
    pub(crate) hosts: Vec<HostPattern>,
    /// What the plugin calls each secret, and what the tenant calls it.
    #[serde(default)]
    pub(crate) secrets: BTreeMap<SecretName, SecretName>,
}

fn empty() -> serde_json::Value {
    serde_json::json!({})
}

/// The ways out: one for each channel, or one for all when nothing is written.
pub(crate) enum Ways {
    /// One file for everything.
    All(PathBuf),
    /// By name.
    Named(BTreeMap<ChannelName, Way>),
}

impl Ways {
    /// Reads `channels.toml`.
    pub(crate) fn read(home: &Home) -> anyhow::Result<Self> {
        let path = home.channels();
        let Some(text) = text_of(&path)? else {
            return Ok(Self::All(home.outbox().join(format!("{}.ndjson", home.tenant))));
        };
        let ways: BTreeMap<ChannelName, Way> = toml::from_str(&text)
            .map_err(|fault| Fault::wrong(format!("{}: {}", path.display(), fault.to_string().trim_end())))?;
        for (name, way) in &ways {
            if let Way::File { path: Some(file) } = way
                && !is_inside(file)
            {
                let found = file.display();
                return Err(Fault::wrong(format!(
                    "{}: channel `{name}` writes to {found}: expected a path inside the data folder",
                    path.display()
                ))
                .into());
            }
        }
        Ok(Self::Named(ways))
    }

    /// Whether each can be used, as far as that can be known before a message goes.
    pub(crate) fn check(&self, home: &Home, outlets: &Outlets) -> anyhow::Result<()> {
        let Self::Named(ways) = self else { return Ok(()) };
        for (name, way) in ways {
            if let Way::Plugin(way) = way {
                let made = outlets.channel(&home.tenant, name, way);
                made.with_context(|| format!("{}: channel `{name}`", home.channels().display()))?;
            }
        }
        Ok(())
    }

    /// Opens them; files are made when the first message goes. Without outlets, such as in virtual time, nothing leaves over the
    /// network.
    pub(crate) fn open(&self, home: &Home, outlets: Option<&Outlets>) -> Channels {
        match self {
            Self::All(path) => Channels::all_over(Arc::new(FileChannel::new(path))),
            Self::Named(ways) => ways.iter().fold(Channels::default(), |channels, (name, way)| {
                let channel: Arc<dyn Channel> = match (way, outlets) {
                    (Way::File { .. }, _) => Arc::new(FileChannel::new(file_of(home, name, way))),
                    (Way::Console, _) => Arc::new(ConsoleChannel),
                    (Way::Plugin(way), Some(outlets)) => {
                        return channels.with_courier(name.clone(), outlets.courier(&home.tenant, name, way));
                    }
                    // Refused, in words: a replay must not write to people.
                    (Way::Plugin(_), None) => return channels,
                };
                channels.with(name.clone(), channel)
            }),
        }
    }

    /// What they are, for people.
    pub(crate) fn tell(&self, home: &Home) -> Vec<String> {
        match self {
            Self::All(path) => vec![format!("all channels to {}", path.display())],
            Self::Named(ways) => ways
                .iter()
                .map(|(name, way)| match way {
                    Way::File { .. } => format!("{name} to {}", file_of(home, name, way).display()),
                    Way::Console => format!("{name} to standard output"),
                    Way::Plugin(way) => format!("{name} to plugin {}", way.plugin),
                })
                .collect(),
        }
    }
}

fn file_of(home: &Home, name: &ChannelName, way: &Way) -> PathBuf {
    match way {
        Way::File { path: Some(path) } => home.folder().join(path),
        _ => home.outbox().join(home.tenant.as_str()).join(format!("{name}.ndjson")),
    }
}

/// Whether a path stays in the folder that it is relative to.
fn is_inside(path: &Path) -> bool {
    path.file_name().is_some() && path.components().all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use siyu_store::Durability;

    use super::*;

    fn read(text: &str) -> Result<Ways, String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("channels.toml"), text).unwrap();
        let home = Home::new(folder.path().to_owned(), "shop".parse().unwrap(), Durability::Full);
        let shown = folder.path().display().to_string();
        Ways::read(&home).map_err(|fault| fault.to_string().replace(&shown, "DATA"))
    }

    #[test]
    fn channels_lead_where_the_file_says() {
        let ways = read(
            "[wecom]\nto = 'file'\npath = 'out/w.ndjson'\n[sms]\nto = 'console'\n[mail]\nto = 'file'\n\
                  [post]\nto = 'plugin'\nplugin = 'webhook'\nconfig = { url = 'https://a.example/in' }\n",
        );
        let home = Home::new("data".into(), "shop".parse().unwrap(), Durability::Full);
        assert_eq!(
            ways.unwrap().tell(&home),
            [
                "mail to data/outbox/shop/mail.ndjson",
                "post to plugin webhook",
                "sms to standard output",
                "wecom to data/out/w.ndjson",
            ]
        );
    }

    #[test]
    fn a_wrong_file_is_refused_with_what_is_wrong() {
        for (text, part) in [
            (
                "[wecom]\nto = 'pigeon'\n",
                "unknown variant `pigeon`, expected one of `file`, `console`, `plugin`",
            ),
            ("[wecom]\nto = 'file'\nptah = 'x'\n", "unknown field `ptah`"),
            (
                "[wecom]\nto = 'file'\npath = '../x'\n",
                "channel `wecom` writes to ../x: expected a path inside",
            ),
            ("[wecom]\nto = 'file'\npath = '/etc/x'\n", "expected a path inside the data folder"),
            ("[sms]\nto = 'plugin'\n", "missing field `plugin`"),
            (
                "[sms]\nto = 'plugin'\nplugin = 'webhook'\nhosts = ['https://a/b']\n",
                "`https://a/b` is no pattern of hosts",
            ),
            ("[sms]\nto = 'plugin'\nplugin = 'webhook'\nhost = []\n", "unknown field `host`"),
            ("[We Com]\nto = 'file'\n", "DATA/channels.toml"),
        ] {
            let fault = read(text).err().unwrap();
            assert!(fault.contains(part), "{text}: {fault}");
        }
    }
}
