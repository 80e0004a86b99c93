//! Operations on messages to receivers: those that could not be delivered, and one to try a receiver with.

use axum::http::Method;
use uphold_common::ids::Id;

use super::operations::{NO_ROOM, reference};
use super::schemas;
use super::told::Told;
use crate::api::deliveries::LetterList;
use crate::notify::letters::LetterView;
use crate::notify::trial::TrialView;

pub(super) fn all() -> Vec<Told> {
    let letter = |told: Told| {
        told.named("receiver", reference::<Id>(), "The receiver.")
            .named("number", schemas::letter_number(), "The number of the letter.")
            .refuses(404, "`no-such-letter`: there is none of this number to this receiver.")
            .refuses(503, NO_ROOM)
    };
    vec![
        Told::get(
            "/api/v1/dead-letters",
            "List the dead letters",
            "Messages that could not be delivered, oldest first.",
        )
        .answers_json::<LetterList>(200, "The letters, without what they say."),
        letter(Told::new(
            Method::DELETE,
            "/api/v1/dead-letters/{receiver}/{number}",
            "Let a dead letter go",
            "It is kept no longer, and never sent.",
        ))
        .answers_json::<LetterView>(200, "The letter that is gone."),
        letter(Told::post(
            "/api/v1/dead-letters/{receiver}/{number}/resend",
            "Send a dead letter again",
            "It waits behind whatever its receiver is still to be told.",
        ))
        .answers_json::<LetterView>(200, "The letter that it was.")
        .refuses(409, "`no-such-receiver`, `outbox-full`: its receiver is gone, or too much waits for it."),
        Told::post(
            "/api/v1/receivers/{id}/test",
            "Send a test message to a receiver",
            "By the very way that its messages go; the answer waits for what becomes of it.",
        )
        .named("id", reference::<Id>(), "The receiver.")
        .answers_json::<TrialView>(200, "Whether it took the message, and what it answered.")
        .refuses(404, "`no-such-receiver`: the catalogue has none of this name."),
    ]
}
