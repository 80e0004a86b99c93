//! How a command ends: its exit code, and what is said on standard error.

/// What was asked was done, and nothing is wrong with it.
pub const DONE: u8 = 0;
/// What was looked at is not as it should be.
pub const WRONG: u8 = 1;
/// The command line, the configuration or the catalogue is not right.
pub const USAGE: u8 = 2;
/// The data directory, the port or the collector could not be had.
pub const UNAVAILABLE: u8 = 3;
/// The store died; a restart finds everything that was acknowledged.
pub const STORE_DIED: u8 = 4;
/// Told to end for the second time, before it had ended in order; a restart finds everything that was acknowledged.
pub const CUT_SHORT: u8 = 5;

/// What the codes mean over all commands; each command's help says it of its own.
pub(super) const EXIT_CODES: [(u8, &str); 6] = [
    (DONE, "done"),
    (WRONG, "what was looked at is not as it should be"),
    (USAGE, USAGE_MEANS),
    (UNAVAILABLE, UNAVAILABLE_MEANS),
    (STORE_DIED, STORE_DIED_MEANS),
    (CUT_SHORT, CUT_SHORT_MEANS),
];
pub(super) const USAGE_MEANS: &str = "the command line, the configuration or the catalogue is not right";
pub(super) const UNAVAILABLE_MEANS: &str = "the data directory, the port or the collector could not be had";
pub(super) const STORE_DIED_MEANS: &str =
    "the store died while the collector ran; a restart finds everything that was acknowledged";
pub(super) const CUT_SHORT_MEANS: &str =
    "it was told to end for the second time; a restart finds everything that was acknowledged";
/// What a command may end with that runs a collector.
pub(super) const SERVED: [(u8, &str); 5] = [
    (DONE, "it was asked to end, and everything is kept"),
    (USAGE, USAGE_MEANS),
    (UNAVAILABLE, UNAVAILABLE_MEANS),
    (STORE_DIED, STORE_DIED_MEANS),
    (CUT_SHORT, CUT_SHORT_MEANS),
];
/// What a command that only prints may end with.
pub(super) const PRINTED: [(u8, &str); 3] =
    [(DONE, "printed"), (USAGE, "the command line is not right"), (UNAVAILABLE, "it could not be written")];
/// What a command may end with that asks something of the collector, or of its store.
pub(super) const ASKED: [(u8, &str); 4] = [
    (DONE, "done"),
    (WRONG, "it was refused, for a reason that was told"),
    (USAGE, "the command line is not right"),
    (UNAVAILABLE, UNAVAILABLE_MEANS),
];

/// Why a command ended as it did: its exit code, and what is said on standard error.
#[derive(Debug)]
pub(super) struct Ended {
    code: u8,
    message: String,
}

impl Ended {
    pub(super) fn new(code: u8, message: impl std::fmt::Display) -> Self {
        let message = format!("{message}");
        Self { code, message }
    }

    /// Says why, unless the command said it all itself; gives the exit code.
    pub(super) fn told(self) -> u8 {
        if !self.message.is_empty() {
            anstream::eprintln!("uphold-collector: {}", self.message);
        }
        self.code
    }
}
