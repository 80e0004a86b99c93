//! `incidents`: the list, one with its history, and what somebody on this host does about it.

mod list;

pub(super) use list::one_of;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;
use uphold_common::governed::When;
use uphold_common::time::Instant;
use uphold_manual::after_help;

use super::Format;
use super::ask::{answer, local_actor, print_json, style, understood};
use super::exit::{ASKED, DONE, Ended, UNAVAILABLE, UNAVAILABLE_MEANS, USAGE, WRONG};
use crate::api::said::{
    Acknowledgement, Assigning, Closing, Commented, Declaration, Filing, Linking, Receipt, Reopening, Resolving, Said,
    Unlinking,
};
use crate::api::socket::Ask;
use crate::engine::command::CommandError;
use crate::incident::act::ActError;
use crate::incident::act::text::REVIEW_BYTES_MAX;
use crate::incident::list::IncidentHistory;
use crate::incident::model::{Called, LinkKind};
use crate::report::incidents::{self, HistoryView};

const EXAMPLES: [&str; 4] = [
    "uphold-collector incidents",
    "uphold-collector incidents --all --format json",
    "uphold-collector incidents --state unacknowledged --priority P1",
    "uphold-collector incidents --service webshop --since 2026-03-01T00Z --all",
];
const EXIT_CODES: [(u8, &str); 4] = [
    (DONE, "the list was printed; it may be empty"),
    (WRONG, "the collector refused"),
    (USAGE, "the command line is not right"),
    (UNAVAILABLE, UNAVAILABLE_MEANS),
];
const SHOW: [&str; 1] = ["uphold-collector incidents show INC-7"];
const ACKNOWLEDGE: [&str; 2] = [
    "uphold-collector incidents acknowledge INC-7",
    "uphold-collector incidents acknowledge INC-7 --comment \"the carrier is told\"",
];
const COMMENT: [&str; 1] = ["uphold-collector incidents comment INC-7 \"a cable was cut\""];
const ASSIGN: [&str; 1] = ["uphold-collector incidents assign INC-7 \"network team\""];
const RESOLVE: [&str; 2] = [
    "uphold-collector incidents resolve INC-7 \"the cable is mended\"",
    "uphold-collector incidents resolve INC-7 \"mended\" --ended 2026-03-01T14:30Z",
];
const CLOSE: [&str; 1] = ["uphold-collector incidents close INC-7"];
const REOPEN: [&str; 1] = ["uphold-collector incidents reopen INC-7 --comment \"it is slow again\""];
const LINK: [&str; 3] = [
    "uphold-collector incidents link INC-7 change CHG-1042",
    "uphold-collector incidents link INC-7 problem PRB-2",
    "uphold-collector incidents link INC-7 evidence https://wiki.example/inc-7",
];
const UNLINK: [&str; 2] = [
    "uphold-collector incidents unlink INC-7 change CHG-1042",
    "uphold-collector incidents unlink INC-7 problem PRB-2",
];
const MAJOR: [&str; 1] = ["uphold-collector incidents major INC-7 \"all customers\" --owner \"A. Keller\""];
const NOTICE: [&str; 1] = ["uphold-collector incidents notice INC-7"];
const REVIEW: [&str; 2] = [
    "uphold-collector incidents review INC-7 \"A digger cut the cable.\"",
    "uphold-collector incidents review INC-7 --file review.txt",
];

