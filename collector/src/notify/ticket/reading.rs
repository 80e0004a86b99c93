//! What stands in answers: what is kept of them, the ticket that was searched for, what became of a ticket, its comments. Pure.

use minijinja::value::Value;
use reqwest::header::{HeaderMap, HeaderName};
use serde_json::Value as Json;

use super::Ticket;
use super::description::{Comments, Keep, Part, TicketForm};
use super::plain::taken_over;
use super::template::Template;
use super::values::Values;

/// Longest id of a ticket or a comment, in bytes.
pub const ID_BYTES_MAX: usize = 200;
/// Longest link to a ticket, in bytes.
const LINK_BYTES_MAX: usize = 1_000;
/// Longest name of somebody, in characters.
const NAME_CHARS_MAX: usize = 100;
/// Longest value that is kept of an answer, in bytes of JSON.
const KEPT_BYTES_MAX: usize = 16 * 1024;
/// Most entries of a list that are looked at: the newest of comments, the first of what was found.
pub const ITEMS_MAX: usize = 200;

/// An answer that was heard.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, if that is JSON.
    pub json: Option<Json>,
}

impl Answer {
    /// What `pointer` leads to, if there is something.
    pub fn at(&self, pointer: &str) -> Option<&Json> {
        self.json.as_ref()?.pointer(pointer).filter(|value| !value.is_null())
    }

    fn part(&self, part: &Part) -> Option<Json> {
        match part {
            Part::Pointer(pointer) => self.at(pointer).cloned(),
            Part::Header(name) => self.header(name).map(Json::from),
            Part::LastOf(name) => {
                let last = self.header(name)?.trim_end_matches('/').rsplit('/').next()?;
                last.split(['?', '#']).next().filter(|last| !last.is_empty()).map(Json::from)
            }
        }
    }

    fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Keeps what `keep` says.
    pub fn keep(&self, keep: &[Keep], values: &mut Values) -> Result<(), String> {
        for keep in keep {
            match self.part(&keep.from) {
                Some(value) if value.to_string().len() > KEPT_BYTES_MAX => {
                    return Err(format!("\"{}\" in the answer is longer than {KEPT_BYTES_MAX} bytes", keep.name));
                }
                Some(value) => values.keep(&keep.name, value),
                None if keep.optional => values.keep(&keep.name, Json::Null),
                None => return Err(format!("there is no \"{}\" in the answer", keep.name)),
            }
        }
        Ok(())
    }

    /// The first entries of the list at `pointer`; none when no list stands there.
    pub fn list(&self, pointer: &str) -> Option<&[Json]> {
        self.json.as_ref()?.pointer(pointer)?.as_array().map(Vec::as_slice)
    }
}

/// The ticket that `form` makes of these values.
pub fn ticket(form: &TicketForm, values: &Values) -> Result<Ticket, String> {
    let id = id(&form.id.render(&values.value())?)?;
    // A link is for people; where its URL is a secret, or is none, there is no link.
    let link = form.url.as_ref().and_then(|url| url.render(&values.for_a_link()).ok());
    let sound = |link: &String| {
        let web = link.starts_with("https://") || link.starts_with("http://");
        web && link.len() <= LINK_BYTES_MAX && !link.chars().any(|c| c.is_control() || c.is_whitespace())
    };
    Ok(Ticket { id, url: link.filter(sound) })
}

/// An id as it may be kept and sent again.
pub fn id(text: &str) -> Result<String, String> {
    let text = text.trim();
    // Anything structured that stands where an id was expected would show as such.
    let odd = |c: char| c.is_control() || c.is_whitespace() || "\"'<>{}[]".contains(c);
    if text.is_empty() || text.len() > ID_BYTES_MAX || text.contains(odd) {
        return Err(format!(
            "the ticket's id is none: it has 1 to {ID_BYTES_MAX} bytes, no space, no quote and no bracket"
        ));
    }
    Ok(text.to_owned())
}

/// What became of a ticket there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nobody has it yet.
    Open,
    /// Somebody has it.
    Acknowledged,
    /// It is done.
    Resolved,
}

impl State {
    /// With the words of descriptions.
    pub const ALL: [(&str, Self); 3] =
        [("open", Self::Open), ("acknowledged", Self::Acknowledged), ("resolved", Self::Resolved)];

    /// The state that a template's text names.
    pub fn parse(text: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(word, _)| *word == text.trim()).map(|(_, state)| *state);
        found.ok_or_else(|| {
            "the template of the state gave neither \"open\", \"acknowledged\" nor \"resolved\"".to_owned()
        })
    }
}

/// What somebody said there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// By whom, as far as that is said.
    pub by: Option<String>,
    /// What.
    pub text: String,
}

/// What an item of a list says; none when that is nothing.
pub fn said(comments: &Comments, item: &Json, values: &Values) -> Result<Option<Said>, String> {
    let mut values = values.clone();
    values.put("item", item.clone());
    let values = values.value();
    let text = taken_over(&comments.text.render(&values)?);
    let by = comments.by.as_ref().map(|by| by.render(&values)).transpose()?;
    Ok(Some(Said { by: by.as_deref().and_then(name), text }).filter(|said| !said.text.is_empty()))
}

/// The id of an item of a list of comments.
pub fn comment_id(comments: &Comments, item: &Json, values: &Values) -> Result<String, String> {
    let mut values = values.clone();
    values.put("item", item.clone());
    id(&comments.id.render(&values.value())?)
}

/// A name on one line.
pub fn name(text: &str) -> Option<String> {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(NAME_CHARS_MAX).collect();
    Some(text.trim().to_owned()).filter(|text| !text.is_empty() && text != "none")
}

/// The first of `items` that holds the key.
pub fn holding<'i>(
    items: &'i [Json],
    template: &Template,
    key: &str,
    values: &Values,
) -> Result<Option<&'i Json>, String> {
    for item in items.iter().take(ITEMS_MAX) {
        let mut values = values.clone();
        values.put("item", item.clone());
        let values: Value = values.value();
        if holds(&template.render(&values)?, key) {
            return Ok(Some(item));
        }
    }
    Ok(None)
}

/// Whether `text` holds the key and not only a longer one that begins with it.
fn holds(text: &str, key: &str) -> bool {
    text.match_indices(key).any(|(at, _)| {
        let behind = text.get(at + key.len()..).and_then(|rest| rest.chars().next());
        behind.is_none_or(|c| !c.is_alphanumeric())
    })
}
