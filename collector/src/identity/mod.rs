//! Who may do what, and who did what. Pure but for [`secret`], which draws random bits.
//!
//! A **token** is a name, a role and the digest of a secret. The secret itself is shown once, when the token is added,
//! and kept nowhere. A token ends with its expiry or when it is revoked; its name is never given again, so that what is
//! on record under it stays one person's or one program's. Every change to what the collector knows is made by an
//! **actor**, and its **deed** is recorded in the same commit.
//!
//! | file | what it holds |
//! |---|---|
//! | `secret` | 256 random bits, their text and their digest |
//! | `role` | the roles, and what each may |
//! | `token` | a token, and the register of all |
//! | `deed` | who did what, when |
//! | `keeper` | adding and revoking, as changes to the store |
//! | `view` | tokens and deeds as they are given out, and how long a token is wanted for |

pub mod deed;
pub mod keeper;
pub mod role;
pub mod secret;
pub mod token;
pub mod view;

#[cfg(test)]
#[path = "identity_tests.rs"]
mod tests;
