//! The WeCom plugin as it is shipped: packed, in the host's sandbox, with the host's own client, as a channel that leads to an emulator.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use serde_json::json;
use siyu_channels::{Cache, PluginChannel};
use siyu_engine::ports::network::{SecretText, SecretValues, Sender};
use siyu_network::{Client, SystemResolver};
use siyu_runtime::{Allocation, CacheKey, Compiler, Runtime, RuntimeConfig, pack};
use siyu_wecom_emulator::Emulator;

/// 2026-01-01T00:00:00Z.
pub(crate) const BEGIN_MS: i64 = 1_767_225_600_000;

/// The plugin, packed as an author packs it.
pub(crate) static WECOM: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("tests/wecom-emulator");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("siyu-guests");
    let status = Command::new(env!("CARGO"))
        .current_dir(workspace)
        .args(["build", "--quiet", "--profile", "plugin", "--package", "wecom", "--lib"])
        .args(["--target", "wasm32-unknown-unknown", "--target-dir"])
        .arg(&folder)
        // A guest is not built with the flags of the tests, such as those of coverage.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .status()
        .expect("cargo runs");
    assert!(status.success(), "the plugin does not build");
    let module = std::fs::read(folder.join("wasm32-unknown-unknown/plugin/wecom.wasm")).unwrap();
    pack(&module).unwrap_or_else(|fault| panic!("{fault}")).component
});

/// Where it runs.
pub(crate) static RUNTIME: LazyLock<Arc<Runtime>> = LazyLock::new(|| {
    let config = RuntimeConfig {
        cache_dir: None,
        key: CacheKey::new([7; 32]),
        compiler: Compiler::InProcess,
        allocation: Allocation::OnDemand { calls_max: 16 },
    };
    Arc::new(Runtime::new(config).unwrap())
});

/// The secret of the emulated application.
struct Corpsecret;

#[async_trait]
impl SecretValues for Corpsecret {
    async fn secret(&self, name: &str) -> Result<Option<SecretText>, String> {
        Ok((name == "corpsecret").then(|| SecretText::new("emulated-secret")))
    }
}

/// The plugin as a channel that leads to an emulator.
pub(crate) fn channel(wecom: &Emulator, corp_id: &str) -> PluginChannel {
    let loaded = RUNTIME.load(&WECOM).unwrap();
    let offer = loaded.manifest.channel.clone().expect("it has a channel");
    let here = vec![wecom.url().parse().unwrap()];
    let places = offer.secrets.iter().map(|it| (it.name.to_string(), it.places.clone())).collect();
    let sender = Sender {
        tenant: "shop".parse().unwrap(),
        manifest: offer.hosts,
        granted: here.clone(),
        places,
        secrets: Arc::new(Corpsecret),
    };
    PluginChannel {
        plugins: RUNTIME.clone(),
        network: Arc::new(Client::new(here, Arc::new(SystemResolver), Vec::new()).unwrap()),
        digest: loaded.digest,
        manifest: loaded.manifest,
        config: json!({ "corp_id": corp_id, "base": wecom.url() }).to_string().into(),
        sender: Arc::new(sender),
        cache: Arc::new(Cache::default()),
        signing: None,
    }
}
