//! Over what figures are asked for: the flags that `report` and `explain` share.

use clap::Args;
use uphold_common::catalogue::model::WindowKind;
use uphold_common::ids::Id;
use uphold_common::time::Instant;
use url::form_urlencoded::{Serializer, Target};

use super::exit::{Ended, UNAVAILABLE, USAGE, WRONG};
use crate::engine::query::{FiguresQuery, Over, QueryError, WINDOWS};

/// Over what figures are asked for.
#[derive(Debug, Args)]
pub(super) struct OverArgs {
    /// Over day, week, month, quarter, year, or a length such as 30d or 24h [default: each target's own window; of all services together, month].
    #[arg(long)]
    window: Option<String>,
    /// The window that holds this instant [default: the one that holds now].
    #[arg(long, value_name = "INSTANT")]
    at: Option<String>,
    /// Over any stretch: from this instant, in place of a window.
    #[arg(long, value_name = "INSTANT")]
    from: Option<String>,
    /// And to just before this one.
    #[arg(long, value_name = "INSTANT")]
    to: Option<String>,
    /// What the present is taken to be.
    #[arg(long, value_name = "INSTANT")]
    as_of: Option<String>,
}

impl OverArgs {
    /// What is said of it to a collector that runs.
    pub(super) fn say<T: Target>(&self, asked: &mut Serializer<'_, T>) {
        let said = [&self.window, &self.at, &self.from, &self.to, &self.as_of];
        for (key, value) in ["window", "at", "from", "to", "as_of"].into_iter().zip(said) {
            if let Some(value) = value {
                asked.append_pair(key, value);
            }
        }
    }

    /// The query for a service.
    pub(super) fn query(&self, service: &str, timelines: bool) -> Result<FiguresQuery, Ended> {
        let service = Id::new(service).map_err(|error| Ended::new(USAGE, format!("the service: expected {error}")))?;
        let (over, as_of) = self.over()?;
        over.query(service, as_of, timelines).map_err(|why| Ended::new(USAGE, why))
    }

    /// Over what, and as of when.
    pub(super) fn over(&self) -> Result<(Over, Option<Instant>), Ended> {
        let window = match &self.window {
            None => None,
            Some(text) => Some(WindowKind::parse(text).ok_or_else(|| usage("--window", WINDOWS))?),
        };
        let over = Over {
            window,
            at: instant("--at", self.at.as_deref())?,
            from: instant("--from", self.from.as_deref())?,
            to: instant("--to", self.to.as_deref())?,
        };
        Ok((over, instant("--as-of", self.as_of.as_deref())?))
    }
}

fn instant(what: &str, text: Option<&str>) -> Result<Option<Instant>, Ended> {
    let expected = "an instant such as 2026-03-01T00:00:00Z, or milliseconds since 1970";
    text.map(|text| Instant::parse(text).ok_or_else(|| usage(what, expected))).transpose()
}

/// What is expected where something else stands on the command line.
pub(super) fn usage(what: &str, expected: &str) -> Ended {
    Ended::new(USAGE, format!("{what}: expected {expected}"))
}

/// How a command ends that gets no figures.
pub(super) fn refused(error: &QueryError) -> Ended {
    let code = match error {
        QueryError::NoService { .. } | QueryError::NoTarget { .. } | QueryError::Future { .. } => WRONG,
        QueryError::Deriving | QueryError::Store(_) | QueryError::Write(_) => UNAVAILABLE,
    };
    Ended::new(code, error)
}