/// What `incidents` is told.
#[derive(Debug, Args)]
#[command(after_help = after_help::written(&EXAMPLES, &EXIT_CODES), args_conflicts_with_subcommands = true)]
pub(super) struct IncidentsArgs {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    which: list::Which,
    /// The form.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// The data directory.
    #[arg(long, value_name = "DIR", default_value = "./uphold-data")]
    data: PathBuf,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show an incident with everything that happened to it.
    #[command(after_help = after_help::written(&SHOW, &ASKED))]
    Show {
        #[command(flatten)]
        which: Which,
        /// The form.
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
    /// Take an incident on: others see that somebody has it, and who.
    #[command(after_help = after_help::written(&ACKNOWLEDGE, &ASKED))]
    Acknowledge {
        #[command(flatten)]
        at: Seen,
        /// A word with it.
        #[arg(long)]
        comment: Option<String>,
    },
    /// Say something about an incident.
    #[command(after_help = after_help::written(&COMMENT, &ASKED))]
    Comment {
        #[command(flatten)]
        at: Seen,
        /// What to say.
        text: String,
    },
    /// Give an incident to somebody.
    #[command(after_help = after_help::written(&ASSIGN, &ASKED))]
    Assign {
        #[command(flatten)]
        at: Seen,
        /// To whom.
        to: String,
    },
    /// Resolve an incident by hand: say that it is over.
    #[command(after_help = after_help::written(&RESOLVE, &ASKED))]
    Resolve {
        #[command(flatten)]
        at: Seen,
        /// What ended it.
        text: String,
        /// When it ended [default: now].
        #[arg(long, value_name = "INSTANT", value_parser = list::instant)]
        ended: Option<Instant>,
    },
    /// Close an incident that is resolved: nothing more is to be done about it.
    #[command(after_help = after_help::written(&CLOSE, &ASKED))]
    Close {
        #[command(flatten)]
        at: Seen,
        /// A word with it.
        #[arg(long)]
        comment: Option<String>,
    },
    /// Open an incident again that is resolved and not closed; from then on only people resolve it.
    #[command(after_help = after_help::written(&REOPEN, &ASKED))]
    Reopen {
        #[command(flatten)]
        at: Seen,
        /// A word with it.
        #[arg(long)]
        comment: Option<String>,
    },
    /// Connect an incident with its parent, a problem, a change, a ticket or evidence.
    #[command(after_help = after_help::written(&LINK, &ASKED))]
    Link {
        #[command(flatten)]
        at: Seen,
        /// What it is to the incident: parent, problem, change, ticket or evidence.
        #[arg(value_parser = kind)]
        kind: LinkKind,
        /// Its number, its name or its address.
        to: String,
    },
    /// Take a link back; an incident that was found to be of a problem is taken out of it like that.
    #[command(after_help = after_help::written(&UNLINK, &ASKED))]
    Unlink {
        #[command(flatten)]
        at: Seen,
        /// What it was to the incident: parent, problem, change, ticket or evidence.
        #[arg(value_parser = kind)]
        kind: LinkKind,
        /// Its number, its name or its address.
        to: String,
    },
    /// Declare a major incident: somebody answers for it, and it is not closed without a review.
    #[command(after_help = after_help::written(&MAJOR, &ASKED))]
    Major {
        #[command(flatten)]
        at: Seen,
        /// Why it is one.
        because: String,
        /// Who answers for it.
        #[arg(long, value_name = "WHO")]
        owner: String,
    },
    /// Say that the management has the notice of a major incident.
    #[command(after_help = after_help::written(&NOTICE, &ASKED))]
    Notice {
        #[command(flatten)]
        at: Seen,
    },
    /// File the review of a major incident that is resolved.
    #[command(after_help = after_help::written(&REVIEW, &ASKED))]
    Review {
        #[command(flatten)]
        at: Seen,
        /// What it found.
        #[arg(required_unless_present = "file")]
        text: Option<String>,
        /// The same out of a file.
        #[arg(long, value_name = "FILE", conflicts_with = "text")]
        file: Option<PathBuf>,
    },
}

/// Which incident.
#[derive(Debug, Args)]
struct Which {
    /// Its number, such as INC-7, or its id.
    #[arg(value_name = "NUMBER", value_parser = |text: &str| Called::parse(text).ok_or("expected a number such as INC-7, or an id"))]
    called: Called,
    /// The data directory.
    #[arg(long, value_name = "DIR", default_value = "./uphold-data")]
    data: PathBuf,
}

/// Which incident, and what was seen of it.
#[derive(Debug, Args)]
struct Seen {
    #[command(flatten)]
    which: Which,
    /// Do nothing if it has another number of events than this by now.
    #[arg(long, value_name = "COUNT")]
    expected_events: Option<u32>,
}

fn kind(text: &str) -> Result<LinkKind, String> {
    list::one_of(text, &LinkKind::ALL.map(|kind| (kind.as_str(), kind)))
}

pub(super) fn incidents(args: &IncidentsArgs) -> Result<(), Ended> {
    match &args.what {
        None => list::list(&args.which, args.format, &args.data),
        Some(What::Show { which, format }) => show(which, *format),
        Some(what) => does(what),
    }
}

/// Does what is to be done to one.
fn does(what: &What) -> Result<(), Ended> {
    match what {
        What::Show { which, format } => show(which, *format),
        What::Acknowledge { at, comment } => {
            let (comment, expected_events) = (comment.clone(), at.expected_events);
            act(&at.which, &Acknowledgement { comment, expected_events }, "Taken on")
        }
        What::Comment { at, text } => {
            let (text, expected_events) = (text.clone(), at.expected_events);
            act(&at.which, &Commented { text, expected_events }, "Commented on")
        }
        What::Assign { at, to } => {
            let (to, expected_events) = (to.clone(), at.expected_events);
            act(&at.which, &Assigning { to, expected_events }, "Assigned")
        }
        What::Resolve { at, text, ended } => {
            let (text, expected_events) = (text.clone(), at.expected_events);
            act(&at.which, &Resolving { text, ended: ended.map(When::from), expected_events }, "Resolved")
        }
        What::Close { at, comment } => {
            let (comment, expected_events) = (comment.clone(), at.expected_events);
            act(&at.which, &Closing { comment, expected_events }, "Closed")
        }
        What::Reopen { at, comment } => {
            let (comment, expected_events) = (comment.clone(), at.expected_events);
            act(&at.which, &Reopening { comment, expected_events }, "Opened again")
        }
        What::Link { at, kind, to } => {
            let (to, expected_events) = (to.clone(), at.expected_events);
            act(&at.which, &Linking { kind: *kind, to, expected_events }, "Linked")
        }
        What::Unlink { at, kind, to } => {
            let (to, expected_events) = (to.clone(), at.expected_events);
            act(&at.which, &Unlinking { kind: *kind, to, expected_events }, "Unlinked")
        }
        What::Major { at, because, owner } => {
            let (owner, because, expected_events) = (owner.clone(), because.clone(), at.expected_events);
            act(&at.which, &Declaration { owner, because, expected_events }, "Declared a major incident")
        }
        What::Notice { at } => {
            act(&at.which, &Receipt { expected_events: at.expected_events }, "Received the notice of")
        }
        What::Review { at, text, file } => {
            let text = file.as_deref().map_or_else(|| Ok(text.clone().unwrap_or_default()), written)?;
            act(&at.which, &Filing { text, expected_events: at.expected_events }, "Reviewed")
        }
    }
}

/// The text of a file, which is refused if it is longer than a review.
fn written(file: &Path) -> Result<String, Ended> {
    let wrong = |why: &dyn std::fmt::Display| Ended::new(USAGE, format!("{}: {why}", file.display()));
    let length = std::fs::metadata(file).map_err(|error| wrong(&error))?.len();
    if length > 2 * REVIEW_BYTES_MAX as u64 {
        return Err(wrong(&ActError::BadReview));
    }
    std::fs::read_to_string(file).map_err(|error| wrong(&error))
}

fn act<T: Said>(which: &Which, said: &T, done: &str) -> Result<(), Ended> {
    let intent = said.intent().map_err(|why| Ended::new(USAGE, why))?;
    let ask = Ask::post(&format!("/api/v1/incidents/{}/{}", which.called, T::WORD), &json!(said));
    answer(&which.data, &ask, |engine, now| {
        engine.act(which.called, intent, &local_actor(), now).map(|_| Vec::new()).map_err(|error| {
            let code = if matches!(error, CommandError::Act(_)) { WRONG } else { UNAVAILABLE };
            Ended::new(code, error)
        })
    })?;
    anstream::println!("{done}: {}.", which.called);
    Ok(())
}

fn show(which: &Which, format: Format) -> Result<(), Ended> {
    let body = answer(&which.data, &Ask::get(&format!("/api/v1/incidents/{}", which.called)), |engine, now| {
        let history = engine.told_history(which.called, now).map_err(|error| Ended::new(UNAVAILABLE, error))?;
        let history = history.ok_or_else(|| Ended::new(WRONG, ActError::NoIncident(which.called)))?;
        serde_json::to_vec(&IncidentHistory::from(history)).map_err(|error| Ended::new(UNAVAILABLE, error))
    })?;
    if format == Format::Json {
        return print_json(&body);
    }
    let history: HistoryView = understood(&body)?;
    anstream::print!("{}", incidents::render_one(&history, style()));
    Ok(())
}
