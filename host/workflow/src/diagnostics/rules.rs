//! The rules: a code, a page each. The pages are `rules/*.md` of this crate, and every code has one.
//!
//! `E01` text and YAML, `E02` shape, `E03` plugins and resources, `E04` expressions and types, `E05` the graph of
//! steps and names, `E06` overlays, `W10` what is allowed and probably not meant. Never applies one.

use serde::Serialize;

use super::Severity;

/// The code of a rule, such as `E0203`. Stable: a code is never used for another rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Code(&'static str);

impl Code {
    /// The code as text.
    pub fn as_str(self) -> &'static str {
        self.0
    }

    /// How bad it is: errors begin with E, warnings with W.
    pub fn severity(self) -> Severity {
        if self.0.starts_with('W') { Severity::Warning } else { Severity::Error }
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

/// A rule and its page.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Its code.
    pub code: Code,
    /// What it means, an example and what to do, in Markdown.
    pub page: &'static str,
}

impl Rule {
    /// The rule in one line: the heading of its page without the code.
    pub fn title(&self) -> &'static str {
        let line = self.page.lines().next().unwrap_or_default();
        line.split_once(": ").map_or(line, |(_, title)| title)
    }
}

/// The page of a code; case does not matter.
pub fn explain(code: &str) -> Option<&'static str> {
    RULES.iter().find(|rule| rule.code.0.eq_ignore_ascii_case(code.trim())).map(|rule| rule.page)
}

macro_rules! rules {
    ($($name:ident = $code:literal,)*) => {
        $(pub(crate) const $name: Code = Code($code);)*

        /// All rules, in the order of their codes.
        pub const RULES: &[Rule] = &[
            $(Rule { code: $name, page: include_str!(concat!("../../rules/", $code, ".md")) },)*
        ];
    };
}

rules! {
    FILE_TOO_LARGE = "E0101",
    NOT_UTF8 = "E0102",
    FORBIDDEN_CHARACTER = "E0103",
    BYTE_ORDER_MARK = "E0104",
    YAML_SYNTAX = "E0105",
    UNQUOTED_BRACES = "E0106",
    DUPLICATE_KEY = "E0107",
    TOO_DEEP = "E0108",
    TOO_MANY_NODES = "E0109",
    MANY_DOCUMENTS = "E0110",
    MERGE_KEY = "E0111",
    TAG = "E0112",
    AMBIGUOUS_SCALAR = "E0113",
    KEY_NOT_TEXT = "E0114",
    EMPTY_FILE = "E0115",
    NOT_FINITE = "E0116",
    BUNDLE_TOO_LARGE = "E0117",
    NO_PLAYBOOK = "E0118",

    WRONG_KIND = "E0201",
    MISSING_KEY = "E0202",
    UNKNOWN_KEY = "E0203",
    NOT_ONE_OF = "E0204",
    BAD_NAME = "E0205",
    BAD_DURATION = "E0206",
    BAD_INSTANT = "E0207",
    BAD_ZONE = "E0208",
    BAD_CRON = "E0209",
    OUT_OF_RANGE = "E0210",
    STEP_KIND = "E0211",
    KEY_OF_OTHER_KIND = "E0212",
    TRIGGER_KIND = "E0213",
    WAIT_KIND = "E0214",
    BEAT_KIND = "E0215",
    DUPLICATE_NAME = "E0216",
    NOT_SUPPORTED = "E0217",
    ELSE_NOT_LAST = "E0218",
    EMPTY = "E0219",
    BAD_USES = "E0220",
    BAD_GOAL = "E0221",
    BAD_QUIET_HOURS = "E0222",
    BAD_FIELD_TYPE = "E0223",
    RESERVED_NAME = "E0224",
    TIME_GOES_BACK = "E0225",
    BAD_CUSTOMER = "E0226",

    UNKNOWN_PLUGIN = "E0301",
    PLUGIN_NOT_LISTED = "E0302",
    UNKNOWN_PLUGIN_STEP = "E0303",
    OTHER_MAJOR = "E0304",
    UNKNOWN_CAPABILITY = "E0305",
    NOT_GRANTED = "E0306",
    UNKNOWN_RESOURCE_KIND = "E0307",
    MISSING_PROPERTY = "E0308",
    UNKNOWN_PROPERTY = "E0309",
    BAD_VALUE = "E0310",
    WRONG_TYPE = "E0311",
    UNKNOWN_REFUSAL = "E0312",
    BAD_SCHEMA = "E0313",
    PLUGIN_FINDING = "E0314",

    EXPRESSION_SYNTAX = "E0401",
    UNKNOWN_ROOT = "E0402",
    UNKNOWN_FIELD = "E0403",
    UNKNOWN_STEP = "E0404",
    STEP_COMES_LATER = "E0405",
    STEP_ELSEWHERE = "E0406",
    IMPOSSIBLE_COMPARISON = "E0407",
    BAD_OPERAND = "E0408",
    BAD_ARGUMENT = "E0409",
    UNKNOWN_EVENT = "E0410",
    NO_MATCH_KEY = "E0411",
    UNEXPECTED_TYPE = "E0412",
    MISSING_VARIABLE = "E0413",
    NO_CUSTOMER = "E0414",

    UNKNOWN_WORKFLOW = "E0501",
    NOT_CALLABLE = "E0502",
    CALL_CYCLE = "E0503",
    UNREACHABLE = "E0504",
    UNKNOWN_TEMPLATE = "E0505",
    UNKNOWN_CHANNEL = "E0506",
    NO_CHANNEL = "E0507",
    UNKNOWN_SEGMENT = "E0508",
    CRON_NEVER = "E0509",
    TOO_MANY_STEPS = "E0510",

    NO_OVERLAY = "E0601",
    OTHER_BASE = "E0602",
    NOTHING_THERE = "E0603",
    OTHER_KIND = "E0604",

    WAIT_WITHOUT_TIMEOUT = "W1001",
    SWITCH_WITHOUT_ELSE = "W1002",
    UNUSED = "W1003",
    UNUSED_VARIABLE = "W1004",
    CONSTANT_CONDITION = "W1005",
    MAY_BE_MISSING = "W1006",
    LOOKS_LIKE_EXPRESSION = "W1007",
    BRACES_IN_TEXT = "W1008",
    UNKNOWN_FILE = "W1009",
    GRANT_WITHOUT_NEED = "W1010",
    SHADOWED_FIELD = "W1011",
    LONG_WAIT = "W1012",
    RETRY_PAST_TIMEOUT = "W1013",
    NO_CONTACT_POLICY = "W1014",
    EXPIRES_IN_QUIET_HOURS = "W1015",
    SCHEDULE_IN_QUIET_HOURS = "W1016",
    SPREAD_PAST_TICK = "W1017",
    UNSPREAD_AUDIENCE = "W1018",
    EMITS_ITS_TRIGGER = "W1019",
    RESPOND_AFTER_WAIT = "W1020",
    PLUGIN_WARNING = "W1021",
    UNKEPT_FACT = "W1022",
    UNCHANGED = "W1023",
}
