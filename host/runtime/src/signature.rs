//! Whose plugins a host runs: the signature in a plugin's file, made by minisign, and the keys that it is checked with.
//!
//! The signature is the last section of the file and covers every byte before it, so a plugin stays one file, and its digest
//! pins what was signed together with who signed it.

use minisign_verify::{PublicKey, Signature};
use siyu_model::digest::PluginDigest;
use siyu_model::name::PluginName;
use siyu_model::plugin::CapabilitySet;

use crate::error::{LoadError, SignError, TrustError};
use crate::inspect::{inspect, names};
use crate::runtime::digest_of;
use crate::sections;

/// The name of the custom section that holds the signature.
pub const SIGNATURE_SECTION: &str = "siyu:signature";
/// Bytes of a signature's text: the comment that it covers has at most 8,192.
const SIGNATURE_BYTES_MAX: usize = 16 << 10;

/// Which plugins a host runs.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// Keys of which one must have signed a plugin; none asks for no signature.
    keys: Option<Vec<SigningKey>>,
    /// Plugins that do not run any more, whoever signed them.
    revoked: Vec<PluginDigest>,
}

/// Somebody whose plugins run.
#[derive(Debug, Clone)]
pub struct SigningKey {
    /// Whose key it is, for people.
    pub name: String,
    /// The key, as minisign writes it: 56 characters that begin with `RW`.
    key: PublicKey,
    /// The plugins that it may sign; all when there are none.
    pub plugins: Option<Vec<PluginName>>,
    /// What plugins that it signs may import beside what every plugin has; anything when there is nothing.
    pub capabilities: Option<CapabilitySet>,
}

impl SigningKey {
    /// A key that may sign any plugin.
    ///
    /// # Errors
    /// When the text is no public key of minisign.
    pub fn new(name: String, key: &str) -> Result<Self, SignError> {
        Ok(Self { name, key: public_key(key)?, plugins: None, capabilities: None })
    }
}

fn public_key(text: &str) -> Result<PublicKey, SignError> {
    PublicKey::from_base64(text.trim())
        .map_err(|_| SignError::Key { found: text.trim().chars().take(60).collect() })
}

impl Trust {
    /// Only what one of these keys signed, and nothing that was revoked.
    pub fn only(keys: Vec<SigningKey>, revoked: Vec<PluginDigest>) -> Self {
        Self { keys: Some(keys), revoked }
    }

    /// Whatever anybody put into the plugin folder, except for what was revoked.
    pub fn anyone(revoked: Vec<PluginDigest>) -> Self {
        Self { keys: None, revoked }
    }

    /// The names of those whose plugins run; none when nobody has to sign.
    pub fn signers(&self) -> Option<Vec<&str>> {
        Some(self.keys.as_ref()?.iter().map(|key| key.name.as_str()).collect())
    }

    /// Whether a plugin's file must be looked at each time that it is loaded.
    pub(crate) fn needs_the_file(&self) -> bool {
        self.keys.is_some()
    }

    /// Whether a plugin may still run, whoever signed it.
    pub(crate) fn check_revoked(&self, digest: &PluginDigest) -> Result<(), TrustError> {
        if self.revoked.contains(digest) { Err(TrustError::Revoked { digest: *digest }) } else { Ok(()) }
    }

    /// Who signed a plugin, when somebody must have.
    pub(crate) fn admit(
        &self,
        component: &[u8],
        name: &PluginName,
        imports: CapabilitySet,
    ) -> Result<Option<String>, LoadError> {
        self.check_revoked(&digest_of(component))?;
        let Some(keys) = &self.keys else { return Ok(None) };
        let trusted = || match keys.iter().map(|key| key.name.as_str()).collect::<Vec<_>>().as_slice() {
            [] => "nobody".to_owned(),
            names => names.join(" or "),
        };
        let signed = read(component)?.ok_or_else(|| TrustError::Unsigned { trusted: trusted() })?;
        let key = keys.iter().find(|key| signed.is_by(&key.key));
        let key = key.ok_or_else(|| TrustError::Stranger { trusted: trusted() })?;
        if let Some(plugins) = &key.plugins
            && !plugins.contains(name)
        {
            let (key, plugin) = (key.name.clone(), name.clone());
            return Err(TrustError::OtherPlugin { key, plugin }.into());
        }
        let beyond = key.capabilities.map(|allowed| imports.beyond(allowed)).unwrap_or_default();
        let beyond: CapabilitySet = beyond.iter().filter(|capability| !capability.is_free()).collect();
        if !beyond.is_empty() {
            let (key, capabilities) = (key.name.clone(), names(beyond));
            return Err(TrustError::Beyond { key, capabilities }.into());
        }
        Ok(Some(key.name.clone()))
    }
}

/// What was signed, and the signature.
struct Signed<'a> {
    bytes: &'a [u8],
    signature: Signature,
}

impl Signed<'_> {
    fn is_by(&self, key: &PublicKey) -> bool {
        // Signatures of the old kind, over the whole file at once, are refused.
        key.verify(self.bytes, &self.signature, false).is_ok()
    }
}

/// The signature of a component; none when there is none.
fn read(component: &[u8]) -> Result<Option<Signed<'_>>, LoadError> {
    let sections = sections::sections(component)?;
    let found = sections.iter().filter(|section| section.is(SIGNATURE_SECTION)).count();
    let last = sections.last().filter(|section| section.is(SIGNATURE_SECTION));
    let (found, last) = match (found, last) {
        (0, _) => return Ok(None),
        (1, Some(last)) => (last.bytes.len(), last),
        (found, _) => return Err(TrustError::Place { found }.into()),
    };
    let text = last.custom.and_then(|(_, data)| std::str::from_utf8(data).ok());
    let text = text.filter(|text| text.len() <= SIGNATURE_BYTES_MAX);
    let signature = text.and_then(|text| Signature::decode(text).ok()).ok_or(TrustError::Malformed)?;
    Ok(Some(Signed { bytes: &component[..component.len() - found], signature }))
}

/// Puts the signature that minisign made of a packed plugin (`minisign -S -m PLUGIN.wasm`) into the plugin, once it is seen
/// that this key made it of this file.
///
/// # Errors
/// When the file is no packed plugin or has a signature already, and when the signature is none, is of another file or by
/// another key.
pub fn sign(plugin: &[u8], signature: &str, key: &str) -> Result<Vec<u8>, SignError> {
    inspect(plugin)?.checked_manifest()?;
    if read(plugin)?.is_some() {
        return Err(SignError::Signed);
    }
    let key = public_key(key)?;
    let made = Signature::decode(signature).map_err(|_| SignError::Signature)?;
    key.verify(plugin, &made, false).map_err(|why| match why {
        minisign_verify::Error::UnexpectedKeyId => SignError::OtherKey,
        minisign_verify::Error::UnsupportedLegacyMode => SignError::Legacy,
        _ => SignError::OtherFile,
    })?;
    Ok(sections::with(plugin, SIGNATURE_SECTION, signature))
}
