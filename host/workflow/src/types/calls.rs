//! Types of functions and filters: what they take and what they give.
//! Never knows a function that the model does not have.

use siyu_model::clock::{DurationMs, UtcMs};
use siyu_model::expr::{FILTERS, FUNCTIONS, Filter, Function, Node, NodeKind};
use siyu_model::json::Value;
use siyu_model::name::EventType;

use super::infer::{Around, Inference};
use super::{Kind, Type};
use crate::diagnostics::quoted;
use crate::diagnostics::rules::{BAD_ARGUMENT, NO_CUSTOMER};

impl Inference<'_, '_> {
    pub(super) fn call(&self, function: Function, args: &[Node], node: &Node, around: &Around<'_>) -> Type {
        match function {
            Function::Count => {
                self.event_type(&args[0], around);
                if let Some(window) = args.get(1) {
                    self.duration(window, around);
                }
                if let Err(why) = &self.env().customer {
                    let message = format!("`count` needs a customer: {why}");
                    self.report(self.fault(NO_CUSTOMER, &node.range, message));
                }
                Kind::Int.into()
            }
            Function::OlderThan | Function::Within => {
                // An instant that is null is neither: a fact without an event has none.
                self.instant(&args[0], around);
                self.duration(&args[1], around);
                Kind::Bool.into()
            }
            Function::DaysSince => {
                let ty = self.instant(&args[0], around);
                self.not_null(&args[0], &ty, around);
                Kind::Int.into()
            }
            Function::Later | Function::Earlier => {
                let ty = self.instant(&args[0], around);
                self.not_null(&args[0], &ty, around);
                self.duration(&args[1], around);
                Kind::Instant.into()
            }
            Function::NextTime => {
                self.time_of_day(&args[0], around);
                Kind::Instant.into()
            }
            Function::Min | Function::Max => {
                let types = args.iter().map(|arg| self.ordered(function, arg, around));
                types.reduce(Type::join).unwrap_or_else(Type::any)
            }
        }
    }

    fn wrong(&self, node: &Node, message: impl Into<String>, words: Option<&str>) {
        let fault = self.fault(BAD_ARGUMENT, &node.range, message);
        self.report(fault.help_if(words.map(str::to_owned)));
    }

    fn ordered(&self, function: Function, arg: &Node, around: &Around<'_>) -> Type {
        let ty = self.node(arg, around);
        self.not_null(arg, &ty, around);
        if ty.kind != Kind::Any && !ty.kind.is_number() && !ty.kind.is_text() {
            let message = format!("this is {ty}, expected a number");
            self.wrong(arg, message, words(FUNCTIONS, function));
        }
        ty
    }

    fn event_type(&self, arg: &Node, around: &Around<'_>) {
        match &arg.kind {
            NodeKind::Const(Value::Text(text)) if EventType::new(text).is_ok() => {
                self.known_event(text, &arg.range);
            }
            NodeKind::Const(Value::Text(text)) => {
                let message = format!("{} is not an event type such as order.paid", quoted(text));
                self.wrong(arg, message, None);
            }
            _ => {
                let ty = self.node(arg, around);
                if ty.kind != Kind::Any && !ty.kind.is_text() {
                    self.wrong(
                        arg,
                        format!("this is {ty}, expected an event type"),
                        words(FUNCTIONS, Function::Count),
                    );
                }
            }
        }
    }

    fn duration(&self, arg: &Node, around: &Around<'_>) {
        if let NodeKind::Const(Value::Text(text)) = &arg.kind {
            if let Err(fault) = text.parse::<DurationMs>() {
                self.wrong(arg, fault.to_string(), None);
            }
            return;
        }
        let ty = self.node(arg, around);
        if ty.kind != Kind::Any && !ty.kind.is_text() {
            self.wrong(arg, format!("this is {ty}, expected a duration such as '7d'"), None);
        }
    }

