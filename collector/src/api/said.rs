//! What people say as they act on an incident: a body for each act, the same for programs, forms and the command line.
//!
//! With each may stand how many events the incident had when it was looked at; if it has others by now, nothing is done.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uphold_common::governed::When;
use utoipa::ToSchema;

use super::document;
use crate::incident::act::text::link;
use crate::incident::act::{Act, ActError, Comment, Intent, Review, Who};
use crate::incident::model::LinkKind;

/// What can be said to do something.
pub(crate) trait Said: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The end of the path for it.
    const WORD: &'static str;

    /// What is to be done, checked as far as it can be without the incident.
    fn act(&self) -> Result<Act, ActError>;

    /// How many events the incident is expected to have.
    fn expected_events(&self) -> Option<u32>;

    /// The same with what is expected.
    fn intent(&self) -> Result<Intent, ActError> {
        Ok(Intent { act: self.act()?, expected_events: self.expected_events() })
    }
}

fn word(comment: Option<&String>) -> Result<Option<Comment>, ActError> {
    comment.map(|text| Comment::new(text)).transpose()
}

/// What somebody says as they take an incident on.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Acknowledgement {
    /// A word with it.
    #[schema(schema_with = document::comment_or_none)]
    pub(crate) comment: Option<String>,
    /// How many events it had when it was looked at.
    #[schema(schema_with = document::expected_events)]
    pub(crate) expected_events: Option<u32>,
}

impl Said for Acknowledgement {
    const WORD: &'static str = "acknowledge";

    fn act(&self) -> Result<Act, ActError> {
        Ok(Act::Acknowledge(word(self.comment.as_ref())?))
    }

    fn expected_events(&self) -> Option<u32> {
        self.expected_events
    }
}

/// What somebody says.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Commented {
    /// What.
    #[schema(schema_with = document::comment)]
    pub(crate) text: String,
    /// How many events it had when it was looked at.
    #[schema(schema_with = document::expected_events)]
    pub(crate) expected_events: Option<u32>,
}

impl Said for Commented {
    const WORD: &'static str = "comments";

    fn act(&self) -> Result<Act, ActError> {
        Ok(Act::Comment(Comment::new(&self.text)?))
    }

    fn expected_events(&self) -> Option<u32> {
        self.expected_events
    }
}

/// To whom an incident is given.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Assigning {
    /// Somebody, or some team.
    #[schema(schema_with = document::who)]
    pub(crate) to: String,
    /// How many events it had when it was looked at.
    #[schema(schema_with = document::expected_events)]
    pub(crate) expected_events: Option<u32>,
}

impl Said for Assigning {
    const WORD: &'static str = "assign";

    fn act(&self) -> Result<Act, ActError> {
        Ok(Act::Assign(Who::new(&self.to)?))
    }

    fn expected_events(&self) -> Option<u32> {
        self.expected_events
    }
}

/// What somebody says as they resolve an incident.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resolving {
    /// What ended it.
    #[schema(schema_with = document::comment)]
    pub(crate) text: String,
    /// When it ended; now, if nothing is said.
    pub(crate) ended: Option<When>,
    /// How many events it had when it was looked at.
    #[schema(schema_with = document::expected_events)]
    pub(crate) expected_events: Option<u32>,
}

impl Said for Resolving {
    const WORD: &'static str = "resolve";

    fn act(&self) -> Result<Act, ActError> {
        let ended = self.ended.as_ref().map(When::instant).transpose().map_err(ActError::BadInstant)?;
        Ok(Act::Resolve { ended, text: Comment::new(&self.text)? })
    }

    fn expected_events(&self) -> Option<u32> {
        self.expected_events
    }
}

/// What somebody says as they close an incident.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Closing {
    /// A word with it.
    #[schema(schema_with = document::comment_or_none)]
    pub(crate) comment: Option<String>,
    /// How many events it had when it was looked at.
    #[schema(schema_with = document::expected_events)]
    pub(crate) expected_events: Option<u32>,
}

