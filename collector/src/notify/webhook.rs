//! One attempt to deliver a message: a `POST` of the event with `webhook-id`, by which a receiver knows a message that it
//! already has.

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

use super::message;
use super::outbox::Delivery;
use super::post::{ClientError, Post, Poster, Proxies, Timeouts};
use super::verdict::Attempt;

/// Delivers messages to webhooks.
#[derive(Clone, Debug)]
pub struct WebhookClient {
    poster: Poster,
}

impl WebhookClient {
    /// A client with these timeouts; the TLS provider must have been installed.
    pub fn new(timeouts: Timeouts) -> Result<Self, ClientError> {
        Ok(Self { poster: Poster::new(timeouts, Proxies::OfTheEnvironment)? })
    }

    /// Makes one attempt.
    pub async fn deliver(&self, delivery: &Delivery) -> Attempt {
        let Ok(id) = HeaderValue::from_str(&delivery.id) else {
            return Attempt::Unanswered { error: "the message's id cannot stand in a header".to_owned() };
        };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(message::CONTENT_TYPE));
        headers.insert("webhook-id", id);
        self.poster.post(Post { url: &delivery.url, path: "", headers, body: delivery.body.clone() }).await
    }
}

#[cfg(test)]
#[path = "webhook_tests.rs"]
mod tests;
