//! Templates: text with `${{ }}` in it, and JSON documents with such texts in them.

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::eval::{EvalError, plain_text};
use super::{Expr, ExprError, Scope};
use crate::json::Value;
use crate::limits::expr::{OUTPUT_BYTES_MAX, TEMPLATE_BYTES_MAX};

/// Text with expressions between `${{` and `}}`.
#[derive(Debug, Clone, PartialEq)]
pub struct TextTemplate {
    source: Arc<str>,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Text(Range<usize>),
    /// An expression and where it begins in the source.
    Expr(Expr, usize),
}

const OPEN: &str = "${{";
const CLOSE: &str = "}}";

impl TextTemplate {
    /// Reads a text; ranges of errors are bytes of this text.
    pub fn parse(source: &str) -> Result<Self, ExprError> {
        if source.len() > TEMPLATE_BYTES_MAX {
            let message =
                format!("a text of {} bytes, at most {TEMPLATE_BYTES_MAX} are allowed", source.len());
            return Err(ExprError { range: 0..source.len(), message, help: None });
        }
        let mut parts = Vec::new();
        let mut at = 0;
        while let Some(open) = source[at..].find(OPEN).map(|found| at + found) {
            if open > at {
                parts.push(Part::Text(at..open));
            }
            let begin = open + OPEN.len();
            let end = begin
                + closing(&source[begin..]).ok_or_else(|| ExprError {
                    range: open..source.len(),
                    message: "`${{` without `}}`".to_owned(),
                    help: Some("write ${{ expression }}".to_owned()),
                })?;
            let expr = Expr::parse(&source[begin..end]).map_err(|fault| ExprError {
                range: begin + fault.range.start..begin + fault.range.end,
                ..fault
            })?;
            parts.push(Part::Expr(expr, begin));
            at = end + CLOSE.len();
        }
        if at < source.len() {
            parts.push(Part::Text(at..source.len()));
        }
        Ok(Self { source: source.into(), parts })
    }

    /// As it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The expressions in it, each with the byte where it begins.
    pub fn expressions(&self) -> impl Iterator<Item = (&Expr, usize)> {
        self.parts.iter().filter_map(|part| match part {
            Part::Expr(expr, at) => Some((expr, *at)),
            Part::Text(_) => None,
        })
    }

    /// The text with its expressions filled in.
    pub fn render(&self, scope: &Scope<'_>) -> Result<String, EvalError> {
        let mut text = String::with_capacity(self.source.len());
        for part in &self.parts {
            match part {
                Part::Text(range) => text.push_str(&self.source[range.clone()]),
                Part::Expr(expr, at) => {
                    let value = expr.eval(scope).map_err(|fault| moved(fault, *at))?;
                    let shown = plain_text(&value).ok_or_else(|| {
                        let message =
                            format!("{} has no form as text: use `| default('…')` or `| join`", value.kind());
                        self.fault(*at, expr, message)
                    })?;
                    text.push_str(&shown);
                }
            }
            if text.len() > OUTPUT_BYTES_MAX {
                let message = format!("a text of more than {OUTPUT_BYTES_MAX} bytes");
                return Err(EvalError {
                    range: 0..self.source.len(),
                    message,
                    is_undefined: false,
                    is_transient: false,
                });
            }
        }
        Ok(text)
    }

    fn fault(&self, at: usize, expr: &Expr, message: String) -> EvalError {
        EvalError { range: at..at + expr.source().len(), message, is_undefined: false, is_transient: false }
    }
}

fn moved(fault: EvalError, by: usize) -> EvalError {
    EvalError { range: fault.range.start + by..fault.range.end + by, ..fault }
}

/// The first `}}` outside of quotes and of an object literal's braces.
fn closing(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut braces = 0usize;
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match (quote, bytes[at]) {
            (Some(_), b'\\') => at += 1,
            (Some(open), byte) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, byte @ (b'\'' | b'"')) => quote = Some(byte),
            (None, b'{') => braces += 1,
            (None, b'}') if braces > 0 => braces -= 1,
            (None, b'}') if bytes.get(at + 1) == Some(&b'}') => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

impl Serialize for TextTemplate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.source)
    }
}

