//! How many files the agent may hold open: each attempt that runs holds a socket, and hosts mostly begin a program with 1,024
//! of them, as many as attempts may run.
//!
//! Plugins inherit it, and some close every file they might have, one by one; so it is not raised without end.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What it is raised to, as far as the host lets it be raised; the service's unit gives the same.
const OPEN_FILES: u64 = 65_536;

/// Raises how many files may be open. A host that does not allow it leaves it as it was.
pub fn raise() {
    let before = getrlimit(Resource::Nofile);
    let wanted = raised(before);
    if wanted != before && setrlimit(Resource::Nofile, wanted).is_err() {
        tracing::warn!(open = before.current, "the host does not let the agent hold more files open");
    }
}

/// No limit is told as none.
fn raised(limit: Rlimit) -> Rlimit {
    let most = limit.maximum.map_or(OPEN_FILES, |most| most.min(OPEN_FILES));
    Rlimit { current: limit.current.map(|now| now.max(most)), ..limit }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_raised_as_far_as_the_host_lets_it_and_never_lowered() {
        let of = |current, maximum| raised(Rlimit { current, maximum }).current;
        assert_eq!(of(Some(1_024), Some(524_288)), Some(OPEN_FILES));
        assert_eq!(of(Some(1_024), None), Some(OPEN_FILES));
        assert_eq!(of(Some(1_024), Some(4_096)), Some(4_096));
        assert_eq!(of(Some(200_000), Some(524_288)), Some(200_000));
        assert_eq!(of(None, None), None);
        raise();
        let now = getrlimit(Resource::Nofile);
        assert_eq!(raised(now), now, "what the host was asked for, it gave");
    }
}
