//! Why a component cannot be loaded, packed or compiled: what was found, what was expected, and what to do.

use std::path::PathBuf;

use siyu_model::digest::PluginDigest;
use siyu_model::name::PluginName;
use siyu_model::plugin::{CONTRACT_MAJOR, CONTRACT_VERSION, ManifestError, Version};

/// Why the runtime cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// wasmtime refuses its settings.
    #[error("the sandbox cannot be set up: {0}")]
    Engine(String),
    /// The cache's folder cannot be used.
    #[error("the cache of compiled plugins at {path} cannot be used: {source}")]
    CacheDir {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Why a file is not a component that this host can run.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Larger than any component may be.
    #[error("the file has {found} bytes, a component has at most {limit}")]
    TooLarge {
        /// Bytes found.
        found: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Not WebAssembly.
    #[error("not WebAssembly: the file begins with {found}, expected `\\0asm`")]
    NotWasm {
        /// The first bytes.
        found: String,
    },
    /// A core module.
    #[error("a core module of WebAssembly, expected a component: pack it first")]
    CoreModule,
    /// Broken.
    #[error("not a whole component: {words} at byte {at}")]
    Malformed {
        /// What is wrong.
        words: String,
        /// Where.
        at: usize,
    },
    /// Writes too much before its first instruction.
    #[error("an instance writes {found} bytes before its first instruction, it may write {limit}")]
    SlowStart {
        /// Bytes found.
        found: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Not a plugin.
    #[error("not a plugin: it exports {found}, expected `siyu:plugin/steps@{CONTRACT_VERSION}`")]
    World {
        /// What it exports.
        found: String,
    },
    /// Built for another version of the contract.
    #[error(
        "the plugin needs {name}@{found}, this host speaks {CONTRACT_VERSION}: {}",
        remedy(*found)
    )]
    Contract {
        /// The interface, such as `siyu:plugin/records`.
        name: String,
        /// Its version.
        found: Version,
    },
    /// Asks for what no host of this version has.
    #[error("the plugin asks for `{name}`, which this host does not have: {hint}")]
    UnknownImport {
        /// The import.
        name: String,
        /// What there is instead.
        hint: String,
    },
    /// No manifest.
    #[error(
        "the component has no section `siyu:manifest`: pack it, which runs its `describe` and adds the section"
    )]
    NoManifest,
    /// Several manifests.
    #[error("the component has the section `siyu:manifest` {found} times, expected once")]
    SeveralManifests {
        /// How many.
        found: usize,
    },
    /// A manifest that breaks a rule.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A manifest that is no text.
    #[error("the section `siyu:manifest` is not UTF-8 text")]
    ManifestEncoding,
    /// Uses what it does not say that it uses.
    #[error(
        "the component imports {capabilities}, which its manifest does not list under `capabilities`: whoever grants it \
         must be able to read why"
    )]
    Undeclared {
        /// Names of the capabilities.
        capabilities: String,
    },
    /// Delivers without saying how, or says how and does not.
    #[error(
        "{}",
        if *exports {
            "the component exports `channel`, and its manifest has no `channel`: nobody can know where it sends"
        } else {
            "the component's manifest has a `channel`, and it does not export `channel`"
        }
    )]
    Channel {
        /// Whether it exports it.
        exports: bool,
    },
    /// Takes webhooks in without saying how, or says how and does not.
    #[error(
        "{}",
        if *exports {
            "the component exports `source`, and its manifest has no `source`: nobody can know how it is configured"
        } else {
            "the component's manifest has a `source`, and it does not export `source`"
        }
    )]
    Source {
        /// Whether it exports it.
        exports: bool,
    },
    /// Fits the contract by name and not by type, or needs more than the pool has.
    #[error("the component cannot be linked: {0}")]
    Link(String),
    /// Not by somebody whose plugins this host runs.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// Not compiled.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// The cache cannot be read or written.
    #[error("the cache of compiled plugins: {path}: {source}")]
    Cache {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

fn remedy(found: Version) -> String {
    format!(
        "use a version of the plugin built for {CONTRACT_VERSION} or an older {CONTRACT_MAJOR}.x, or a host that speaks \
         {found}"
    )
}

/// Why a component cannot be compiled.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// Not valid.
    #[error("the component is not valid: {0}")]
    Invalid(String),
    /// Takes too long.
    #[error(
        "compiling the component took more than {seconds} s of processor time: it is too large, or made to be slow"
    )]
    TooSlow {
        /// Seconds allowed.
        seconds: u64,
    },
    /// Takes too much memory.
    #[error(
        "compiling the component took more than {bytes} bytes of memory: it is too large, or made to be so"
    )]
    TooMuchMemory {
        /// Bytes allowed.
        bytes: u64,
    },
    /// The compiler failed.
    #[error("the compiler ended with {status}: {words}")]
    Failed {
        /// How it ended.
        status: String,
        /// What it said.
        words: String,
    },
    /// The compiler cannot be started.
    #[error("the compiler {program} cannot be run: {source}")]
    Start {
        /// The program.
        program: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Why a file cannot be packed into a plugin.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// A module that `wit-bindgen` did not make.
    #[error("the module cannot be made a component: {0}")]
    Component(String),
    /// The component is refused for another reason.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// `describe` failed.
    #[error("the plugin's `describe` failed: {0}")]
    Describe(siyu_model::plugin::Fault),
    /// `describe` gave no manifest.
    #[error("the plugin's `describe` gave no manifest: {0}")]
    Manifest(ManifestError),
}

