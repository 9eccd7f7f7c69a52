//! From a position in a text to a JSON pointer.
//!
//! serde_json says how many bytes it had read when a document turned out not to fit its type. What that means: a scalar of
//! the wrong type was read to its end, an array or object where none may be was not entered, an unknown or doubled field
//! was read to the end of its name, and where a field is missing the object was read to its end. A type that reads its
//! whole value first and refuses it afterwards (`#[serde(try_from)]`) is refused where its container ends, if it is the
//! last in it: the pointer is then the container's. Never reads beyond the position, so a text that is no JSON at all gets
//! the pointer of the last place that was.

use super::Unreadable;

/// Where and why, in words for the author of the document.
pub(super) fn locate(text: &str, fault: &serde_json::Error) -> Unreadable {
    let position = format!(" at line {} column {}", fault.line(), fault.column());
    let message = fault.to_string();
    let message = message.strip_suffix(&position).unwrap_or(&message);
    let mut search = Search {
        bytes: text.as_bytes(),
        at: 0,
        target: offset(text, fault.line(), fault.column()),
        path: Vec::new(),
    };
    // The search ends early with what it looked for; a text that ends before leaves the last place.
    let _ = search.value();
    Unreadable { pointer: pointer(text, &search.path), message: message.to_owned() }
}

/// Bytes read so far, from a line counted from 1 and the bytes of it.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    (start + column).min(text.len())
}

/// A way into a container.
#[derive(Debug, Clone)]
enum Way {
    Index(usize),
    /// The bytes of a name, without its quotes.
    Name(std::ops::Range<usize>),
}

/// The place is found, or the text ends: either way the path is what there is to say.
struct Over;

struct Search<'a> {
    bytes: &'a [u8],
    at: usize,
    target: usize,
    path: Vec<Way>,
}

impl Search<'_> {
    fn skip(&mut self) -> Result<u8, Over> {
        while let Some(byte) = self.bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b',' | b':') {
                return Ok(*byte);
            }
            self.at += 1;
        }
        Err(Over)
    }

    fn value(&mut self) -> Result<(), Over> {
        let first = self.skip()?;
        if self.at >= self.target && matches!(first, b'{' | b'[') {
            return Err(Over);
        }
        match first {
            b'{' => self.object()?,
            b'[' => self.array()?,
            b'"' => self.string(),
            _ => self.scalar(),
        }
        self.unless_over()
    }

    fn unless_over(&self) -> Result<(), Over> {
        if self.at >= self.target { Err(Over) } else { Ok(()) }
    }

    fn object(&mut self) -> Result<(), Over> {
        self.at += 1;
        while self.skip()? != b'}' {
            let start = self.at + 1;
            self.string();
            self.path.push(Way::Name(start..self.at.saturating_sub(1).max(start)));
            self.unless_over()?;
            self.value()?;
            self.path.pop();
        }
        self.close()
    }

    fn array(&mut self) -> Result<(), Over> {
        self.at += 1;
        let mut index = 0;
        while self.skip()? != b']' {
            self.path.push(Way::Index(index));
            self.value()?;
            self.path.pop();
            index += 1;
        }
        self.close()
    }

    /// The closing bracket: a failure before it is about this container.
    fn close(&mut self) -> Result<(), Over> {
        self.unless_over()?;
        self.at += 1;
        Ok(())
    }

    fn string(&mut self) {
        self.at += 1;
        while let Some(byte) = self.bytes.get(self.at) {
            self.at += match byte {
                b'\\' => 2,
                b'"' => {
                    self.at += 1;
                    return;
                }
                _ => 1,
            };
        }
    }

    fn scalar(&mut self) {
        let start = self.at;
        while self.bytes.get(self.at).is_some_and(|byte| !b",:]} \t\r\n[{\"".contains(byte)) {
            self.at += 1;
        }
        // What is no scalar either must not stop the search for ever.
        self.at = self.at.max(start + 1);
    }
}

