//! A ticket as it is there now: what became of it, and what was said about it that is not known yet.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::Ticket;
use super::description::{Comments, Poll};
use super::reading::{Answer, ITEMS_MAX, Said, State, comment_id, name, said};
use super::talk::Talk;
use crate::notify::verdict::Attempt;

/// Most comments that are read of a ticket at once; what is beyond is read the next time.
pub const COMMENTS_AT_ONCE_MAX: usize = 20;

/// What was seen of a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// What became of it.
    pub state: State,
    /// By whom, as far as that is said.
    pub by: Option<String>,
    /// The comments that were not known, by their ids; one that says nothing is none.
    pub comments: Vec<(String, Option<Said>)>,
}

/// Looks at a ticket, but not at the comments with these ids.
pub async fn look(
    talk: &mut Talk<'_>,
    poll: &Poll,
    ticket: &Ticket,
    seen: &BTreeSet<String>,
) -> Result<Looked, Attempt> {
    talk.values.ticket(ticket);
    let answer = talk.all(&poll.requests).await?;
    let state = State::parse(&talk.rendered(&poll.state)?).map_err(|error| talk.refused(error))?;
    let by = poll.by.as_ref().map(|by| talk.rendered(by)).transpose()?;
    let comments = match &poll.comments {
        Some(comments) => listed(talk, comments, answer, seen).await?,
        None => Vec::new(),
    };
    Ok(Looked { state, by: by.as_deref().and_then(name), comments })
}

/// The comments of a ticket that was looked at; `answer` is the last one.
pub async fn listed(
    talk: &mut Talk<'_>,
    comments: &Comments,
    answer: Answer,
    seen: &BTreeSet<String>,
) -> Result<Vec<(String, Option<Said>)>, Attempt> {
    let answer = if comments.requests.is_empty() { answer } else { talk.all(&comments.requests).await? };
    let list = answer.list(&comments.list).ok_or_else(|| talk.refused("there is no list of comments".to_owned()))?;
    let mut newest: Vec<&Json> = if comments.newest_first {
        list.iter().take(ITEMS_MAX).collect()
    } else {
        list.iter().rev().take(ITEMS_MAX).collect()
    };
    // In the order in which they were written.
    newest.reverse();
    let mut found = Vec::new();
    for item in newest {
        let id = comment_id(comments, item, &talk.values).map_err(|error| talk.refused(error))?;
        if seen.contains(&id) {
            continue;
        }
        if found.len() >= COMMENTS_AT_ONCE_MAX {
            break;
        }
        let item = whole(talk, comments, item).await?;
        let said = item.map(|item| said(comments, &item, &talk.values)).transpose();
        found.push((id, said.map_err(|error| talk.refused(error))?.flatten()));
    }
    Ok(found)
}

/// A comment with what is asked for each; none when it is gone, or not for everybody.
async fn whole(talk: &mut Talk<'_>, comments: &Comments, item: &Json) -> Result<Option<Json>, Attempt> {
    let Some(each) = &comments.each else { return Ok(Some(item.clone())) };
    talk.values.put("item", item.clone());
    match talk.one(each).await {
        Ok(answer) => Ok(answer.json),
        Err(Attempt::Answered { status: 403 | 404 | 410, .. }) => Ok(None),
        Err(other) => Err(other),
    }
}
