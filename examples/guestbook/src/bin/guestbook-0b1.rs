//! Guestbook 0b1.

use std::process::ExitCode;

fn main() -> ExitCode {
    guestbook::main(guestbook::Edition::Beta)
}