impl<'de> Deserialize<'de> for TextTemplate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

/// A JSON document with expressions in its texts. A text that is one `${{ }}` keeps the kind of its value.
#[derive(Debug, Clone, PartialEq)]
pub enum ValueTemplate {
    /// Nothing to fill in.
    Const(Value),
    /// One expression, giving any kind of value.
    Expr(Expr),
    /// Text with expressions in it.
    Text(TextTemplate),
    /// A list with something to fill in.
    List(Vec<ValueTemplate>),
    /// An object with something to fill in; keys are fixed.
    Map(Vec<(Arc<str>, ValueTemplate)>),
}

impl ValueTemplate {
    /// An object without members.
    pub fn empty() -> Self {
        Self::Const(Value::Map(Arc::default()))
    }

    /// Reads a document; all faults at once, each with the JSON pointer of its text.
    pub fn parse(document: &Value) -> Result<Self, Vec<(String, ExprError)>> {
        let mut faults = Vec::new();
        let template = Self::read(document, &mut String::new(), &mut faults);
        if faults.is_empty() { Ok(template) } else { Err(faults) }
    }

    fn read(document: &Value, pointer: &mut String, faults: &mut Vec<(String, ExprError)>) -> Self {
        let depth = pointer.len();
        let mut below = |key: &str, value: &Value, pointer: &mut String| {
            pointer.push('/');
            pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            let read = Self::read(value, pointer, faults);
            pointer.truncate(depth);
            read
        };
        match document {
            Value::Text(text) if text.contains(OPEN) => match Self::read_text(text) {
                Ok(template) => template,
                Err(fault) => {
                    faults.push((pointer.clone(), fault));
                    Self::Const(Value::Null)
                }
            },
            Value::List(items) => {
                let items: Vec<Self> = items
                    .iter()
                    .enumerate()
                    .map(|(place, item)| below(&place.to_string(), item, pointer))
                    .collect();
                Self::folded_list(items)
            }
            Value::Map(members) => {
                let members: Vec<(Arc<str>, Self)> =
                    members.iter().map(|(key, value)| (key.clone(), below(key, value, pointer))).collect();
                Self::folded_map(members)
            }
            other => Self::Const(other.clone()),
        }
    }

    fn read_text(text: &str) -> Result<Self, ExprError> {
        let mut template = TextTemplate::parse(text)?;
        match template.parts.as_mut_slice() {
            [Part::Expr(expr, _)] => Ok(Self::Expr(expr.clone())),
            _ => Ok(Self::Text(template)),
        }
    }

    fn folded_list(items: Vec<Self>) -> Self {
        let constant: Option<Vec<Value>> = items.iter().map(Self::as_const).collect();
        constant.map_or(Self::List(items), |items| Self::Const(Value::from(items)))
    }

    fn folded_map(members: Vec<(Arc<str>, Self)>) -> Self {
        let constant: Option<Vec<(Arc<str>, Value)>> =
            members.iter().map(|(key, value)| Some((key.clone(), value.as_const()?))).collect();
        constant.map_or(Self::Map(members), |members| Self::Const(Value::map(members)))
    }

    /// The value when nothing is to be filled in.
    pub fn as_const(&self) -> Option<Value> {
        match self {
            Self::Const(value) => Some(value.clone()),
            _ => None,
        }
    }

    /// The expressions in it, in order.
    pub fn expressions(&self) -> Vec<&Expr> {
        match self {
            Self::Const(_) => Vec::new(),
            Self::Expr(expr) => vec![expr],
            Self::Text(text) => text.expressions().map(|(expr, _)| expr).collect(),
            Self::List(items) => items.iter().flat_map(Self::expressions).collect(),
            Self::Map(members) => members.iter().flat_map(|(_, value)| value.expressions()).collect(),
        }
    }

