//! Text → located tree, bounded before anything is believed.
//!
//! A text has at most 4 MiB, a tree at most 32 levels and 500,000 nodes; whatever is larger is refused with the place
//! where the bound was met. Anchors, aliases and tags are refused by name: a catalogue is read by people, and what they
//! read is what holds. One document a file. A key that stands twice is a problem with both places, and the first holds.
//!
//! This is the only file that knows the YAML parser.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;
use std::sync::Arc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput};

use super::problem::{Place, Read, Report, Told};
use super::words::shown;

/// Largest text, in bytes.
pub const TEXT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Deepest nesting.
pub const DEPTH_MAX: usize = 32;
/// Most nodes in one file, keys included.
pub const NODES_MAX: usize = 500_000;

/// A node and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Where it begins.
    pub place: Place,
    /// What it is.
    pub value: Value,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Characters.
    Scalar {
        /// The characters, without quotes and escapes.
        text: String,
        /// Whether they were written without quotes.
        plain: bool,
    },
    /// Items in the order written.
    Sequence(Vec<Node>),
    /// Keys and values in the order written, no key twice.
    Mapping(Vec<Entry>),
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key is.
    pub place: Place,
    /// Its value.
    pub value: Node,
}

impl Node {
    /// A mapping without keys, as an empty file has it.
    pub fn empty_mapping(file: &str) -> Self {
        Self { place: Place { file: Arc::from(file), line: 1, column: 1 }, value: Value::Mapping(Vec::new()) }
    }

    /// Whether nothing is written: `key:`, `key: ~` or `key: null`.
    pub fn is_nothing(&self) -> bool {
        match &self.value {
            Value::Scalar { text, plain: true } => matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"),
            _ => false,
        }
    }
}

/// Reads `text` as one document; `None` when nothing is written in it. What is refused without making the rest
/// unreadable is put on record, and the tree is given all the same, so that the walk finds the other problems.
pub fn read(file: &str, text: &str, report: &Report) -> Read<Option<Node>> {
    let file: Arc<str> = Arc::from(file);
    if text.len() > TEXT_BYTES_MAX {
        let place = Place { file, line: 1, column: 1 };
        let message = format!("the file has {} bytes, more than the {TEXT_BYTES_MAX} that are read", text.len());
        return Err(report.add(&place, "", message));
    }
    Builder { file, report, parser: Parser::new_from_str(text), nodes: 0 }.document()
}

struct Builder<'t> {
    file: Arc<str>,
    report: &'t Report,
    parser: Parser<'t, StrInput<'t>>,
    nodes: usize,
}

impl<'t> Builder<'t> {
    fn document(mut self) -> Read<Option<Node>> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::DocumentStart(_) if root.is_some() => {
                    return Err(self.tell(span.start, "a second document begins; a file holds one"));
                }
                Event::Nothing | Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd => {}
                event => root = Some(self.node(event, span, 1)?),
            }
        }
        Ok(root.filter(|node| !node.is_nothing()))
    }

    fn next(&mut self) -> Read<(Event<'t>, Span)> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(self.tell(*error.marker(), sentence(&error))),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Read<Node> {
        self.count(span.start)?;
        if depth > DEPTH_MAX {
            return Err(self.tell(span.start, format!("nested deeper than {DEPTH_MAX} levels")));
        }
        let value = match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse(anchor, tag.is_some(), span.start);
                Value::Scalar { text: text.into_owned(), plain: style == ScalarStyle::Plain }
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse(anchor, tag.is_some(), span.start);
                self.sequence(depth)?
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse(anchor, tag.is_some(), span.start);
                self.mapping(depth)?
            }
            Event::Alias(_) => return Err(self.tell(span.start, "aliases (*name) are not read: write the value out")),
            _ => return Err(self.tell(span.start, "not YAML: a value was expected")),
        };
        Ok(Node { place: self.place(span.start), value })
    }

    fn sequence(&mut self, depth: usize) -> Read<Value> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Value::Sequence(items)),
                (event, span) => items.push(self.node(event, span, depth.saturating_add(1))?),
            }
        }
    }

    fn mapping(&mut self, depth: usize) -> Read<Value> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut lines: BTreeMap<String, usize> = BTreeMap::new();
        loop {
            let (event, span) = self.next()?;
            let key = match event {
                Event::MappingEnd => return Ok(Value::Mapping(entries)),
                Event::Scalar(text, _, anchor, tag) => {
                    self.count(span.start)?;
                    self.refuse(anchor, tag.is_some(), span.start);
                    text.into_owned()
                }
                _ => return Err(self.tell(span.start, "a key must be a word, not a list, a mapping or an alias")),
            };
            let (event, value_span) = self.next()?;
            let value = self.node(event, value_span, depth.saturating_add(1))?;
            match lines.entry(key.clone()) {
                Slot::Vacant(slot) => {
                    slot.insert(span.start.line());
                    entries.push(Entry { key, place: self.place(span.start), value });
                }
                Slot::Occupied(first) => {
                    let line = *first.get();
                    let message = format!("the key {} is written twice, first in line {line}", shown(&key));
                    self.tell(span.start, message);
                }
            }
        }
    }

    fn count(&mut self, at: Marker) -> Read<()> {
        self.nodes = self.nodes.saturating_add(1);
        if self.nodes > NODES_MAX {
            return Err(self.tell(at, format!("more than {NODES_MAX} keys and values in one file")));
        }
        Ok(())
    }

    fn refuse(&self, anchor: usize, tagged: bool, at: Marker) {
        if anchor != 0 {
            self.tell(at, "anchors (&name) are not read: write the value out where it is needed");
        }
        if tagged {
            self.tell(at, "tags (!name) are not read: leave it out");
        }
    }

    fn place(&self, at: Marker) -> Place {
        Place { file: Arc::clone(&self.file), line: at.line().max(1), column: at.col().saturating_add(1) }
    }

    fn tell(&self, at: Marker, message: impl Into<String>) -> Told {
        self.report.add(&self.place(at), "", message)
    }
}

/// What the parser stumbled over, for people.
fn sentence(error: &ScanError) -> String {
    const KNOWN: [(&str, &str); 16] = [
        ("unprintable", "a control character stands here: only text is read"),
        ("recursion limit", "nested deeper than 32 levels"),
        ("trailing content", "the text goes on after its closing quote"),
        ("misplaced bracket", "a \"]\" or \"}\" closes what was never opened"),
        ("expected node content", "a value was expected"),
        ("tab", "a tab cannot indent or separate: use spaces"),
        (
            "mapping values are not allowed",
            "a \":\" cannot stand here: is the line indented wrongly, or does a text need quotes?",
        ),
        ("unknown anchor", "aliases (*name) are not read: write the value out"),
        ("unexpected end of stream", "a quote is opened and never closed"),
        ("',' or '}'", "inside { } a \",\" or the closing \"}\" was expected"),
        ("',' or ']'", "inside [ ] a \",\" or the closing \"]\" was expected"),
        ("did not find expected key", "a key was expected: is the line indented as those above it?"),
        (
            "expected '-' indicator",
            "a \"- \" or the end of the list was expected: is the line indented as those above it?",
        ),
        ("placement of ':'", "a \":\" cannot stand here: is a \"]\" or \"}\" missing before it?"),
        ("simple key", "a key and its \":\" were expected: is the line indented wrongly, or the \":\" missing?"),
        ("invalid indentation", "the line is indented too little for what it belongs to"),
    ];
    let found = KNOWN.iter().find(|(part, _)| error.info().contains(part));
    found.map_or_else(|| format!("not YAML: {}", error.info()), |(_, sentence)| (*sentence).to_owned())
}
