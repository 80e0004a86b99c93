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

/// What the codes mean, for the help.
pub(super) const EXIT_CODES: &str = "Exit codes:
  0  done
  1  what was looked at is not as it should be
  2  the command line, the configuration or the catalogue is not right
  3  the data directory, the port or the collector could not be had
  4  the store died while the collector ran; a restart finds everything that was acknowledged
  5  told to end for the second time; a restart finds everything that was acknowledged";

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
