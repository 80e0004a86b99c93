//! One attempt to deliver a message: a `POST` of the event with `webhook-id`, by which a receiver knows a message that it
//! already has, and with a signature where the catalogue names a key.

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use uphold_common::catalogue::model::Webhook;

use super::message;
use super::outbox::Delivery;
use super::post::{ClientError, Post, Poster, Proxies, Timeouts};
use super::verdict::Attempt;
use super::{secret, signature};

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
    pub async fn deliver(&self, webhook: &Webhook, delivery: &Delivery) -> Attempt {
        let Ok(id) = HeaderValue::from_str(&delivery.id) else {
            return Attempt::Unanswered { error: "the message's id cannot stand in a header".to_owned() };
        };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(message::CONTENT_TYPE));
        headers.insert("webhook-id", id);
        if let Some(path) = &webhook.secret_file
            && let Err(error) = sign(path, delivery, &mut headers).await
        {
            return Attempt::Unanswered { error };
        }
        self.poster.post(Post { url: &webhook.url, path: "", headers, body: delivery.body.clone() }).await
    }
}

/// Reads the keys and adds the headers that prove who sent it.
async fn sign(path: &str, delivery: &Delivery, headers: &mut HeaderMap) -> Result<(), String> {
    let keys = secret::lines("the key", path).await?;
    let signed = signature::sign(path, &keys, (&delivery.id, &delivery.body), delivery.at)?;
    for (name, value) in [("webhook-timestamp", signed.timestamp), ("webhook-signature", signed.signature)] {
        let value = HeaderValue::from_str(&value).map_err(|_| format!("{name} cannot stand in a header"))?;
        headers.insert(name, value);
    }
    Ok(())
}

#[cfg(test)]
#[path = "webhook_tests.rs"]
mod tests;
