//! How the programs explain themselves: the end of their help, completions for shells, manual pages.
//!
//! Everything is made from the command line that the program itself reads, so nothing can be documented that is not
//! there. Examples and exit codes are written once, with [`after_help`], and stand in the help and in the pages.
//!
//! | file | what it holds |
//! |---|---|
//! | [`after_help`] | examples and exit codes, at the end of each command's help |
//! | [`completions`] | the command that prints a shell's completions |
//! | [`pages`] | the command that prints or writes the manual pages |

pub mod after_help;
pub mod completions;
pub mod pages;
