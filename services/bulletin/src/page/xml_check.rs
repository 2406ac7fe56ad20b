//! Reading XML back, for tests: by another way than it was written.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// An element as it was read.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) children: Vec<Element>,
    /// Its own text.
    pub(super) content: String,
}

impl Element {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The text of the first child of this name; empty without one.
    pub(super) fn text(&self, name: &str) -> &str {
        self.children.iter().find(|child| child.name == name).map_or("", |child| child.content.as_str())
    }
}

/// The root of a document that is well formed.
pub(super) fn read(document: &[u8]) -> Element {
    let mut reader = Reader::from_reader(document);
    reader.config_mut().check_end_names = true;
    let mut open = vec![Element::default()];
    loop {
        let event = reader.read_event().expect("well formed");
        let last = open.len() - 1;
        match event {
            Event::Start(start) => open.push(element(&start)),
            Event::Empty(start) => open[last].children.push(element(&start)),
            Event::End(_) => {
                let mut closed = open.pop().expect("it is open");
                // Of an element with others in it the text is only its indentation.
                if !closed.children.is_empty() {
                    closed.content.clear();
                }
                open.last_mut().expect("the document").children.push(closed);
            }
            Event::Text(text) => open[last].content.push_str(&text.decode().expect("UTF-8")),
            Event::GeneralRef(name) => {
                let name = name.decode().expect("UTF-8");
                let text = quick_xml::escape::unescape(&format!("&{name};")).expect("an entity of XML").into_owned();
                open[last].content.push_str(&text);
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(open.len(), 1, "every element is closed");
    open.remove(0).children.remove(0)
}

fn element(start: &BytesStart<'_>) -> Element {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    let attributes = start.attributes().map(|attribute| {
        let attribute = attribute.expect("an attribute");
        let value = text(&attribute.value);
        let value = quick_xml::escape::unescape(&value).expect("entities of XML").into_owned();
        (text(attribute.key.as_ref()), value)
    });
    Element { name: text(start.name().as_ref()), attributes: attributes.collect(), ..Element::default() }
}
