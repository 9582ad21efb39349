//! Guestbook 0a1.

use std::process::ExitCode;

fn main() -> ExitCode {
    guestbook::main(guestbook::Edition::Alpha)
}