impl Said for Closing {
    const WORD: &'static str = "close";

    fn act(&self) -> Result<Act, ActError> {
        Ok(Act::Close(word(self.comment.as_ref())?))
    }

    fn expected_events(&self) -> Option<u32> {
        self.expected_events
    }
}

/// What somebody says as they open an incident again.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reopening {
    /// A word with it.
    #[schema(schema_with = document::comment_or_none)]
    pub(crate) comment: Option<String>,
    /// How many events it had when it was looked at.
    #[schema(schema_with = document::expected_events)]
    pub(crate) expected_events: Option<u32>,
}

impl Said for Reopening {
    const WORD: &'static str = "reopen";

    fn act(&self) -> Result<Act, ActError> {
        Ok(Act::Reopen(word(self.comment.as_ref())?))
    }

    fn expected_events(&self) -> Option<u32> {
        self.expected_events
    }
}

/// What an incident is connected with.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Linking {
    /// What it is to the incident.
    pub(crate) kind: LinkKind,
    /// Its name, or its address.
    #[schema(schema_with = document::link_to)]
    pub(crate) to: String,
    /// How many events it had when it was looked at.
    #[schema(schema_with = document::expected_events)]
    pub(crate) expected_events: Option<u32>,
}

impl Said for Linking {
    const WORD: &'static str = "links";

    fn act(&self) -> Result<Act, ActError> {
        Ok(Act::Link(link(self.kind, &self.to)?))
    }

    fn expected_events(&self) -> Option<u32> {
        self.expected_events
    }
}

/// What an incident is no longer connected with.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Unlinking {
    /// What it was to the incident.
    pub(crate) kind: LinkKind,
    /// Its name, or its address.
    #[schema(schema_with = document::link_to)]
    pub(crate) to: String,
    /// How many events it had when it was looked at.
    #[schema(schema_with = document::expected_events)]
    pub(crate) expected_events: Option<u32>,
}

impl Said for Unlinking {
    const WORD: &'static str = "unlink";

    fn act(&self) -> Result<Act, ActError> {
        Ok(Act::Unlink(link(self.kind, &self.to)?))
    }

    fn expected_events(&self) -> Option<u32> {
        self.expected_events
    }
}

/// What makes an incident a major one.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Declaration {
    /// Who answers for it.
    #[schema(schema_with = document::who)]
    pub(crate) owner: String,
    /// Why it is one.
    #[schema(schema_with = document::comment)]
    pub(crate) because: String,
    /// How many events it had when it was looked at.
    #[schema(schema_with = document::expected_events)]
    pub(crate) expected_events: Option<u32>,
}

impl Said for Declaration {
    const WORD: &'static str = "major";

    fn act(&self) -> Result<Act, ActError> {
        Ok(Act::Major { owner: Who::new(&self.owner)?, because: Comment::new(&self.because)? })
    }

    fn expected_events(&self) -> Option<u32> {
        self.expected_events
    }
}

/// That the management has the notice.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Receipt {
    /// How many events it had when it was looked at.
    #[schema(schema_with = document::expected_events)]
    pub(crate) expected_events: Option<u32>,
}

impl Said for Receipt {
    const WORD: &'static str = "notice";

    fn act(&self) -> Result<Act, ActError> {
        Ok(Act::NoticeReceived)
    }

    fn expected_events(&self) -> Option<u32> {
        self.expected_events
    }
}

/// The review of a major incident.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filing {
    /// What it found.
    #[schema(schema_with = document::review)]
    pub(crate) text: String,
    /// How many events it had when it was looked at.
    #[schema(schema_with = document::expected_events)]
    pub(crate) expected_events: Option<u32>,
}

impl Said for Filing {
    const WORD: &'static str = "review";

    fn act(&self) -> Result<Act, ActError> {
        Ok(Act::Review(Review::new(&self.text)?))
    }

    fn expected_events(&self) -> Option<u32> {
        self.expected_events
    }
}
