//! Reading WeCom's XML: small, flat documents of texts and lists. No entities but the five of XML, no document types, no
//! recursion; nothing outside the text is ever looked at.

use std::collections::BTreeMap;

use quick_xml::XmlVersion;
use quick_xml::events::Event;
use quick_xml::reader::Reader;

/// Bytes of a document; the largest that WeCom describes have some thousands.
pub const BYTES_MAX: usize = 64 * 1024;
/// Fields of a document.
const FIELDS_MAX: usize = 64;
/// Texts of a list: a group has 500 members at most.
const ITEMS_MAX: usize = 1_000;
/// Elements in each other: events of other applications are deeper than those that are read here.
const DEPTH_MAX: usize = 16;

/// A field of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// `<Name>text</Name>`.
    Text(String),
    /// `<Name><Item>text</Item>…</Name>`; what is deeper is left out.
    List(Vec<String>),
}

/// The fields of a document by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document {
    fields: BTreeMap<String, Field>,
}

/// Why a text is no document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum XmlError {
    /// It is larger than any of WeCom's.
    #[error("{found} bytes of XML, at most {BYTES_MAX} are read")]
    TooLong {
        /// Bytes.
        found: usize,
    },
    /// It has more of something than any of WeCom's.
    #[error("more than {max} {what} in one document")]
    TooMany {
        /// What.
        what: &'static str,
        /// How many are read.
        max: usize,
    },
    /// It has something that WeCom's never have.
    #[error("{0} in WeCom's XML: expected fields in `<xml>`, each once")]
    Unexpected(&'static str),
    /// It is no XML.
    #[error("no XML: {0}")]
    Broken(String),
}

impl Document {
    /// Reads a document.
    ///
    /// # Errors
    /// When it is no XML, or not of the kind that WeCom writes.
    pub fn read(text: &str) -> Result<Self, XmlError> {
        if text.len() > BYTES_MAX {
            return Err(XmlError::TooLong { found: text.len() });
        }
        let mut reading = Reading::default();
        let mut reader = Reader::from_str(text);
        loop {
            let event = reader.read_event().map_err(|fault| XmlError::Broken(fault.to_string()))?;
            match event {
                Event::Start(tag) => reading.open(tag.name().as_ref())?,
                Event::End(_) => reading.close()?,
                Event::Empty(tag) => {
                    reading.open(tag.name().as_ref())?;
                    reading.close()?;
                }
                Event::Text(text) => reading.put(&text.xml_content(XmlVersion::Implicit1_0))?,
                Event::CData(text) => reading.put(&text.xml_content(XmlVersion::Implicit1_0))?,
                Event::GeneralRef(name) => {
                    let number =
                        name.resolve_char_ref().map_err(|fault| XmlError::Broken(fault.to_string()))?;
                    let known = number.or_else(|| named(&name));
                    let character = known.ok_or(XmlError::Unexpected("an entity"))?;
                    reading.put(character.encode_utf8(&mut [0; 4]))?;
                }
                Event::DocType(_) => return Err(XmlError::Unexpected("a document type")),
                Event::PI(_) => return Err(XmlError::Unexpected("an instruction")),
                Event::Decl(_) | Event::Comment(_) => {}
                Event::Eof => return reading.end(),
            }
        }
    }

    /// A text; none for one that is missing or empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.fields.get(name)? {
            Field::Text(text) => Some(text.as_str()).filter(|text| !text.is_empty()),
            Field::List(_) => None,
        }
    }

    /// A list; empty for one that is missing.
    pub fn list(&self, name: &str) -> &[String] {
        match self.fields.get(name) {
            Some(Field::List(items)) => items,
            _ => &[],
        }
    }

    /// All fields, by name.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &Field)> {
        self.fields.iter().map(|(name, field)| (name.as_str(), field))
    }
}

/// The entities that every document has.
fn named(name: &str) -> Option<char> {
    Some(match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "apos" => '\'',
        "quot" => '"',
        _ => return None,
    })
}

/// A document that is being read.
#[derive(Debug, Default)]
struct Reading {
    depth: usize,
    is_over: bool,
    name: String,
    text: String,
    items: Vec<String>,
    document: Document,
}

impl Reading {
    fn open(&mut self, name: &str) -> Result<(), XmlError> {
        self.depth += 1;
        match self.depth {
            1 if self.is_over || name != "xml" => return Err(XmlError::Unexpected("another root")),
            2 => {
                self.name = name.to_owned();
                self.text.clear();
                self.items.clear();
            }
            3 if self.items.len() == ITEMS_MAX => {
                return Err(XmlError::TooMany { what: "texts of a list", max: ITEMS_MAX });
            }
            3 => self.items.push(String::new()),
            depth if depth > DEPTH_MAX => {
                return Err(XmlError::TooMany { what: "elements in each other", max: DEPTH_MAX });
            }
            _ => {}
        }
        Ok(())
    }

