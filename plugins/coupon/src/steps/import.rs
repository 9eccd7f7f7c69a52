//! `import`: the operator's own codes.

use siyu_plugin::prelude::*;
use siyu_plugin::{codes, pools, records, resources};

use crate::batch::Batch;
use crate::code::{SPACE, Spare};
use crate::ledger;

/// Codes of one call: each costs two calls of the host, of which a step has 10,000.
const CODES_MAX: usize = 2_000;
/// Faulty codes that are shown; the rest is counted.
const FAULTS_SHOWN_MAX: usize = 20;
/// Bytes of one code as it is written.
const CODE_BYTES_MAX: usize = 64;

/// Takes in the operator's own codes (导入券码), such as those of a supplier, for a batch with `code: { source: imported }`. A
/// code that is known already is counted and left as it is, so a list can be given again.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Import {
    /// The batch.
    pub batch: String,
    /// The codes, at most 2000 a call: 4 to 64 letters and digits, beside spaces and hyphens. A check symbol is not needed.
    #[schemars(length(max = 2000))]
    pub codes: Vec<String>,
}

/// What came of the list.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Imported {
    /// The batch.
    pub batch: String,
    /// Codes that are new.
    pub imported: u64,
    /// Codes that were known already, or stood in the list twice.
    pub duplicates: u64,
    /// Texts that cannot be codes.
    pub malformed: u64,
    /// The first 20 of those.
    pub faults: Vec<CodeFault>,
    /// Codes of the batch in all.
    pub total: u64,
}

/// A text that cannot be a code.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct CodeFault {
    /// Its place in the list, from 0 on.
    pub place: u64,
    /// What is wrong with it.
    pub message: String,
}

impl Step for Import {
    const NAME: &'static str = "import";
    type Output = Imported;

    fn run(self) -> Result<Imported, Stop> {
        let batch: Batch = resources::require(&self.batch)?;
        if !batch.is_imported() {
            let message = format!(
                "the codes of `{}` are minted: expected a batch with `code: {{ source: imported }}`",
                self.batch
            );
            Err(Fault::invalid("/batch", message))?;
        }
        if self.codes.len() > CODES_MAX {
            let message = format!("{} codes, expected at most {CODES_MAX} a call", self.codes.len());
            Err(Fault::invalid("/codes", message))?;
        }
        let stock = ledger::stock_key(&self.batch);
        let before = pools::get(&stock)?.map_or(0, |pool| pool.total);
        let mut imported = Imported {
            batch: self.batch,
            imported: 0,
            duplicates: 0,
            malformed: 0,
            faults: Vec::new(),
            total: before,
        };
        for (place, code) in self.codes.iter().enumerate() {
            match imported.take(code.trim()) {
                Ok(()) => {}
                Err(error) if error.is_invalid() => imported.note(place, error.message),
                Err(error) => Err(error)?,
            }
        }
        if imported.total > before {
            pools::define(&stock, imported.total)?;
        }
        Ok(imported)
    }
}

impl Imported {
    fn take(&mut self, code: &str) -> Result<(), Error> {
        if code.len() > CODE_BYTES_MAX {
            let message = format!("{} bytes, expected at most {CODE_BYTES_MAX}", code.len());
            return Err(Error::invalid(message));
        }
        let record = Spare::key(&self.batch, self.total + 1);
        if !codes::adopt(SPACE, code, &record)? {
            self.duplicates += 1;
            return Ok(());
        }
        let spare = Spare { batch: self.batch.clone(), code: code.to_owned(), given: None };
        records::of_tenant().put(&record, &spare)?;
        self.imported += 1;
        self.total += 1;
        Ok(())
    }

    fn note(&mut self, place: usize, message: String) {
        self.malformed += 1;
        if self.faults.len() < FAULTS_SHOWN_MAX {
            self.faults.push(CodeFault { place: place as u64, message });
        }
    }
}
