//! Expressions that plugins ask about: the same few, out of their resources, at every call. Each is parsed once.

use std::collections::HashMap;

use siyu_model::expr::{Expr, ExprError};

/// How many are kept: far more than resources hold. A plugin that makes up new ones has all of them parsed again.
const KEPT_MAX: usize = 512;

/// Parsed expressions by their text.
#[derive(Default)]
pub(crate) struct Expressions(HashMap<Box<str>, Expr>);

impl Expressions {
    /// Reads an expression, or finds it read.
    pub(crate) fn parse(&mut self, source: &str) -> Result<Expr, ExprError> {
        if let Some(known) = self.0.get(source) {
            return Ok(known.clone());
        }
        let expr = Expr::parse(source)?;
        if self.0.len() >= KEPT_MAX {
            self.0.clear();
        }
        self.0.insert(source.into(), expr.clone());
        Ok(expr)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_a_bounded_number_is_kept_and_a_fault_is_told_every_time() {
        let mut expressions = Expressions::default();
        for number in 0..KEPT_MAX * 3 {
            let source = format!("{number} + 1");
            assert_eq!(expressions.parse(&source).map(|expr| expr.source().to_owned()), Ok(source));
            assert!(expressions.0.len() <= KEPT_MAX);
        }
        assert!(expressions.parse("1 +").is_err());
        assert!(expressions.parse("1 +").is_err());
    }
}
