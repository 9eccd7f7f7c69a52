//! Expressions: numbers, texts, names with members, arithmetic, comparison, `and`, `or`, `not`, `is defined`.

use serde_json::{Map, Value, json};

/// An expression.
#[derive(Debug, Clone)]
pub(crate) enum Expr {
    Value(Value),
    Name(String),
    Member(Box<Expr>, String),
    Not(Box<Expr>),
    Defined(Box<Expr>),
    Two(Box<Expr>, &'static str, Box<Expr>),
}

/// Operators by how tightly they bind, longer ones before those that they begin with.
const LEVELS: [&[&str]; 5] =
    [&["or"], &["and"], &["==", "!=", "<=", ">=", "<", ">"], &["+", "-"], &["*", "%"]];

impl Expr {
    /// Reads an expression.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser { tokens: tokens(text)?, at: 0 };
        let expr = parser.level(0)?;
        match parser.tokens.get(parser.at) {
            None => Ok(expr),
            Some(token) => Err(format!("`{text}`: `{token}` does not belong there")),
        }
    }

    /// Its value; what is not there is an error.
    pub(crate) fn eval(&self, names: &Map<String, Value>) -> Result<Value, String> {
        match self {
            Self::Value(value) => Ok(value.clone()),
            Self::Name(name) => names.get(name).cloned().ok_or_else(|| format!("{name} is not there")),
            Self::Member(of, name) => {
                of.eval(names)?.get(name).cloned().ok_or_else(|| format!("{name} is not there"))
            }
            Self::Not(inner) => Ok(json!(!truth(&inner.eval(names)?))),
            Self::Defined(inner) => Ok(json!(inner.eval(names).is_ok())),
            Self::Two(left, "and", right) => {
                let left = left.eval(names)?;
                if truth(&left) { right.eval(names) } else { Ok(left) }
            }
            Self::Two(left, "or", right) => {
                let left = left.eval(names)?;
                if truth(&left) { Ok(left) } else { right.eval(names) }
            }
            Self::Two(left, sign, right) => two(&left.eval(names)?, sign, &right.eval(names)?),
        }
    }

    /// Whether it holds.
    pub(crate) fn holds(&self, names: &Map<String, Value>) -> Result<bool, String> {
        self.eval(names).map(|value| truth(&value))
    }
}

/// Everything but null, false, 0 and what is empty holds.
fn truth(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(holds) => *holds,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
    }
}

fn two(left: &Value, sign: &str, right: &Value) -> Result<Value, String> {
    match sign {
        "==" => return Ok(json!(left == right)),
        "!=" => return Ok(json!(left != right)),
        _ => {}
    }
    let (Some(left), Some(right)) = (left.as_i64(), right.as_i64()) else {
        return Err(format!("{left} {sign} {right} has no value"));
    };
    Ok(match sign {
        "<" => json!(left < right),
        "<=" => json!(left <= right),
        ">" => json!(left > right),
        ">=" => json!(left >= right),
        "+" => json!(left + right),
        "-" => json!(left - right),
        "*" => json!(left * right),
        _ => json!(left.rem_euclid(right)),
    })
}

fn tokens(text: &str) -> Result<Vec<String>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if first == '\'' {
            rest[1..].find('\'').map(|end| end + 2).ok_or_else(|| format!("`{text}`: an open quote"))?
        } else if first.is_ascii_alphanumeric() || first == '_' {
            rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len())
        } else if ["==", "!=", "<=", ">="].iter().any(|sign| rest.starts_with(sign)) {
            2
        } else {
            1
        };
        tokens.push(rest[..length].to_owned());
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

struct Parser {
    tokens: Vec<String>,
    at: usize,
}

impl Parser {
    fn eat(&mut self, token: &str) -> bool {
        let is_there = self.tokens.get(self.at).is_some_and(|found| found == token);
        self.at += usize::from(is_there);
        is_there
    }

    fn next(&mut self) -> Result<String, String> {
        let token = self.tokens.get(self.at).cloned().ok_or("an expression ends too early")?;
        self.at += 1;
        Ok(token)
    }

    fn level(&mut self, level: usize) -> Result<Expr, String> {
        let Some(signs) = LEVELS.get(level) else { return self.single() };
        if level == 2 && self.eat("not") {
            return Ok(Expr::Not(Box::new(self.level(2)?)));
        }
        let mut left = self.level(level + 1)?;
        loop {
            if level == 2 && self.eat("is") {
                if !self.eat("defined") {
                    return Err("only `is defined` is known".to_owned());
                }
                left = Expr::Defined(Box::new(left));
                continue;
            }
            let Some(sign) = signs.iter().find(|sign| self.eat(sign)) else { return Ok(left) };
            left = Expr::Two(Box::new(left), sign, Box::new(self.level(level + 1)?));
        }
    }

    fn single(&mut self) -> Result<Expr, String> {
        let token = self.next()?;
        let mut expr = if token == "(" {
            let inner = self.level(0)?;
            if !self.eat(")") {
                return Err("an open parenthesis".to_owned());
            }
            inner
        } else if let Some(text) = token.strip_prefix('\'') {
            Expr::Value(json!(text.trim_end_matches('\'')))
        } else if let Ok(number) = token.parse::<i64>() {
            Expr::Value(json!(number))
        } else {
            Expr::Name(token)
        };
        while self.eat(".") {
            expr = Expr::Member(Box::new(expr), self.next()?);
        }
        Ok(expr)
    }
}

/// A document with expressions in it.
#[derive(Debug, Clone)]
pub(crate) enum Template {
    /// One expression: its value keeps its kind.
    Expr(Expr),
    /// Text with expressions in it.
    Text(Vec<(String, Option<Expr>)>),
    /// Members by name.
    Map(Vec<(String, Template)>),
    /// A value as it is.
    Value(Value),
}

impl Template {
    /// Reads a text.
    pub(crate) fn text(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${{") {
            let (source, after) = after.split_once("}}").ok_or_else(|| format!("`{text}`: open braces"))?;
            parts.push((before.to_owned(), Some(Expr::parse(source)?)));
            rest = after;
        }
        match parts.as_slice() {
            [] => return Ok(Self::Value(json!(text))),
            [(before, Some(expr))] if before.is_empty() && rest.is_empty() => {
                return Ok(Self::Expr(expr.clone()));
            }
            _ => {}
        }
        parts.push((rest.to_owned(), None));
        Ok(Self::Text(parts))
    }

    /// The document with values in it.
    pub(crate) fn fill(&self, names: &Map<String, Value>) -> Result<Value, String> {
        match self {
            Self::Expr(expr) => expr.eval(names),
            Self::Value(value) => Ok(value.clone()),
            Self::Map(members) => members
                .iter()
                .map(|(name, member)| Ok((name.clone(), member.fill(names)?)))
                .collect::<Result<Map<_, _>, String>>()
                .map(Value::Object),
            Self::Text(parts) => {
                let mut text = String::new();
                for (before, expr) in parts {
                    text.push_str(before);
                    match expr.as_ref().map(|expr| expr.eval(names)).transpose()? {
                        Some(Value::String(value)) => text.push_str(&value),
                        Some(value) => text.push_str(&value.to_string()),
                        None => {}
                    }
                }
                Ok(json!(text))
            }
        }
    }
}