    /// The document with its expressions filled in.
    pub fn fill(&self, scope: &Scope<'_>) -> Result<Value, EvalError> {
        match self {
            Self::Const(value) => Ok(value.clone()),
            Self::Expr(expr) => expr.eval(scope),
            Self::Text(text) => text.render(scope).map(Value::text),
            Self::List(items) => {
                Ok(Value::List(items.iter().map(|item| item.fill(scope)).collect::<Result<_, _>>()?))
            }
            Self::Map(members) => {
                let members: Result<Vec<(Arc<str>, Value)>, EvalError> =
                    members.iter().map(|(key, value)| Ok((key.clone(), value.fill(scope)?))).collect();
                Ok(Value::map(members?))
            }
        }
    }

    /// The document as it was written.
    pub fn to_document(&self) -> Value {
        match self {
            Self::Const(value) => value.clone(),
            Self::Expr(expr) => Value::text(format!("{OPEN}{}{CLOSE}", expr.source())),
            Self::Text(text) => Value::text(text.source()),
            Self::List(items) => items.iter().map(Self::to_document).collect::<Vec<_>>().into(),
            Self::Map(members) => {
                Value::map(members.iter().map(|(key, value)| (key.clone(), value.to_document())))
            }
        }
    }
}

impl Serialize for ValueTemplate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_document().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ValueTemplate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let document = Value::deserialize(deserializer)?;
        Self::parse(&document).map_err(|faults| {
            let (pointer, fault) = &faults[0];
            de::Error::custom(format!("{pointer}: {fault}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{UtcMs, Zone};
    use crate::json;

    fn fill(document: &str) -> Result<String, String> {
        let template =
            ValueTemplate::parse(&json::parse(document).unwrap()).map_err(|faults| format!("{faults:?}"))?;
        let (zone, vars) =
            (Zone::utc(), json::parse(r#"{"n":5,"name":"牛","text":"${{ vars.n }}"}"#).unwrap());
        let scope = Scope::new(UtcMs::EPOCH, &zone, &vars);
        let again: ValueTemplate = serde_json::from_str(&serde_json::to_string(&template).unwrap()).unwrap();
        assert_eq!(again, template, "a template survives its written form");
        template.fill(&scope).map(|value| json::print(&value).unwrap()).map_err(|fault| fault.to_string())
    }

    #[test]
    fn one_expression_keeps_its_kind_and_text_around_it_makes_text() {
        assert_eq!(
            fill(r##"{"a":"${{ vars.n }}","b":"#${{vars.n}}#","c":[1,"${{ vars.n > 3 }}"]}"##).unwrap(),
            r##"{"a":5,"b":"#5#","c":[1,true]}"##
        );
        assert_eq!(fill(r#""${{ {'a': {'b': 1}} }}""#).unwrap(), r#"{"a":{"b":1}}"#);
        assert_eq!(fill(r#""${{ '}}' ~ vars.name }}""#).unwrap(), "\"}}牛\"");
        assert_eq!(fill(r#""{{ literal }}""#).unwrap(), "\"{{ literal }}\"");
    }

    #[test]
    fn what_is_filled_in_is_not_read_again() {
        assert_eq!(fill(r#""${{ vars.text }}""#).unwrap(), r#""${{ vars.n }}""#);
    }

    #[test]
    fn all_faults_come_at_once_with_their_pointers() {
        let faults =
            ValueTemplate::parse(&json::parse(r#"{"a":"${{ 1 + }}","b/c":["${{ x"]}"#).unwrap()).unwrap_err();
        let pointers: Vec<&str> = faults.iter().map(|(pointer, _)| pointer.as_str()).collect();
        assert_eq!(pointers, ["/a", "/b~1c/0"]);
        assert_eq!(faults[1].1.message, "`${{` without `}}`");
    }

    #[test]
    fn null_in_a_text_is_an_error() {
        assert!(fill(r#""a ${{ none }}""#).unwrap_err().contains("null has no form as text"));
    }
}
