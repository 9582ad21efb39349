//! Guestbook 0r1.

use std::process::ExitCode;

fn main() -> ExitCode {
    guestbook::main(guestbook::Edition::Release)
}
