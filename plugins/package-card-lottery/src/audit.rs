//! Looking at the log (审计): checking its lines where they are kept, and handing them out for the archive of two years
//! (SAMR Order 32 art. 19). Never changes anything.

use serde_json::value::RawValue;
use siyu_plugin::prelude::*;
use siyu_plugin::records;

use crate::campaign::Campaign;
use crate::chain::Ledger;
use crate::keys;
use crate::verify::{Frequency, Verifier};

/// Lines of usual length that one call checks: half of its budget of instructions (measured: 267,000 a draw).
const VERIFIED_MAX: usize = 2_000;
/// Bytes of a line of usual length; what is longer, such as a list of entrants, counts for each `MORE_BYTES` once more.
const USUAL_BYTES: usize = 1_000;
const MORE_BYTES: usize = 500;
/// Bytes of the lines of one export, so that it fits into an output.
const EXPORT_BYTES_MAX: usize = 180 << 10;
/// Lines of one export.
const EXPORT_LINES_MAX: u32 = 1_000;

/// Checks the log of a campaign (验证): that no line was changed, that every number comes from the sealed seed, and that
/// every prize follows from the rules.
///
/// Lines after the first page are checked for themselves: what depends on the whole log, such as limits a customer, is
/// checked on the first page and by `siyu draws verify`, which reads an exported log at once.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verify {
    /// The campaign.
    pub campaign: String,
    /// The line after which to begin; 0 is the beginning.
    #[serde(default)]
    pub after: u64,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Verified {
    /// Whether everything that was checked is right.
    pub ok: bool,
    /// What is wrong first, in words.
    pub fault: Option<String>,
    /// Lines that were checked.
    pub lines: u64,
    /// Draws among them.
    pub draws: u64,
    /// The last line that was checked, to go on with as `after`; null at the end of the log.
    pub next: Option<u64>,
    /// `everything`, or `lines` when the check began in the middle.
    pub scope: String,
    /// How often each prize was drawn, and how often it should have been.
    pub frequencies: Vec<Frequency>,
    /// The χ² of those frequencies, in thousandths.
    pub chi_square_milli: u64,
    /// Its degrees of freedom.
    pub degrees_of_freedom: u32,
}

impl Step for Verify {
    const NAME: &'static str = "verify";
    type Output = Verified;

    fn run(self) -> Result<Verified, Stop> {
        let ledger = Ledger::require(&self.campaign)?;
        let mut verifier = self.begin(&ledger)?;
        let lines = records::of_tenant().scan::<Box<RawValue>>(&keys::lines(&self.campaign));
        let lines = lines.after(keys::line(&self.campaign, self.after));
        let last = ledger.state.seq;
        let (mut fault, mut next, mut work, mut is_full) = (None, self.after, 0, false);
        for entry in lines {
            let (_, line) = entry?;
            work += 1 + line.get().len().saturating_sub(USUAL_BYTES) / MORE_BYTES;
            is_full = work > VERIFIED_MAX && next > self.after;
            if is_full {
                break;
            }
            next += 1;
            if let Err(flaw) = verifier.read(line.get()) {
                fault = Some(format!("line {next}: {flaw}"));
                break;
            }
        }
        let is_end = next >= last;
        if fault.is_none() && !is_end && !is_full {
            fault = Some(format!("line {} is missing: the campaign knows {last} lines", next + 1));
        }
        if fault.is_none() && is_end && verifier.head() != ledger.state.head {
            fault = Some(format!(
                "the log ends with {}, the campaign knows {}",
                verifier.head(),
                ledger.state.head
            ));
        }
        let report = verifier.report();
        Ok(Verified {
            ok: fault.is_none(),
            next: (fault.is_none() && !is_end).then_some(next),
            fault,
            lines: report.lines,
            draws: report.draws,
            scope: if self.after == 0 { "everything" } else { "lines" }.to_owned(),
            chi_square_milli: report.chi_square_milli,
            degrees_of_freedom: report.degrees_of_freedom,
            frequencies: report.frequencies,
        })
    }
}

impl Verify {
    fn begin(&self, ledger: &Ledger) -> Result<Verifier, Stop> {
        let seed = Some(ledger.seal.seed.clone());
        if self.after == 0 {
            return Ok(Verifier::new(seed));
        }
        let before: Option<Box<RawValue>> =
            records::of_tenant().get(&keys::line(&self.campaign, self.after))?;
        let last = ledger.state.seq;
        let before = before.ok_or_else(|| {
            Fault::invalid("/after", format!("there is no line {}: the log has {last}", self.after))
        })?;
        let versions = 1..=ledger.seal.config_version;
        let configs: Result<Vec<Campaign>, Error> =
            versions.map(|version| ledger.config_of(version)).collect();
        let verifier = Verifier::after(before.get(), configs?, ledger.seal.source());
        Ok(verifier.map_err(|flaw| Fault::permanent("LOG_BROKEN", format!("line {}: {flaw}", self.after)))?)
    }
}

/// Hands out lines of the log (导出), as they are kept, for the archive and for programs that check them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Export {
    /// The campaign.
    pub campaign: String,
    /// The line after which to begin; 0 is the beginning.
    #[serde(default)]
    pub after: u64,
    /// How many lines, at most 1,000; fewer when they are long.
    #[serde(default = "most")]
    pub limit: u32,
}

fn most() -> u32 {
    EXPORT_LINES_MAX
}

/// Lines of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Exported {
    /// Each a JSON object as text.
    pub lines: Vec<String>,
    /// The last line, to go on with as `after`; null at the end of the log.
    pub next: Option<u64>,
    /// The number of the log's last line.
    pub seq: u64,
    /// The hash of the log's last line.
    pub chain_hash: String,
}

impl Step for Export {
    const NAME: &'static str = "export";
    type Output = Exported;

    fn run(self) -> Result<Exported, Stop> {
        let ledger = Ledger::require(&self.campaign)?;
        let scan = records::of_tenant().scan::<Box<RawValue>>(&keys::lines(&self.campaign));
        let scan = scan.after(keys::line(&self.campaign, self.after));
        let mut lines: Vec<String> = Vec::new();
        let mut bytes = 0;
        for entry in scan.take(self.limit.min(EXPORT_LINES_MAX) as usize) {
            let (_, line) = entry?;
            // Quotation marks are escaped in an output: about an eighth more.
            bytes += line.get().len() + line.get().len() / 4;
            if bytes > EXPORT_BYTES_MAX && !lines.is_empty() {
                break;
            }
            lines.push(line.get().to_owned());
        }
        let last = self.after + lines.len() as u64;
        Ok(Exported {
            next: (last < ledger.state.seq && !lines.is_empty()).then_some(last),
            lines,
            seq: ledger.state.seq,
            chain_hash: ledger.state.head,
        })
    }
}

#[cfg(test)]
mod tests;
