//! Everything else that is put on record with a date, so that reports can show it: reviews that were held, exercises of
//! continuity, deployments, improvements, complaints. None of it changes how time is measured.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::checks::{Problems, Selection, SelectionAsked, Unsound, When, known, known_services, line, text, word};
use super::{Defaults, Facts};
use crate::ids::Id;
use crate::time::Instant;

/// A dated record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dated {
    /// Its name.
    pub id: Id,
    /// The services it is about.
    pub services: Selection<Id>,
    /// When it was.
    pub at: Instant,
    /// What it was, in a line.
    pub title: String,
    /// More about it.
    pub text: Option<String>,
    /// What happened.
    pub what: Happening,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Happening {
    /// A service was reviewed with those concerned.
    Review {
        /// The customer it was held with, if it was one.
        customer: Option<Id>,
        /// Who took part.
        attendees: Option<String>,
        /// What was decided.
        decisions: Option<String>,
    },
    /// It was exercised to go on after a disaster.
    ContinuityExercise {
        /// What was assumed to have happened.
        scenario: String,
        /// Within what time the service was to be back.
        rto_promised_ms: i64,
        /// Within what time it was; none if it was not.
        rto_reached_ms: Option<i64>,
        /// Over what time data may be lost.
        rpo_promised_ms: i64,
        /// Over what time they were; none if they all were.
        rpo_reached_ms: Option<i64>,
    },
    /// A version was put into operation.
    Deployment {
        /// Which.
        version: String,
        /// How it went.
        result: DeploymentResult,
    },
    /// Something was made better.
    Improvement {
        /// By what that is measured, with its unit.
        metric: String,
        /// What it was before, as a decimal.
        before: String,
        /// What it was to become.
        target: Option<String>,
        /// What it was afterwards, once that is known.
        after: Option<String>,
    },
    /// Complaints were counted.
    Complaints {
        /// How many.
        count: u32,
        /// From when on they were counted, up to the record's own instant.
        since: Option<Instant>,
        /// Whose, if they are one customer's.
        customer: Option<Id>,
    },
}

impl Happening {
    /// The words for all kinds.
    pub const WORDS: [&'static str; 5] = ["review", "continuity_exercise", "deployment", "improvement", "complaints"];

    /// The word for its kind.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Review { .. } => "review",
            Self::ContinuityExercise { .. } => "continuity_exercise",
            Self::Deployment { .. } => "deployment",
            Self::Improvement { .. } => "improvement",
            Self::Complaints { .. } => "complaints",
        }
    }

    /// Whether an exercise kept what was promised for recovery time, and for recovery point.
    pub fn kept(&self) -> Option<(bool, bool)> {
        let Self::ContinuityExercise { rto_promised_ms, rto_reached_ms, rpo_promised_ms, rpo_reached_ms, .. } = self
        else {
            return None;
        };
        let kept = |reached: &Option<i64>, promised: &i64| reached.is_some_and(|reached| reached <= *promised);
        Some((kept(rto_reached_ms, rto_promised_ms), kept(rpo_reached_ms, rpo_promised_ms)))
    }

    const fn customer(&self) -> Option<&Id> {
        match self {
            Self::Review { customer, .. } | Self::Complaints { customer, .. } => customer.as_ref(),
            _ => None,
        }
    }
}

/// How a deployment went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeploymentResult {
    /// The version is in operation.
    Succeeded,
    /// It is not as it should be.
    Failed,
    /// The version before is in operation again.
    RolledBack,
}

impl DeploymentResult {
    /// All of them, by their words.
    pub const WORDS: [(&'static str, Self); 3] =
        [("succeeded", Self::Succeeded), ("failed", Self::Failed), ("rolled_back", Self::RolledBack)];

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::RolledBack => "rolled_back",
        }
    }
}

