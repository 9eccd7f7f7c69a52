//! Whether a document fits a schema: what is missing, what is unknown, what has another type. Constants are checked by
//! the whole schema, expressions by their types. Never calls the plugin.

use serde_json::Value as Json;
use siyu_model::clock::{DurationMs, UtcMs, Zone};
use siyu_model::expr::Expr;
use siyu_model::json::Value;

use super::constants;
use crate::diagnostics::rules::{
    BAD_DURATION, BAD_INSTANT, BAD_ZONE, EXPRESSION_SYNTAX, MAY_BE_MISSING, MISSING_PROPERTY,
    UNKNOWN_PROPERTY, WRONG_TYPE,
};
use crate::diagnostics::{Code, Fault, Report, quoted};
use crate::shape::expr::{Doc, DocKind, Member, WrittenExpr};
use crate::source::{Place, Span};
use crate::types::{Env, Kind, Schema, Type, check_text, check_value};

/// A document that is held against a schema.
pub(crate) struct Fit<'a> {
    pub(crate) env: &'a Env<'a>,
    /// What an expression of a definition sees.
    pub(crate) inner: &'a Env<'a>,
    pub(crate) report: &'a Report<'a>,
    /// What the document is for, such as `coupon/issue`.
    pub(crate) what: String,
    /// Where something that is missing is reported, when the document itself is not written.
    pub(crate) head: Span,
}

