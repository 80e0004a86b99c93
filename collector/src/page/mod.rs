//! The page at `/`: the snapshot for people.

#[cfg(test)]
pub(crate) mod fixture;
