//! What expressions can call: a closed list, each with its words for people.

/// One entry of a list: name, fewest and most arguments, what it does.
pub(super) type Entry<T> = (&'static str, T, (usize, usize), &'static str);

/// `function(…)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// How many events of a type in a window.
    Count,
    /// Whether an instant lies at least a duration ago.
    OlderThan,
    /// Whether an instant lies less than a duration ago.
    Within,
    /// Whole days since an instant.
    DaysSince,
    /// An instant so much later.
    Later,
    /// An instant so much earlier.
    Earlier,
    /// The next instant at which the local clock shows a time.
    NextTime,
    /// The smaller of numbers.
    Min,
    /// The larger of numbers.
    Max,
}

/// `x | filter`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// Another value for what is missing or null.
    Default,
    /// Symbols of a text, items of a list, members of an object.
    Length,
    /// Small letters.
    Lower,
    /// Capital letters.
    Upper,
    /// Without white space at the ends.
    Trim,
    /// Rounded to a whole number, or to so many decimals.
    Round,
    /// Without its sign.
    Abs,
    /// A whole number from a number or a text.
    Int,
    /// A number from a number or a text.
    Float,
    /// Text from anything that is no list or object.
    String,
    /// The first item.
    First,
    /// The last item.
    Last,
    /// Items joined to a text.
    Join,
    /// Fen as yuan: 6650 is 66.50.
    Yuan,
    /// The calendar day in the tenant's zone: 2026-11-21.
    Date,
    /// The time of day in the tenant's zone: 09:30.
    Time,
    /// A code in groups of four.
    Code,
}

/// `x is test`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Test {
    /// Whether the name is there, even if null.
    Defined,
    /// Whether it is null.
    None,
    /// Whether it is a number.
    Number,
    /// Whether it is text.
    String,
    /// Whether it is a list.
    Sequence,
    /// Whether it is an object.
    Mapping,
}

/// All functions.
pub const FUNCTIONS: &[Entry<Function>] = &[
    (
        "count",
        Function::Count,
        (1, 2),
        "count('order.paid', '90d'): how many such events of this customer in the window",
    ),
    (
        "older_than",
        Function::OlderThan,
        (2, 2),
        "older_than(at, '60d'): the instant lies at least that long ago; false when there is no instant",
    ),
    (
        "within",
        Function::Within,
        (2, 2),
        "within(at, '30d'): the instant lies less than that long ago; false when there is no instant",
    ),
    ("days_since", Function::DaysSince, (1, 1), "days_since(at): whole days of 24 hours since the instant"),
    ("later", Function::Later, (2, 2), "later(at, '7d'): the instant that much later"),
    ("earlier", Function::Earlier, (2, 2), "earlier(at, '24h'): the instant that much earlier"),
    (
        "next_time",
        Function::NextTime,
        (1, 1),
        "next_time('10:00'): the next instant at which the tenant's clock shows that, later than now",
    ),
    ("min", Function::Min, (1, 8), "min(a, b): the smaller number"),
    ("max", Function::Max, (1, 8), "max(a, b): the larger number"),
];

/// All filters.
pub const FILTERS: &[Entry<Filter>] = &[
    ("default", Filter::Default, (1, 1), "x | default(y): y when x is missing or null"),
    ("length", Filter::Length, (0, 0), "x | length: symbols, items or members"),
    ("lower", Filter::Lower, (0, 0), "x | lower: small letters"),
    ("upper", Filter::Upper, (0, 0), "x | upper: capital letters"),
    ("trim", Filter::Trim, (0, 0), "x | trim: without white space at the ends"),
    ("round", Filter::Round, (0, 1), "x | round(2): rounded half away from zero"),
    ("abs", Filter::Abs, (0, 0), "x | abs: without its sign"),
    ("int", Filter::Int, (0, 0), "x | int: a whole number, fractions cut off"),
    ("float", Filter::Float, (0, 0), "x | float: a number"),
    ("string", Filter::String, (0, 0), "x | string: text"),
    ("first", Filter::First, (0, 0), "x | first: the first item"),
    ("last", Filter::Last, (0, 0), "x | last: the last item"),
    ("join", Filter::Join, (0, 1), "x | join(', '): items as one text"),
    ("yuan", Filter::Yuan, (0, 0), "fen | yuan: 6650 becomes 66.50, 6600 becomes 66"),
    ("date", Filter::Date, (0, 0), "at | date: 2026-11-21 in the tenant's zone"),
    ("time", Filter::Time, (0, 0), "at | time: 09:30 in the tenant's zone"),
    ("code", Filter::Code, (0, 0), "code | code: 7K9Q-W2XZ-4MPT-Y"),
];

/// All tests.
pub const TESTS: &[Entry<Test>] = &[
    ("defined", Test::Defined, (0, 0), "x is defined: the name is there, even if null"),
    ("none", Test::None, (0, 0), "x is none: it is null"),
    ("number", Test::Number, (0, 0), "x is number"),
    ("string", Test::String, (0, 0), "x is string"),
    ("sequence", Test::Sequence, (0, 0), "x is sequence: a list"),
    ("mapping", Test::Mapping, (0, 0), "x is mapping: an object"),
];

/// The entry of a name.
pub(super) fn find<T: Copy>(entries: &'static [Entry<T>], name: &str) -> Option<&'static Entry<T>> {
    entries.iter().find(|entry| entry.0 == name)
}

/// The written name of a value of a list.
pub(super) fn name_of<T: Copy + PartialEq>(entries: &'static [Entry<T>], value: T) -> &'static str {
    entries.iter().find(|entry| entry.1 == value).map_or("?", |entry| entry.0)
}
