//! `token`: who may do what, given and taken away by somebody on the collector's host.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use uphold_common::ids::Id;
use uphold_manual::after_help;

use super::Format;
use super::ask::{self, local_actor, open_or_make_store, open_store, print_json, understood};
use super::exit::{ASKED, Ended, UNAVAILABLE, USAGE, WRONG};
use super::table::table;
use crate::api::socket::Ask;
use crate::clock;
use crate::identity::keeper::{Keeper, KeeperError, NewToken};
use crate::identity::role::Role;
use crate::identity::secret::Secret;
use crate::identity::view::{LIFE_DEFAULT, TokenGiven, TokenList, TokenView, end_of_life};
use crate::store::{EmbeddedStore, Store as _};

const EXAMPLES: [&str; 3] = [
    "uphold-collector token add duty --role operator --expires 90d",
    "uphold-collector token list",
    "uphold-collector token revoke duty",
];
const ADD: [&str; 2] = [
    "uphold-collector token add zurich-1 --role agent --output zurich-1.token",
    "uphold-collector token add wallboard --role viewer --expires never",
];
const LIST: [&str; 1] = ["uphold-collector token list --format json"];
const REVOKE: [&str; 1] = ["uphold-collector token revoke zurich-1"];

/// What `token` is told.
#[derive(Debug, Args)]
#[command(after_help = after_help::written(&EXAMPLES, &ASKED))]
pub(super) struct TokenArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Give a token; its secret is shown once, and never again.
    #[command(after_help = after_help::written(&ADD, &ASKED))]
    Add(AddArgs),
    /// List the tokens that were given, the ended ones too.
    #[command(after_help = after_help::written(&LIST, &ASKED))]
    List {
        /// The form.
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
        /// The data directory.
        #[arg(long, value_name = "DIR", default_value = "./uphold-data")]
        data: PathBuf,
    },
    /// Take a token away; from then on it is good for nothing.
    #[command(after_help = after_help::written(&REVOKE, &ASKED))]
    Revoke {
        /// Its name.
        name: Id,
        /// The data directory.
        #[arg(long, value_name = "DIR", default_value = "./uphold-data")]
        data: PathBuf,
    },
}

/// What a token may be good for.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum RoleWord {
    /// To push as one agent.
    Agent,
    /// To read everything.
    Viewer,
    /// And to act on incidents.
    Operator,
    /// And to approve.
    Approver,
    /// And to give and revoke tokens.
    Administrator,
}

#[derive(Debug, Args)]
struct AddArgs {
    /// Its name, under which everything done with it is recorded; a name is never given twice.
    name: Id,
    /// What it is good for.
    #[arg(long, value_enum)]
    role: RoleWord,
    /// The agent that an agent's token is bound to [default: the token's name].
    #[arg(long)]
    agent: Option<Id>,
    /// When it ends by itself: a length such as 90d, an instant, or never.
    #[arg(long, value_name = "WHEN", default_value = LIFE_DEFAULT)]
    expires: String,
    /// Write the secret into this new file, readable by nobody else, instead of printing it.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The data directory.
    #[arg(long, value_name = "DIR", default_value = "./uphold-data")]
    data: PathBuf,
}

pub(super) fn token(args: &TokenArgs) -> Result<(), Ended> {
    match &args.what {
        What::Add(args) => add(args),
        What::List { format, data } => list(*format, data),
        What::Revoke { name, data } => revoke(name, data),
    }
}

fn add(args: &AddArgs) -> Result<(), Ended> {
    let word = args.role.to_possible_value().map_or_else(String::new, |word| word.get_name().to_owned());
    let agent = match args.role {
        RoleWord::Agent => Some(args.agent.clone().unwrap_or_else(|| args.name.clone())),
        _ => args.agent.clone(),
    };
    let role = Role::of(&word, agent.clone());
    let role = role.ok_or_else(|| Ended::new(USAGE, "--agent: only an agent's token is bound to an agent"))?;
    let expected = "--expires: expected a length such as 90d of at most ten years, an instant within them, or never";
    end_of_life(&args.expires, clock::now()).ok_or_else(|| Ended::new(USAGE, expected))?;
    let output = args.output.as_deref().map(new_file).transpose()?;
    let wanted = json!({ "name": args.name, "role": word, "agent": agent, "expires": args.expires });
    let given = ask::running(&args.data, &Ask::post("/api/v1/tokens", &wanted)).and_then(|body| match body {
        Some(body) => understood(&body),
        None => add_to_store(args, role),
    });
    let given: TokenGiven = match (given, &args.output) {
        (Ok(given), _) => given,
        (Err(ended), Some(path)) => {
            // It is ours, new and empty.
            let _ = std::fs::remove_file(path);
            return Err(ended);
        }
        (Err(ended), None) => return Err(ended),
    };
    let end = given.token.expires_at_ms.map_or_else(|| "without an end".to_owned(), |at| format!("until {at}"));
    let bound = given.token.agent.as_ref().map_or_else(String::new, |agent| format!(" {agent}"));
    anstream::eprintln!("Added {}: {}{bound}, {end}.", given.token.name, given.token.role);
    if let (Some(mut file), Some(path)) = (output, &args.output) {
        let written = writeln!(file, "{}", given.secret).and_then(|()| file.sync_all());
        let failed = |error| format!("{} could not be written: {error}; revoke the token", path.display());
        written.map_err(|error| Ended::new(UNAVAILABLE, failed(error)))?;
        anstream::eprintln!("Its secret is in {}, and nowhere else.", path.display());
    } else {
        anstream::eprintln!("This is its secret, which is shown only now:");
        anstream::println!("{}", given.secret);
    }
    Ok(())
}