impl Fit<'_> {
    /// Checks a document. A schema that cannot be used is given back as why.
    pub(crate) fn check(&self, doc: &Doc, schema: Schema<'_>) -> Result<(), String> {
        self.part(doc, schema, false)
    }

    /// Checks a part: its structure and its expressions, then, where it is the outermost constant, its values.
    fn part(&self, doc: &Doc, schema: Schema<'_>, is_checked: bool) -> Result<(), String> {
        let schema = self.way(doc, schema);
        let constant = if is_checked { None } else { doc.constant() };
        let is_checked = is_checked || constant.is_some();
        match &doc.kind {
            DocKind::Const(value, place) => self.format(value, place.as_ref(), doc.span, schema),
            DocKind::Expr(expr) => self.expression(expr, schema),
            DocKind::Text(exprs) => self.text(doc, exprs, schema),
            DocKind::List(items) => {
                self.container(doc, Kind::List(Type::any().into()), schema, is_checked);
                for item in items {
                    match schema.items() {
                        Some(schema) => self.part(item, schema, is_checked)?,
                        None => self.loose(item),
                    }
                }
            }
            DocKind::Map(_) => {
                self.container(doc, Kind::Object(Default::default()), schema, is_checked);
                self.members(doc, schema, is_checked)?;
            }
        }
        match constant {
            Some(value) => constants::check(self, doc, &value, schema),
            None => Ok(()),
        }
    }

    fn text(&self, doc: &Doc, exprs: &[WrittenExpr], schema: Schema<'_>) {
        exprs.iter().for_each(|expr| check_text(expr, self.env, self.report));
        let wanted = schema.to_type("it");
        if Type::from(Kind::Text).excludes(&wanted) {
            let message = format!("this is text, `{}` expects {wanted}", self.what);
            let fault = Fault::new(WRONG_TYPE, doc.span, message)
                .help("a value that is one ${{ }} and nothing else keeps its kind");
            self.report.add(fault);
        }
    }

    /// The way of a schema with several that the document takes, as far as its constants tell.
    fn way<'s>(&self, doc: &Doc, schema: Schema<'s>) -> Schema<'s> {
        let ways = schema.ways();
        if ways.len() < 2 || !schema.property_names().is_empty() {
            return schema;
        }
        let fits = |way: &Schema<'_>| match doc.members() {
            None => way.property_names().is_empty(),
            Some(members) => {
                let says_otherwise = |(key, value): &Member| {
                    let wanted = way.property(&key.value).map(|schema| schema.to_type("it"));
                    match (wanted.map(|ty| ty.kind), value.constant()) {
                        (Some(Kind::OneOf(texts)), Some(Value::Text(text))) => !texts.contains(&text),
                        _ => false,
                    }
                };
                !way.property_names().is_empty() && !members.iter().any(says_otherwise)
            }
        };
        let mut fitting = ways.into_iter().filter(fits);
        match (fitting.next(), fitting.next()) {
            (Some(only), None) => only,
            _ => schema,
        }
    }

    /// Reports a list or an object where something else is expected; constants were checked already.
    fn container(&self, doc: &Doc, kind: Kind, schema: Schema<'_>, is_checked: bool) {
        let wanted = schema.to_type("it");
        let found = Type::from(kind);
        if !is_checked && found.excludes(&wanted) {
            let message = format!("this is {found}, `{}` expects {wanted}", self.what);
            let span = self.report.sources().first_line(doc.span);
            self.report.add(Fault::new(WRONG_TYPE, span, message));
        }
    }

    fn members(&self, doc: &Doc, schema: Schema<'_>, is_checked: bool) -> Result<(), String> {
        let members = doc.members().unwrap_or_default();
        let head = members.first().map_or(self.head, |(key, _)| key.span);
        for name in schema.required() {
            if !members.iter().any(|(key, _)| &*key.value == name) {
                let message = format!("`{}` needs `{name}`", self.what);
                let fault = Fault::new(MISSING_PROPERTY, head, message);
                let words = schema.property(name).and_then(Schema::description).map(str::to_owned);
                self.report.add(fault.help_if(words));
            }
        }
        for (key, value) in members {
            match schema.property(&key.value).or_else(|| schema.additional()) {
                Some(schema) => self.part(value, schema, is_checked)?,
                None => {
                    if schema.is_closed() {
                        let message = format!("`{}` does not know {}", self.what, quoted(&key.value));
                        let fault = Fault::new(UNKNOWN_PROPERTY, key.span, message);
                        self.report.add(fault.near(&key.value, schema.property_names(), self.report));
                    }
                    self.loose(value);
                }
            }
        }
        Ok(())
    }

    /// Expressions in a part of which the schema says nothing.
    pub(crate) fn loose(&self, doc: &Doc) {
        loose(doc, self.env, self.report);
    }

    fn expression(&self, expr: &WrittenExpr, schema: Schema<'_>) {
        let found = check_value(expr, self.env, self.report);
        let wanted = schema.to_type("it");
        let span = expr.whole(self.report);
        let is_fraction = wanted.kind == Kind::Int && found.kind == Kind::Number;
        if found.excludes(&wanted) || is_fraction {
            let message = format!("this is {found}, `{}` expects {wanted}", self.what);
            let help = match (&wanted.kind, &found.kind) {
                (Kind::Int, Kind::Number) => Some("round it: x | round, or divide with `//`"),
                (Kind::Int | Kind::Number, kind) if kind.is_text() => Some("make a number of it: x | int"),
                (kind, Kind::Int | Kind::Number | Kind::Bool) if kind.is_text() => {
                    Some("make a text of it: x | string")
                }
                _ => None,
            };
            let fault = Fault::new(WRONG_TYPE, span, message);
            self.report.add(fault.help_if(help.map(str::to_owned)));
        } else if found.nullable && !wanted.nullable && wanted.kind != Kind::Any {
            let fault = Fault::new(
                MAY_BE_MISSING,
                span,
                format!("it may be null, and `{}` expects {wanted}", self.what),
            )
            .help("write x | default(…), or ask for it in an `if` around this step");
            self.report.add(fault);
        }
    }

    /// Texts that are something in the language of Siyu.
    fn format(&self, value: &Value, place: Option<&Place>, span: Span, schema: Schema<'_>) {
        let (Some(text), Some(place), Some(format)) = (value.as_str(), place, schema.format()) else {
            return;
        };
        let wrong = |code: Code, why: String| self.report.add(Fault::new(code, span, why));
        match format {
            "siyu-expression" => match Expr::parse(text) {
                Ok(expr) => {
                    let written = WrittenExpr::new(expr, place.clone());
                    check_value(&written, self.inner, self.report);
                }
                Err(fault) => {
                    let span = self.report.inside(place, fault.range);
                    let fault = Fault::new(EXPRESSION_SYNTAX, span, fault.message).help_if(fault.help);
                    self.report.add(fault);
                }
            },
            "siyu-duration" => {
                if let Err(why) = text.parse::<DurationMs>() {
                    wrong(BAD_DURATION, why.to_string());
                }
            }
            "siyu-instant" => {
                if let Err(why) = text.parse::<UtcMs>() {
                    wrong(BAD_INSTANT, why.to_string());
                }
            }
            "siyu-zone" => {
                if let Err(why) = text.parse::<Zone>() {
                    wrong(BAD_ZONE, why.to_string());
                }
            }
            _ => {}
        }
    }
}

/// Expressions in a document of which nothing else is known.
pub(crate) fn loose(doc: &Doc, env: &Env<'_>, report: &Report<'_>) {
    match &doc.kind {
        DocKind::Const(..) => {}
        DocKind::Expr(expr) => drop(check_value(expr, env, report)),
        DocKind::Text(exprs) => exprs.iter().for_each(|expr| check_text(expr, env, report)),
        DocKind::List(items) => items.iter().for_each(|item| loose(item, env, report)),
        DocKind::Map(members) => members.iter().for_each(|(_, value)| loose(value, env, report)),
    }
}

/// A value as the schema library takes it.
pub(super) fn to_json(value: &Value) -> Json {
    serde_json::to_value(value).unwrap_or_default()
}