/// Why a plugin is not run by a host that runs some people's plugins only.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// Taken out of use.
    #[error("plugin {digest} was revoked on this host: publish with another version of it")]
    Revoked {
        /// The plugin.
        digest: PluginDigest,
    },
    /// Nobody signed it.
    #[error("the plugin is not signed, expected a signature by {trusted}")]
    Unsigned {
        /// Who may sign.
        trusted: String,
    },
    /// Somebody else signed it, or it was changed since.
    #[error("the plugin's signature is by somebody else or of another file, expected one by {trusted}")]
    Stranger {
        /// Who may sign.
        trusted: String,
    },
    /// Signed by a key that is for other plugins.
    #[error("the plugin is signed by {key}, who may sign other plugins and not `{plugin}`")]
    OtherPlugin {
        /// Who signed.
        key: String,
        /// The plugin.
        plugin: PluginName,
    },
    /// Asks for more than plugins of this key may.
    #[error("the plugin is signed by {key}, whose plugins may not use {capabilities}")]
    Beyond {
        /// Who signed.
        key: String,
        /// Names of the capabilities.
        capabilities: String,
    },
    /// Not at the end, or several times.
    #[error(
        "the section `siyu:signature` is there {found} times or before other sections, expected once and last"
    )]
    Place {
        /// How often.
        found: usize,
    },
    /// Not what minisign writes.
    #[error("the section `siyu:signature` holds no signature of minisign")]
    Malformed,
}

/// Why a plugin is not signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The file is no plugin.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// It is signed.
    #[error(
        "the plugin has a signature already: pack it again, which takes it out, and sign what comes of it"
    )]
    Signed,
    /// No key.
    #[error(
        "`{found}` is no public key of minisign: expected the 56 characters of the second line of a .pub file"
    )]
    Key {
        /// The beginning of what was given.
        found: String,
    },
    /// No signature.
    #[error("not a signature of minisign: expected the four lines of a .minisig file")]
    Signature,
    /// Made without hashing the file first.
    #[error("the signature is of the old kind (`minisign -Sl`): sign without -l")]
    Legacy,
    /// By another key.
    #[error("the signature was made with another key than the one that was given")]
    OtherKey,
    /// Of another file.
    #[error("the signature is of another file, or of this one before it was changed")]
    OtherFile,
}
