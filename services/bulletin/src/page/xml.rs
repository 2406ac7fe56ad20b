//! XML, written by quick-xml: every text is escaped, and what XML forbids is left out.

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

/// A document being written.
pub(super) struct Xml(Writer<Vec<u8>>);

/// Writing to memory.
const MEMORY: &str = "memory takes every write";

impl Xml {
    pub(super) fn new() -> Self {
        let mut writer = Writer::new_with_indent(Vec::new(), b' ', 1);
        writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("utf-8"), None))).expect(MEMORY);
        Self(writer)
    }

    /// An element with others in it.
    pub(super) fn within(&mut self, name: &str, attributes: &[(&str, &str)], inside: impl FnOnce(&mut Self)) {
        self.0.write_event(Event::Start(start(name, attributes))).expect(MEMORY);
        inside(self);
        self.0.write_event(Event::End(BytesEnd::new(name))).expect(MEMORY);
    }

    /// An element with a text.
    pub(super) fn text(&mut self, name: &str, text: &str) {
        self.text_with(name, &[], text);
    }

    /// An element with attributes and a text.
    pub(super) fn text_with(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) {
        self.0.write_event(Event::Start(start(name, attributes))).expect(MEMORY);
        self.0.write_event(Event::Text(BytesText::new(&allowed(text)))).expect(MEMORY);
        self.0.write_event(Event::End(BytesEnd::new(name))).expect(MEMORY);
    }

    /// An element with attributes only.
    pub(super) fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.0.write_event(Event::Empty(start(name, attributes))).expect(MEMORY);
    }

    pub(super) fn finish(self) -> Vec<u8> {
        let mut bytes = self.0.into_inner();
        bytes.push(b'\n');
        bytes
    }
}

fn start<'a>(name: &'a str, attributes: &[(&'a str, &str)]) -> BytesStart<'a> {
    let mut start = BytesStart::new(name);
    for (name, value) in attributes {
        start.push_attribute((*name, allowed(value).as_str()));
    }
    start
}

/// The text without the characters that XML 1.0 forbids even when they are escaped.
fn allowed(text: &str) -> String {
    text.chars().filter(|c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_attributes_are_escaped_and_forbidden_characters_left_out() {
        let mut xml = Xml::new();
        xml.within("a", &[("b", "\"<&>'\u{0}")], |xml| xml.text("c", "]]> <d>\u{b}\u{ffff}क&amp;"));
        assert_eq!(
            String::from_utf8(xml.finish()).unwrap(),
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<a b=\"&quot;&lt;&amp;&gt;&apos;\">\n \
             <c>]]&gt; &lt;d&gt;क&amp;amp;</c>\n</a>\n"
        );
    }
}
