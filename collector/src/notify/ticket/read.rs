//! From a description's file to its checked types: the walk that catalogues are read by, so that every mistake is told with
//! its place, what was expected and the nearest word.

use std::collections::{BTreeMap, BTreeSet};

use uphold_common::yaml::problem::{Problems, Read};
use uphold_common::yaml::read_file;
use uphold_common::yaml::walk::{At, Keys};

use super::description::{Answers, Comments, Credentials, Description, Operation, Poll, Request, Search, TicketForm};
use super::request::{self, Place};
use super::template::{Style, Words};

/// Largest description, in bytes.
pub const DESCRIPTION_BYTES_MAX: usize = 64 * 1024;
/// Most requests that one thing takes.
pub const REQUESTS_MAX: usize = 8;
/// Most variables of a description.
const VARIABLES_MAX: usize = 50;
/// Most further statuses that are tried again.
const STATUSES_MAX: usize = 20;
/// What every template may name, beside what is declared.
const ALWAYS: [&str; 3] = ["key", "user", "url"];
/// What templates about an event may name beside that.
const OF_EVENTS: [&str; 4] = ["event", "what", "incident", "mark"];

/// Reads a description; `name` is what problems call its file.
pub fn read(name: &str, text: &str) -> Result<Description, Problems> {
    read_file(name, text, |at| {
        if text.len() > DESCRIPTION_BYTES_MAX {
            return Err(at.problem(format!("a description has at most {DESCRIPTION_BYTES_MAX} bytes")));
        }
        at.mapping(description)
    })
}

fn description(keys: &Keys<'_>) -> Read<Description> {
    let name = keys.required("name", At::text);
    let credentials = keys.or("credentials", Credentials::None, |at| at.word(&Credentials::ALL));
    let variables = keys.or("variables", BTreeMap::new(), |at| variables(at));
    let base = Words::of(&ALWAYS).and("secret");
    let base = match &variables {
        Ok(declared) => base.with("var", declared.keys().cloned()),
        // What was not read is not missed a second time.
        Err(_) => base.and("var"),
    };
    let headers = keys.or("headers", Vec::new(), |at| request::headers(at, &base));
    let mut kept = BTreeSet::new();
    let before = keys.or("before", Vec::new(), |at| several(at, &base, &mut kept));
    let after = keys.or("after", Vec::new(), |at| several(at, &base, &mut kept.clone()));
    let of_events = OF_EVENTS.iter().fold(base.clone(), |words, name| words.and(name));
    let texts = keys.or("texts", Vec::new(), |at| request::templates(at, "texts", &Place::Shown.words(&of_events)));
    let of_events = match &texts {
        Ok(texts) => of_events.with("text", texts.iter().map(|(name, _)| name.clone())),
        Err(_) => of_events.and("text"),
    };
    let search = keys.optional("search", |at| search(at, &of_events, &kept));
    let operations = keys.required("requests", |at| operations(at, &of_events, &kept));
    let of_tickets = match (&operations, &search) {
        (Ok(operations), Ok(search)) => of_events.clone().with("kept", made(operations, search.as_ref(), &kept)),
        _ => of_events.clone().and("kept"),
    };
    let ticket = keys.optional("ticket", |at| ticket(at, &of_tickets));
    let answers = keys.or("answers", Answers::default(), answers);
    let poll = keys.optional("poll", |at| poll(at, &base.clone().and("ticket"), &kept));
    let description = Description {
        name: name?,
        credentials: credentials?,
        variables: variables?,
        texts: texts?,
        headers: headers?,
        before: before?,
        after: after?,
        ticket: ticket?,
        search: search?,
        operations: operations?,
        answers: answers?,
        poll: poll?,
    };
    whole(keys, description)
}

/// What only shows once all of it is read.
fn whole(keys: &Keys<'_>, description: Description) -> Read<Description> {
    let has = |operation| description.operations.contains_key(&operation);
    if description.ticket.is_none() && (description.search.is_some() || description.poll.is_some()) {
        return Err(keys.at().problem("\"search\" and \"poll\" are about tickets, and the key \"ticket\" is missing"));
    }
    // Otherwise a ticket that stays closed behind an incident that was opened again would be taken for news.
    if description.poll.is_some() && has(Operation::Resolve) && !has(Operation::Reopen) {
        return Err(keys.at().problem("tickets that are resolved and looked at need a request \"reopen\" too"));
    }
    Ok(description)
}

fn variables(at: &At<'_>) -> Read<BTreeMap<String, Option<String>>> {
    let pairs = at.pairs("variables", VARIABLES_MAX)?;
    let read = pairs.into_iter().map(|(name, at)| {
        let named = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if !named {
            return Err(at.problem("the name of a variable has small letters, digits and \"_\""));
        }
        let default = if at.node().is_nothing() { None } else { Some(at.scalar("a default, or nothing")?.to_owned()) };
        Ok((name.to_owned(), default))
    });
    read.collect::<Vec<_>>().into_iter().collect()
}