impl Dated {
    /// Holds a new one against the catalogue and the clock.
    pub(super) fn fits(&self, facts: Facts<'_>) -> Result<(), Unsound> {
        let mut problems = Problems::default();
        known_services(&mut problems, &self.services, facts);
        if let Some(customer) = self.what.customer() {
            let named = Selection::Named([customer.clone()].into());
            known(&mut problems, "customer", "customer", &named, facts.catalogue.customers.keys());
        }
        if self.at > facts.now {
            let now = facts.now;
            problems.add("at", format!("expected an instant that has come; it is {now}"));
        }
        problems.end(Some(()))
    }
}

/// A dated record that is asked for. Which keys beside the first six there may be, its `kind` says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DatedAsked {
    /// Its name; without one, one is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `review`, `continuity_exercise`, `deployment`, `improvement` or `complaints`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = true)]
    pub kind: Option<String>,
    /// `all`, or the services it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = SelectionAsked, required = true)]
    pub services: Option<SelectionAsked>,
    /// When it was; without it, now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<When>,
    /// What it was, in a line.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = true)]
    pub title: Option<String>,
    /// More about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Of a review or of complaints: the customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// Of a review: who took part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attendees: Option<String>,
    /// Of a review: what was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decisions: Option<String>,
    /// Of an exercise: what was assumed to have happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scenario: Option<String>,
    /// Of an exercise: within what time the service was to be back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rto_promised_ms: Option<i64>,
    /// Of an exercise: within what time it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rto_reached_ms: Option<i64>,
    /// Of an exercise: over what time data may be lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rpo_promised_ms: Option<i64>,
    /// Of an exercise: over what time they were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rpo_reached_ms: Option<i64>,
    /// Of a deployment: which version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Of a deployment: `succeeded`, which it is without this, `failed` or `rolled_back`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// Of an improvement: by what it is measured, with its unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// Of an improvement: what it was before, as a decimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Of an improvement: what it was to become.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Of an improvement: what it was afterwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Of complaints: how many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// Of complaints: from when on they were counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<When>,
}

impl DatedAsked {
    /// The checked record of it.
    pub(super) fn read(&self, id: Id, defaults: &Defaults) -> Result<Dated, Unsound> {
        let mut problems = Problems::default();
        let services = problems.required("services", self.services.as_ref(), |asked| asked.read("services"));
        let at = problems.optional("at", self.at.as_ref(), When::instant).unwrap_or(defaults.at);
        let title = problems.required("title", self.title.as_deref(), line);
        let more = problems.optional("text", self.text.as_deref(), text);
        let words = Happening::WORDS.map(|word| (word, word));
        let kind = problems.required("kind", self.kind.as_deref(), |said| word(said, &words));
        let what = kind.and_then(|kind| self.happening(kind, &mut problems));
        if let Some(Happening::Complaints { since: Some(since), .. }) = &what
            && *since > at
        {
            problems.add("since", "expected an instant before that of the record");
        }
        let dated = || Some(Dated { id, services: services?, at, title: title?, text: more, what: what? });
        let made = dated();
        problems.end(made)
    }

    fn happening(&self, kind: &str, problems: &mut Problems) -> Option<Happening> {
        self.refuse_others(kind, problems);
        match kind {
            "review" => {
                let customer = self.customer(problems);
                let attendees = problems.optional("attendees", self.attendees.as_deref(), text);
                let decisions = problems.optional("decisions", self.decisions.as_deref(), text);
                Some(Happening::Review { customer, attendees, decisions })
            }
            "continuity_exercise" => self.exercise(problems),
            "deployment" => {
                let version = problems.required("version", self.version.as_deref(), line);
                let result =
                    problems.optional("result", self.result.as_deref(), |said| word(said, &DeploymentResult::WORDS));
                let result = result.unwrap_or(DeploymentResult::Succeeded);
                Some(Happening::Deployment { version: version?, result })
            }
            "improvement" => {
                let metric = problems.required("metric", self.metric.as_deref(), line);
                let before = problems.required("before", self.before.as_deref(), decimal);
                let target = problems.optional("target", self.target.as_deref(), decimal);
                let after = problems.optional("after", self.after.as_deref(), decimal);
                Some(Happening::Improvement { metric: metric?, before: before?, target, after })
            }
            _ => {
                let count = problems.required("count", self.count.as_ref(), |count| Ok(*count));
                let since = problems.optional("since", self.since.as_ref(), When::instant);
                let customer = self.customer(problems);
                Some(Happening::Complaints { count: count?, since, customer })
            }
        }
    }