    fn put(&mut self, text: &str) -> Result<(), XmlError> {
        match self.depth {
            0 | 1 if !text.trim().is_empty() => return Err(XmlError::Unexpected("a text outside fields")),
            2 => self.text.push_str(text),
            3 => {
                if let Some(item) = self.items.last_mut() {
                    item.push_str(text);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), XmlError> {
        match self.depth {
            0 => return Err(XmlError::Unexpected("an end without a beginning")),
            1 => self.is_over = true,
            2 => self.keep()?,
            _ => {}
        }
        self.depth -= 1;
        Ok(())
    }

    fn keep(&mut self) -> Result<(), XmlError> {
        let field = match self.items.is_empty() {
            true => Field::Text(std::mem::take(&mut self.text)),
            false => Field::List(std::mem::take(&mut self.items)),
        };
        if self.document.fields.insert(std::mem::take(&mut self.name), field).is_some() {
            return Err(XmlError::Unexpected("a field twice"));
        }
        if self.document.fields.len() > FIELDS_MAX {
            return Err(XmlError::TooMany { what: "fields", max: FIELDS_MAX });
        }
        Ok(())
    }

    fn end(self) -> Result<Document, XmlError> {
        match self.is_over {
            true => Ok(self.document),
            false => Err(XmlError::Broken("the document ends too early".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_and_lists_are_read() {
        let text = "<?xml version='1.0'?>\n<xml>\n <A><![CDATA[a<]]]]><![CDATA[>b]]></A>\n <B> 7 </B><C/>\
                    <D>&lt;&#20320;&amp;</D> <L><Item>x</Item><!-- no --> <Item><![CDATA[y]]></Item></L></xml>\n";
        let document = Document::read(text).unwrap();
        assert_eq!(document.text("A"), Some("a<]]>b"));
        assert_eq!(document.text("B"), Some(" 7 "));
        assert_eq!(document.text("C"), None);
        assert_eq!(document.text("D"), Some("<你&"));
        assert_eq!(document.list("L"), ["x", "y"]);
        assert_eq!(document.text("L"), None);
        assert_eq!(document.fields().count(), 5);
    }

    #[test]
    fn what_wecom_does_not_write_is_refused() {
        let deep = format!("<xml>{}</xml>", "<a>".repeat(20) + &"</a>".repeat(20));
        let fields: String = (0..65).map(|n| format!("<f{n}/>")).collect();
        let items = format!("<xml><L>{}</L></xml>", "<Item/>".repeat(1_001));
        for (text, part) in [
            ("", "too early"),
            ("<xml>", "too early"),
            ("<xml><A></xml>", "no XML"),
            ("<html></html>", "another root"),
            ("<xml/><xml/>", "another root"),
            ("<xml>words</xml>", "a text outside fields"),
            ("<xml/>words", "a text outside fields"),
            ("<xml><A/><A/></xml>", "a field twice"),
            ("<!DOCTYPE xml [<!ENTITY a 'b'>]><xml><A>&a;</A></xml>", "a document type"),
            ("<xml><A>&xxe;</A></xml>", "an entity"),
            ("<xml><A>&#xD800;</A></xml>", "no XML"),
            ("<xml><?php ?></xml>", "an instruction"),
            (&deep, "16 elements in each other"),
            (&format!("<xml>{fields}</xml>"), "64 fields"),
            (&items, "1000 texts"),
            (&"x".repeat(BYTES_MAX + 1), "65537 bytes"),
        ] {
            let fault = Document::read(text).unwrap_err().to_string();
            assert!(fault.contains(part), "{}: {fault}", &text[..text.len().min(60)]);
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "(<|>|/|xml|A|&|;|#|!|\\[|\\]|CDATA|-|\\?| |你|[ -~]){0,60}") {
            let _ = Document::read(&text);
            let _ = Document::read(&format!("<xml>{text}</xml>"));
        }

        #[test]
        fn a_text_in_a_section_comes_back(text in "[^\\x00\\r]{0,40}") {
            let inside = text.replace("]]>", "]]]]><![CDATA[>");
            let document = Document::read(&format!("<xml><A><![CDATA[{inside}]]></A></xml>"));
            let document = document.unwrap();
            prop_assert_eq!(document.text("A").unwrap_or_default(), text);
        }
    }
}