/// A file that was not there before, readable by nobody else.
fn new_file(path: &Path) -> Result<std::fs::File, Ended> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.map_err(|error| Ended::new(UNAVAILABLE, format!("{} could not be made: {error}", path.display())))
}

fn add_to_store(args: &AddArgs, role: Role) -> Result<TokenGiven, Ended> {
    let now = clock::now();
    let no_bits = |error| Ended::new(UNAVAILABLE, format!("the system gave no random bits: {error}"));
    let secret = Secret::draw().map_err(no_bits)?;
    let expires_at = end_of_life(&args.expires, now).flatten();
    let new = NewToken { name: args.name.clone(), role, digest: secret.digest(), expires_at };
    let store = open_or_make_store(&args.data)?;
    let token = in_store(store, |keeper, store| keeper.add(store, new, &local_actor(), now))?;
    Ok(TokenGiven { token: TokenView::of(&token, now), secret: secret.reveal() })
}

fn list(format: Format, data: &Path) -> Result<(), Ended> {
    let of_store = || {
        let tokens = in_store(open_store(data)?, |keeper, _| Ok(TokenList::of(keeper.tokens(), clock::now())))?;
        serde_json::to_vec(&tokens).map_err(|error| Ended::new(UNAVAILABLE, error))
    };
    let body = ask::running(data, &Ask::get("/api/v1/tokens"))?.map_or_else(of_store, Ok)?;
    if format == Format::Json {
        return print_json(&body);
    }
    let list: TokenList = understood(&body)?;
    if list.tokens.is_empty() {
        anstream::println!("No tokens were given yet.");
        return Ok(());
    }
    let row = |token: TokenView| {
        let role = token.agent.map_or(token.role.clone(), |agent| format!("{} {agent}", token.role));
        let end = token.expires_at_ms.map_or_else(|| "never".to_owned(), |at| at.to_string());
        let added = format!("{} by {}", token.added_at_ms, token.added_by);
        [token.name.to_string(), role, token.standing, end, added]
    };
    let rows: Vec<_> = list.tokens.into_iter().map(row).collect();
    anstream::print!("{}", table(["NAME", "ROLE", "STANDING", "EXPIRES", "ADDED"], &rows));
    Ok(())
}

fn revoke(name: &Id, data: &Path) -> Result<(), Ended> {
    let of_store = || {
        let now = clock::now();
        let token = in_store(open_store(data)?, |keeper, store| keeper.revoke(store, name, &local_actor(), now))?;
        Ok(TokenView::of(&token, now))
    };
    let answer = ask::running(data, &Ask::delete(&format!("/api/v1/tokens/{name}")))?;
    let token: TokenView = answer.map_or_else(of_store, |body| understood(&body))?;
    anstream::println!("Revoked {}; it is good for nothing from now on.", token.name);
    Ok(())
}

/// Works on the store itself, as nobody else holds it.
fn in_store<T>(
    mut store: EmbeddedStore,
    work: impl FnOnce(&mut Keeper, &mut EmbeddedStore) -> Result<T, KeeperError>,
) -> Result<T, Ended> {
    let ended = |error: KeeperError| {
        let code = match error {
            KeeperError::Store(_) | KeeperError::Damaged { .. } => UNAVAILABLE,
            _ => WRONG,
        };
        Ended::new(code, error)
    };
    let mut keeper = Keeper::load(&store).map_err(ended)?;
    let done = work(&mut keeper, &mut store).map_err(ended)?;
    store.close().map_err(|error| Ended::new(UNAVAILABLE, error))?;
    Ok(done)
}
