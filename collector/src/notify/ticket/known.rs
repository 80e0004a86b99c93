//! What is known of a receiver for one attempt: its description, its URL, its secrets. All of it is read anew each time, so
//! that files can be changed in place.

use std::collections::BTreeMap;
use std::path::Path;

use reqwest::Url;
use uphold_common::catalogue::model::{Catalogue, Described, ReceiverUrl, Tickets};
use uphold_common::ids::Id;
use uphold_common::yaml::words::{did_you_mean, listed, shown};

use super::description::Description;
use super::presets;
use super::read::{DESCRIPTION_BYTES_MAX, read};
use crate::notify::{post, secret};

/// What is known of a receiver. It is not printed, since secrets stand in it.
pub struct Known {
    /// How it is spoken to.
    pub description: Description,
    /// Where.
    pub url: Url,
    /// Where that comes from.
    pub from: ReceiverUrl,
    /// As whom.
    pub user: String,
    /// With this token.
    pub token: String,
    /// With this password.
    pub password: String,
    /// What the description leaves open.
    pub variables: BTreeMap<String, String>,
}

impl Known {
    /// Reads everything; the error is for people, and quotes no secret.
    pub async fn of(tickets: &Tickets) -> Result<Self, String> {
        let receiver = tickets.clone();
        let described = tokio::task::spawn_blocking(move || described(&receiver)).await;
        let (description, variables) = described.map_err(|_| "the description could not be read".to_owned())??;
        let url = post::parse(&post::written_url(&tickets.url).await?)?;
        let token = first_line("the token", tickets.token_file.as_deref()).await?;
        let password = first_line("the password", tickets.password_file.as_deref()).await?;
        let (from, user) = (tickets.url.clone(), tickets.user.clone().unwrap_or_default());
        Ok(Self { description, url, from, user, token, password, variables })
    }

    /// `text` without what is secret here.
    pub fn redacted(&self, mut text: String) -> String {
        let parts = [Some(self.token.as_str()), Some(&self.password), self.url.host_str(), self.url.password()];
        for part in parts.into_iter().flatten().filter(|part| part.len() > 1) {
            text = text.replace(part, "…");
        }
        text
    }
}

async fn first_line(what: &'static str, path: Option<&str>) -> Result<String, String> {
    match path {
        Some(path) => secret::first_line(what, path).await,
        None => Ok(String::new()),
    }
}

/// The description of a receiver and what it leaves open, held against what the catalogue says; this reads its file.
pub fn described(tickets: &Tickets) -> Result<(Description, BTreeMap<String, String>), String> {
    let description = match &tickets.described {
        Described::Preset(name) => {
            let text = presets::text(name).ok_or_else(|| format!("there is no description called \"{name}\""))?;
            read(&format!("{name}.yaml"), text)
        }
        Described::File(path) => read(&file_name(path), &text(path)?),
    };
    let description = description.map_err(|problems| problems.to_string())?;
    let variables = fitting(&description, tickets)?;
    Ok((description, variables))
}

/// The ticket systems whose descriptions cannot be used as the catalogue has them, and why; this reads their files.
pub fn unsound(catalogue: &Catalogue) -> Vec<(&Id, String)> {
    let systems = catalogue.receivers.iter().filter_map(|(id, one)| Some((id, one.tickets()?)));
    systems.filter_map(|(id, tickets)| Some((id, described(tickets).err()?.replace('\n', "; ")))).collect()
}

fn file_name(path: &str) -> String {
    Path::new(path).file_name().map_or_else(|| path.to_owned(), |name| name.to_string_lossy().into_owned())
}

fn text(path: &str) -> Result<String, String> {
    use std::io::Read as _;
    let could_not = |error: std::io::Error| format!("could not read the description {path}: {error}");
    // Opening anything else, a pipe say, might never return.
    if !std::fs::metadata(path).map_err(could_not)?.is_file() {
        return Err(format!("could not read the description {path}: it is no file"));
    }
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(could_not)?;
    file.take(DESCRIPTION_BYTES_MAX as u64 + 1).read_to_string(&mut text).map_err(could_not)?;
    Ok(text)
}

/// The values of all variables, once the catalogue gives what the description asks for and nothing else.
fn fitting(description: &Description, tickets: &Tickets) -> Result<BTreeMap<String, String>, String> {
    let name = &description.name;
    let (token, user, password) = description.credentials.asked();
    for (key, asked, given) in [
        ("token_file", token, tickets.token_file.is_some()),
        ("user", user, tickets.user.is_some()),
        ("password_file", password, tickets.password_file.is_some()),
    ] {
        match (asked, given) {
            (true, false) => return Err(format!("{name} asks for \"{key}\", which is missing")),
            (false, true) => return Err(format!("{name} has no use for \"{key}\"")),
            _ => {}
        }
    }
    let words = || description.variables.keys().map(String::as_str);
    if let Some(unknown) = tickets.variables.keys().find(|key| !description.variables.contains_key(*key)) {
        let hint = match did_you_mean(unknown, words()) {
            hint if hint.is_empty() && words().next().is_some() => format!(" (it has: {})", listed(words())),
            hint => hint,
        };
        return Err(format!("{name} has no variable {}{hint}", shown(unknown)));
    }
    let mut variables = BTreeMap::new();
    for (key, default) in &description.variables {
        let value = tickets.variables.get(key).or(default.as_ref());
        let value = value.ok_or_else(|| format!("{name} asks for the variable \"{key}\", which is missing"))?;
        variables.insert(key.clone(), value.clone());
    }
    Ok(variables)
}
