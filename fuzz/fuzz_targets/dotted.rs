//! Versions of the dotted scheme: reading, writing, order.
#![no_main]

use netlink::version::Dotted;

libfuzzer_sys::fuzz_target!(|text: &str| netlink_fuzz::versions::lines::<Dotted>(text));