/// `[{ method: GET, path: … }, …]`; what each keeps may be named by those behind it.
fn several(at: &At<'_>, words: &Words, kept: &mut BTreeSet<String>) -> Read<Vec<Request>> {
    let items = at.items()?;
    if items.is_empty() || items.len() > REQUESTS_MAX {
        return Err(at.problem(format!("expected 1 to {REQUESTS_MAX} requests, found {}", items.len())));
    }
    let mut requests = Vec::new();
    for item in items {
        let words = words.clone().with("kept", kept.iter().cloned());
        let request = request::request(&item, &words);
        kept.extend(request::kept_names(&item));
        requests.push(request);
    }
    requests.into_iter().collect()
}

/// What is kept wherever a ticket comes from: when it is made, and when it is found.
fn made(
    operations: &BTreeMap<Operation, Vec<Request>>,
    search: Option<&Search>,
    before: &BTreeSet<String>,
) -> BTreeSet<String> {
    let create = operations.get(&Operation::Create).into_iter().flatten();
    let created: BTreeSet<String> =
        create.flat_map(|request| &request.keep).map(|keep| keep.name.clone()).chain(before.iter().cloned()).collect();
    let Some(search) = search else { return created };
    let found = |name: &&String| before.contains(*name) || search.keep.iter().any(|keep| keep.name == **name);
    created.iter().filter(found).cloned().collect()
}

fn operations(at: &At<'_>, words: &Words, kept: &BTreeSet<String>) -> Read<BTreeMap<Operation, Vec<Request>>> {
    at.mapping(|keys| {
        let one = |(word, operation): (&'static str, Operation)| {
            let words = if operation == Operation::Create { words.clone() } else { words.clone().and("ticket") };
            let read = |at: &At<'_>| several(at, &words, &mut kept.clone());
            match operation {
                Operation::Create => keys.required(word, read).map(Some),
                _ => keys.optional(word, read),
            }
            .map(|requests| requests.map(|requests| (operation, requests)))
        };
        let read = Operation::ALL.map(one);
        let all: Vec<Option<_>> = read.into_iter().collect::<Read<_>>()?;
        Ok(all.into_iter().flatten().collect())
    })
}

fn ticket(at: &At<'_>, words: &Words) -> Read<TicketForm> {
    let words = Place::Shown.words(words);
    at.mapping(|keys| {
        let id = keys.required("id", |at| request::template(at, Style::Text, &words));
        let url = keys.optional("url", |at| request::template(at, Style::Path, &words));
        Ok(TicketForm { id: id?, url: url? })
    })
}

fn search(at: &At<'_>, words: &Words, kept: &BTreeSet<String>) -> Read<Search> {
    at.mapping(|keys| {
        let mut kept = kept.clone();
        let requests = keys.required("requests", |at| several(at, words, &mut kept));
        let list = keys.required("list", request::pointer);
        let words = Place::Shown.words(words).and("item").with("kept", kept);
        let holds_key = keys.required("holds_key", |at| request::template(at, Style::Text, &words));
        let keep = keys.required("keep", request::keep);
        Ok(Search { requests: requests?, list: list?, holds_key: holds_key?, keep: keep? })
    })
}

fn answers(at: &At<'_>) -> Read<Answers> {
    at.mapping(|keys| {
        let status = |at: &At<'_>| at.small_count(400..=599).map(|status| u16::try_from(status).unwrap_or(599));
        let again = keys.or("again", Vec::new(), |at| at.set("statuses", STATUSES_MAX, status));
        let error = keys.optional("error", request::pointer);
        Ok(Answers { again: again?, error: error? })
    })
}

fn poll(at: &At<'_>, words: &Words, kept: &BTreeSet<String>) -> Read<Poll> {
    at.mapping(|keys| {
        let mut kept = kept.clone();
        let requests = keys.required("requests", |at| several(at, words, &mut kept));
        let shown = Place::Shown.words(words).with("kept", kept.iter().cloned());
        let state = keys.required("state", |at| request::template(at, Style::Text, &shown));
        let by = keys.optional("by", |at| request::template(at, Style::Text, &shown));
        let comments = keys.optional("comments", |at| comments(at, words, &kept));
        Ok(Poll { requests: requests?, state: state?, by: by?, comments: comments? })
    })
}

fn comments(at: &At<'_>, words: &Words, kept: &BTreeSet<String>) -> Read<Comments> {
    at.mapping(|keys| {
        let mut kept = kept.clone();
        let requests = keys.or("requests", Vec::new(), |at| several(at, words, &mut kept));
        let list = keys.required("list", request::pointer);
        let newest_first = keys.or("newest_first", false, At::flag);
        let item = words.clone().and("item").with("kept", kept.iter().cloned());
        let shown = Place::Shown.words(&item);
        let id = keys.required("id", |at| request::template(at, Style::Text, &shown));
        let each = keys.optional("each", |at| request::request(at, &item));
        let text = keys.required("text", |at| request::template(at, Style::Text, &shown));
        let by = keys.optional("by", |at| request::template(at, Style::Text, &shown));
        Ok(Comments {
            requests: requests?,
            list: list?,
            newest_first: newest_first?,
            id: id?,
            each: each?,
            text: text?,
            by: by?,
        })
    })
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
