//! What people do to incidents over HTTP: through the API with a body of JSON, and on the page of an incident with a form.
//!
//! Both say the same things ([`super::said`]). A program that is refused gets a problem; a browser gets the page again, as
//! the incident stands now, with the reason and with what was written, so that nobody's words are lost.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use axum::{Extension, Json, Router};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};
use uphold_common::time::Instant;

use super::incidents::{NumberPath, history, read};
use super::pages::{Form, form_of, html, redirect, visitor};
use super::problem::{not_done, problem, status_of};
use super::said::{
    Acknowledgement, Assigning, Closing, Commented, Declaration, Filing, Linking, Receipt, Reopening, Resolving, Said,
    Unlinking,
};
use super::tokens::{actor, done};
use super::{Shared, body};
use crate::access::caller::Caller;
use crate::engine::command::CommandError;
use crate::engine::handle::EngineHandle;
use crate::incident::act::ActError;
use crate::incident::model::{Called, Incident};
use crate::page::incident::{Refused, render_refused};

/// The routes of all acts, through the API and on pages.
pub(super) fn routes() -> Router<Shared> {
    let router = Router::new();
    let router = both::<Commented>(both::<Acknowledgement>(router));
    let router = both::<Closing>(both::<Resolving>(both::<Assigning>(router)));
    let router = both::<Declaration>(both::<Linking>(both::<Reopening>(router)));
    both::<Unlinking>(both::<Filing>(both::<Receipt>(router)))
}

fn both<T: Said>(router: Router<Shared>) -> Router<Shared> {
    let word = T::WORD;
    router
        .route(&format!("/api/v1/incidents/{{number}}/{word}"), of_api::<T>())
        .route(&format!("/incidents/{{number}}/{word}"), of_page::<T>())
}

/// An act through the API.
fn of_api<T: Said>() -> MethodRouter<Shared> {
    post(
        |State(engine): State<EngineHandle>,
         Extension(caller): Extension<Caller>,
         number: NumberPath,
         sent: body::Sent| async move {
            match asked::<T>(&engine, &caller, number, sent).await {
                Ok(incident) => Json(incident).into_response(),
                Err(refused) => *refused,
            }
        },
    )
}

async fn asked<T: Said>(
    engine: &EngineHandle,
    caller: &Caller,
    number: NumberPath,
    sent: body::Sent,
) -> Result<Incident, Box<Response>> {
    let said: T = body::json(sent).await?;
    let which = read(number)?;
    acted(engine, caller, which, &said).await?.map_err(|why| Box::new(not_done(&why.into())))
}

/// What is done with what was said: the incident after it, or why it was not done.
async fn acted<T: Said>(
    engine: &EngineHandle,
    caller: &Caller,
    which: Called,
    said: &T,
) -> Result<Result<Incident, ActError>, Box<Response>> {
    let actor = actor(caller)?;
    let intent = match said.intent() {
        Ok(intent) => intent,
        Err(why) => return Ok(Err(why)),
    };
    match engine.act(which, intent, actor).await {
        Ok(Err(CommandError::Act(why))) => Ok(Err(why)),
        answer => done(answer).map(Ok),
    }
}

/// An act by a form on the page of an incident.
fn of_page<T: Said>() -> MethodRouter<Shared> {
    post(
        |State(shared): State<Shared>, Extension(caller): Extension<Caller>, number: NumberPath, sent: body::Sent| async move {
            match submitted::<T>(&shared, &caller, number, sent).await {
                Ok(response) => response,
                Err(refused) => *refused,
            }
        },
    )
}

async fn submitted<T: Said>(
    shared: &Shared,
    caller: &Caller,
    number: NumberPath,
    sent: body::Sent,
) -> Result<Response, Box<Response>> {
    let form = form_of(shared, caller, sent).await?;
    let which = read(number)?;
    let snapshot = shared.engine.snapshot();
    let said: T = said_in(&form, &snapshot.catalogue.organisation.time_zone)?;
    let why = match acted(&shared.engine, caller, which, &said).await? {
        Ok(incident) => return Ok(redirect(&format!("../{}", incident.number), None)),
        Err(why) => why,
    };
    let history = history(&shared.engine, which).await?;
    let refused = Refused { why: why.to_string(), wrote: wrote(&form) };
    let page = render_refused(&snapshot, history, &visitor(shared, caller), &refused);
    Ok(html(status_of(&why), page))
}

/// The longest text of a form, which would be missed most.
fn wrote(form: &Form) -> Option<String> {
    ["text", "because", "comment"].into_iter().find_map(|key| form.get(key)).filter(|text| !text.is_empty()).cloned()
}

/// What the fields of a form say. A field that need not be filled in and is empty says nothing, and an instant without a zone
/// is one in `zone`.
fn said_in<T: Said>(form: &Form, zone: &TimeZone) -> Result<T, Box<Response>> {
    let mut said = Map::new();
    for (key, value) in form.iter().filter(|(key, _)| *key != "word") {
        let optional = matches!(key.as_str(), "comment" | "ended" | "expected_events");
        let value = match key.as_str() {
            _ if optional && value.trim().is_empty() => continue,
            "expected_events" => value.parse::<u32>().map_or_else(|_| Value::from(value.clone()), Value::from),
            "ended" => local(value, zone).map_or_else(|| Value::from(value.clone()), |at| Value::from(at.as_ms())),
            _ => Value::from(value.clone()),
        };
        said.insert(key.clone(), value);
    }
    serde_json::from_value(Value::Object(said)).map_err(|error| {
        let detail = format!("The form is not understood: {error}.");
        Box::new(problem(StatusCode::BAD_REQUEST, "unsound-form", &detail, None))
    })
}

/// An instant, or a date and time as a browser sends it.
fn local(text: &str, zone: &TimeZone) -> Option<Instant> {
    if let Some(at) = Instant::parse(text) {
        return Some(at);
    }
    let at = text.parse::<DateTime>().ok()?.to_zoned(zone.clone()).ok()?;
    Some(Instant::from_ms(at.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::act::Act;

    fn form(fields: &[(&str, &str)]) -> Form {
        fields.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_form_says_what_a_body_says() {
        let zone = TimeZone::get("Europe/Zurich").unwrap();
        let fields = [("word", "x"), ("text", "mended"), ("ended", "2026-11-22T14:03"), ("expected_events", "4")];
        let said: Resolving = said_in(&form(&fields), &zone).unwrap();
        let intent = said.intent().unwrap();
        assert_eq!(intent.expected_events, Some(4));
        let Act::Resolve { ended: Some(ended), .. } = intent.act else { panic!("{intent:?}") };
        assert_eq!(ended.to_string(), "2026-11-22T13:03:00Z", "local to the organisation");
        let exact = [("text", "mended"), ("ended", "2026-11-22T14:03:00+01:00")];
        let said: Resolving = said_in(&form(&exact), &TimeZone::UTC).unwrap();
        assert_eq!(said.ended.unwrap().instant(), Ok(ended));
        let empty = [("text", "mended"), ("ended", ""), ("expected_events", "")];
        let said: Resolving = said_in(&form(&empty), &zone).unwrap();
        assert_eq!((said.ended, said.expected_events), (None, None));
        let said: Commented = said_in(&form(&[("text", "")]), &zone).unwrap();
        assert_eq!(said.act(), Err(ActError::BadComment), "a comment has to be there");
        for wrong in [[("text", "x"), ("expected_events", "x")], [("text", "x"), ("more", "y")]] {
            assert!(said_in::<Commented>(&form(&wrong), &zone).is_err(), "{wrong:?}");
        }
    }
}