    fn exercise(&self, problems: &mut Problems) -> Option<Happening> {
        let scenario = problems.required("scenario", self.scenario.as_deref(), text);
        let promised_time = problems.required("rto_promised_ms", self.rto_promised_ms.as_ref(), |ms| length(*ms));
        let time = problems.optional("rto_reached_ms", self.rto_reached_ms.as_ref(), |ms| length(*ms));
        let promised_point = problems.required("rpo_promised_ms", self.rpo_promised_ms.as_ref(), |ms| length(*ms));
        let point = problems.optional("rpo_reached_ms", self.rpo_reached_ms.as_ref(), |ms| length(*ms));
        Some(Happening::ContinuityExercise {
            scenario: scenario?,
            rto_promised_ms: promised_time?,
            rto_reached_ms: time,
            rpo_promised_ms: promised_point?,
            rpo_reached_ms: point,
        })
    }

    fn customer(&self, problems: &mut Problems) -> Option<Id> {
        let read = |text: &str| Id::new(text).map_err(|why| format!("expected {why}"));
        problems.optional("customer", self.customer.as_deref(), read)
    }

    /// Refuses what belongs to another kind, so that nothing is ignored.
    fn refuse_others(&self, kind: &str, problems: &mut Problems) {
        let exercise: &[&str] = &["continuity_exercise"];
        let improvement: &[&str] = &["improvement"];
        let keys: [(&str, bool, &[&str]); 16] = [
            ("customer", self.customer.is_some(), &["review", "complaints"]),
            ("attendees", self.attendees.is_some(), &["review"]),
            ("decisions", self.decisions.is_some(), &["review"]),
            ("scenario", self.scenario.is_some(), exercise),
            ("rto_promised_ms", self.rto_promised_ms.is_some(), exercise),
            ("rto_reached_ms", self.rto_reached_ms.is_some(), exercise),
            ("rpo_promised_ms", self.rpo_promised_ms.is_some(), exercise),
            ("rpo_reached_ms", self.rpo_reached_ms.is_some(), exercise),
            ("version", self.version.is_some(), &["deployment"]),
            ("result", self.result.is_some(), &["deployment"]),
            ("metric", self.metric.is_some(), improvement),
            ("before", self.before.is_some(), improvement),
            ("target", self.target.is_some(), improvement),
            ("after", self.after.is_some(), improvement),
            ("count", self.count.is_some(), &["complaints"]),
            ("since", self.since.is_some(), &["complaints"]),
        ];
        for (key, _, of) in keys.iter().filter(|(_, there, of)| *there && !of.contains(&kind)) {
            problems.add(key, format!("is not of the kind {kind}, but of {}", of.join(" and ")));
        }
    }
}

/// A length of at most ten years.
fn length(ms: i64) -> Result<i64, String> {
    const MS_MAX: i64 = 3_653 * crate::time::DAY_MS;
    let expected = || "expected milliseconds from 0 to ten years".to_owned();
    Some(ms).filter(|ms| (0..=MS_MAX).contains(ms)).ok_or_else(expected)
}

/// A decimal as it is written, such as `-12.50`.
fn decimal(text: &str) -> Result<String, String> {
    let number = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |part: &str| (1..=18).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    let expected = || "expected a decimal such as 12.5".to_owned();
    Some(text.to_owned()).filter(|_| digits(whole) && digits(fraction)).ok_or_else(expected)
}
