//! Versions of the lifecycle scheme: reading, writing, order.
#![no_main]

use netlink::version::Version;

libfuzzer_sys::fuzz_target!(|text: &str| netlink_fuzz::versions::lines::<Version>(text));