    fn instant(&self, arg: &Node, around: &Around<'_>) -> Type {
        if let NodeKind::Const(Value::Text(text)) = &arg.kind {
            if let Err(fault) = text.parse::<UtcMs>() {
                self.wrong(arg, fault.to_string(), None);
            }
            return Kind::Instant.into();
        }
        let ty = self.node(arg, around);
        let fits = matches!(ty.kind, Kind::Any | Kind::Int | Kind::Text | Kind::Instant | Kind::Null);
        if !fits {
            self.wrong(arg, format!("this is {ty}, expected an instant"), None);
        }
        ty
    }

    fn time_of_day(&self, arg: &Node, around: &Around<'_>) {
        let NodeKind::Const(Value::Text(text)) = &arg.kind else {
            let ty = self.node(arg, around);
            if ty.kind != Kind::Any && !ty.kind.is_text() {
                self.wrong(arg, format!("this is {ty}, expected a time of day such as '09:30'"), None);
            }
            return;
        };
        let number = |part: &str, below: u8| part.len() == 2 && part.parse::<u8>().is_ok_and(|n| n < below);
        let is_time =
            text.split_once(':').is_some_and(|(hour, minute)| number(hour, 24) && number(minute, 60));
        if !is_time {
            let message = format!("{}, expected a time of day such as '09:30'", quoted(text));
            self.wrong(arg, message, None);
        }
    }

    pub(super) fn filter(&self, filter: Filter, base: &Node, args: &[Node], around: &Around<'_>) -> Type {
        let ty = self.node(base, around);
        args.iter().for_each(|arg| drop(self.node(arg, around)));
        self.not_null(base, &ty, around);
        let (fits, expected, gives) = takes(filter, &ty, args.is_empty());
        if ty.kind != Kind::Any && !fits {
            let name = name(filter);
            let message = format!("`{name}` of {ty}, expected {expected}");
            self.wrong(base, message, words(FILTERS, filter));
        }
        gives
    }
}

/// Whether a filter takes a type, what it expects, and what it gives.
fn takes(filter: Filter, ty: &Type, is_bare: bool) -> (bool, &'static str, Type) {
    let kind = &ty.kind;
    let text = || Type::from(Kind::Text);
    let whole_if = |is_whole: bool| Type::from(if is_whole { Kind::Int } else { Kind::Number });
    match filter {
        Filter::Default => (true, "anything", ty.clone()),
        Filter::Length => (
            kind.is_text() || matches!(kind, Kind::List(_) | Kind::Object(_)),
            "text, a list or an object",
            Kind::Int.into(),
        ),
        Filter::Lower | Filter::Upper | Filter::Trim | Filter::Code => (kind.is_text(), "text", text()),
        Filter::Round => (kind.is_number(), "a number", whole_if(is_bare || *kind == Kind::Int)),
        Filter::Abs => (kind.is_number(), "a number", whole_if(*kind == Kind::Int)),
        Filter::Int => (kind.is_number() || kind.is_text(), "a number or digits", Kind::Int.into()),
        Filter::Float => (kind.is_number() || kind.is_text(), "a number or digits", Kind::Number.into()),
        Filter::String => (
            !matches!(kind, Kind::List(_) | Kind::Object(_) | Kind::Facts | Kind::Null),
            "something that has a form as text",
            text(),
        ),
        Filter::First | Filter::Last => match kind {
            Kind::List(item) => (true, "a list", (**item).clone()),
            _ => (false, "a list", Type::any()),
        },
        Filter::Join => (matches!(kind, Kind::List(_)), "a list", text()),
        Filter::Yuan => (*kind == Kind::Int, "a whole number of fen", text()),
        Filter::Date | Filter::Time => {
            (matches!(kind, Kind::Instant | Kind::Text | Kind::Int), "an instant", text())
        }
    }
}

fn name(filter: Filter) -> &'static str {
    FILTERS.iter().find(|entry| entry.1 == filter).map_or("?", |entry| entry.0)
}

/// What an entry of a list does, in the words of the language.
fn words<T: Copy + PartialEq>(
    entries: &'static [(&'static str, T, (usize, usize), &'static str)],
    wanted: T,
) -> Option<&'static str> {
    entries.iter().find(|entry| entry.1 == wanted).map(|entry| entry.3)
}
