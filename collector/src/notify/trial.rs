//! A test message to one receiver, by the very way that its messages go: past the outbox, once, because somebody asks for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;
use uphold_common::catalogue::model::{Channel, Receiver, Way};
use uphold_common::ids::Id;
use uphold_common::time::Instant;
use uphold_common::wire::batch::Epoch;
use utoipa::ToSchema;

use super::alertmanager::run::Posters;
use super::alertmanager::state::Alert;
use super::courier::Courier;
use super::entry::Key;
use super::message::{Kind, store_digits};
use super::outbox::Delivery;
use super::verdict::{Attempt, Outcome, judge};

/// How long the test alert of an Alertmanager stands.
const ALERT_MS: i64 = 60_000;

/// What became of a test message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TrialView {
    /// The receiver.
    pub receiver: Id,
    /// Whether it took the message.
    pub delivered: bool,
    /// What it answered, or why it could not be told.
    pub said: String,
}

/// Sends test messages.
#[derive(Clone, Debug)]
pub struct Trial {
    courier: Courier,
    posters: Posters,
}

impl Trial {
    /// By these, which the messages go by.
    pub const fn new(courier: Courier, posters: Posters) -> Self {
        Self { courier, posters }
    }

    /// Sends one.
    pub async fn of(&self, store: Epoch, receiver: &Receiver, now: Instant) -> TrialView {
        let attempt = match &receiver.way {
            Way::Messages(channel) => {
                let delivery = delivery(store, &receiver.id, Arc::clone(channel), now);
                self.courier.deliver(&delivery).await.attempt
            }
            Way::State(way) => self.posters.tell(way, &[alert(store, &receiver.id, now)], now).await,
        };
        let receiver = receiver.id.clone();
        match judge(&attempt, now) {
            Outcome::Delivered => TrialView { receiver, delivered: true, said: taken(&attempt) },
            Outcome::Failed { error, .. } => TrialView { receiver, delivered: false, said: error },
        }
    }
}

fn alert(store: Epoch, receiver: &Id, now: Instant) -> Alert {
    Alert {
        labels: BTreeMap::from([
            ("alertname", "UpholdTest".to_owned()),
            ("receiver", receiver.to_string()),
            ("store", store_digits(store)),
        ]),
        annotations: BTreeMap::from([("summary", summary(receiver))]),
        starts_at: now.to_string(),
        ends_at: now.plus_ms(ALERT_MS).to_string(),
    }
}

fn summary(receiver: &Id) -> String {
    format!("A test of the receiver {receiver}: nothing is wrong")
}

fn delivery(store: Epoch, receiver: &Id, channel: Arc<Channel>, now: Instant) -> Delivery {
    let id = format!("{}-TEST-{}", store_digits(store), now.as_ms());
    let body = json!({
        "specversion": "1.0",
        "id": id,
        "source": format!("urn:uphold:store:{store}"),
        "type": Kind::Test.as_str(),
        "subject": "TEST",
        "time": now.to_string(),
        "datacontenttype": "application/json",
        "data": { "summary": summary(receiver) },
    })
    .to_string();
    let key = Key { receiver: receiver.clone(), order: 0 };
    Delivery {
        key,
        channel,
        id,
        incident: None,
        kind: Kind::Test,
        body,
        attempt: 1,
        repeated: false,
        at: now,
        kept: None,
    }
}

fn taken(attempt: &Attempt) -> String {
    match attempt {
        Attempt::Answered { status, .. } => format!("the receiver answered {status}"),
        Attempt::Replied { code } => format!("the mail server answered {code}"),
        _ => "the program ended with 0".to_owned(),
    }
}
