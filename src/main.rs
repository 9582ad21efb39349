//! The one binary. Everything is in the library; this file only hands over the arguments and the exit code.

fn main() -> std::process::ExitCode {
    netlink::cli::main()
}