fn pointer(text: &str, path: &[Way]) -> String {
    let mut pointer = String::new();
    for way in path {
        pointer.push('/');
        match way {
            Way::Index(index) => pointer.push_str(&index.to_string()),
            Way::Name(range) => {
                let raw = text.get(range.clone()).unwrap_or_default();
                let name: String =
                    serde_json::from_str(&format!("\"{raw}\"")).unwrap_or_else(|_| raw.to_owned());
                pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
            }
        }
    }
    pointer
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use crate::time::{Duration, Instant};

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Campaign {
        name: String,
        #[serde(default)]
        prizes: Vec<Prize>,
        #[serde(default)]
        by_day: BTreeMap<String, u32>,
        #[serde(default)]
        until: Option<Instant>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Prize {
        weight: u32,
        #[serde(default)]
        ttl: Duration,
        #[serde(default)]
        kind: Kind,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        #[default]
        Coupon,
        Goods {
            #[expect(dead_code, reason = "only read")]
            sku: String,
        },
    }

    #[test]
    fn the_wrong_place_is_a_pointer_and_the_words_are_serdes() {
        for (text, pointer, message) in [
            ("[1]", "/0", "invalid type: integer `1`, expected a string"),
            ("7", "", "invalid type: integer `7`, expected struct Campaign"),
            ("{}", "", "missing field `name`"),
            (r#"{"name":1}"#, "/name", "invalid type: integer `1`, expected a string"),
            (r#"{"name":"a","until":"soon"}"#, "/until", "`soon` is not an instant"),
            (r#"{"name":"a","prizes":{}}"#, "/prizes", "invalid type: map, expected a sequence"),
            (
                r#"{"name":"a", "prizes" : [ {"weight":1} , {"weight":-1} ]}"#,
                "/prizes/1/weight",
                "invalid value: integer `-1`, expected u32",
            ),
            (
                "{\"name\":\"牛\",\n \"prizes\":[{\"weight\":1,\n\"ttl\":\"7x\"}]}",
                "/prizes/0/ttl",
                "`7x` is not a duration",
            ),
            (r#"{"name":"a","prizes":[{}]}"#, "/prizes/0", "missing field `weight`"),
            (
                r#"{"name":"a","prizes":[{"weight":1,"wieght":2}]}"#,
                "/prizes/0/wieght",
                "unknown field `wieght`, expected one of `weight`, `ttl`, `kind`",
            ),
            (
                r#"{"name":"a","prizes":[{"weight":1,"kind":"cash"}]}"#,
                "/prizes/0/kind",
                "unknown variant `cash`",
            ),
            (
                r#"{"name":"a","prizes":[{"weight":1,"kind":{"goods":{"sku":[]}}}]}"#,
                "/prizes/0/kind/goods/sku",
                "invalid type: sequence, expected a string",
            ),
            (r#"{"name":"a","name":"b"}"#, "/name", "duplicate field `name`"),
            (
                r#"{"name":"a","by_day":{"a/b~\"c":true}}"#,
                "/by_day/a~1b~0\"c",
                "invalid type: boolean `true`, expected u32",
            ),
            (r#"{"name":"a","by_day":{"x":null}}"#, "/by_day/x", "invalid type: null, expected u32"),
            (r#"{"name":"a"} {}"#, "", "trailing characters"),
            (r#"{"name":"#, "/name", "EOF while parsing a value"),
            ("", "", "EOF while parsing a value"),
        ] {
            let found = crate::json::read::<Campaign>(text).unwrap_err();
            assert_eq!(found.pointer, pointer, "{text}: {found}");
            assert!(found.message.starts_with(message), "{text}: {found}");
            assert!(!found.message.contains("column"), "{text}: {found}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_and_no_position_is_too_odd(text in "[\\[\\]{}\",:0-9a\\\\ \n牛]{0,40}") {
            let _ = crate::json::read::<Campaign>(&text);
            let _ = crate::json::read::<Vec<Vec<BTreeMap<String, u8>>>>(&text);
        }
    }
}
