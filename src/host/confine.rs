//! A process that gives up what it does not need, for good: one that faces the network, changes nothing and starts nothing.

use std::io;
use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, LandlockStatus, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, Scope, path_beneath_rules,
};
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// What came of it; no new rights by set-user-id and no core dumps hold in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confined {
    /// By Landlock: no files but those it was left, and what the kernel knows besides.
    ByLandlock {
        /// It binds no further ports and connects to none (Linux 6.7 and later).
        network: bool,
    },
    /// The kernel has no Landlock.
    ByUserAlone,
}

/// From here on this process reads what lies below `reads`, uses the sockets it has, connects to Unix sockets, and nothing else.
/// To be called while it has one thread: those that it starts are as confined, those that are there already would not be.
pub fn confine_for_good(reads: &[&Path]) -> io::Result<Confined> {
    let threads = std::fs::read_dir("/proc/self/task")?.count();
    if threads != 1 {
        return Err(io::Error::other(format!("{threads} threads have begun already")));
    }
    // What it holds in memory (keys, tokens that pass through) is neither dumped nor read by others of its user.
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none)?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    restrict(reads).map_err(io::Error::other)
}

fn restrict(reads: &[&Path]) -> Result<Confined, RulesetError> {
    let reading: BitFlags<AccessFs> = AccessFs::ReadFile | AccessFs::ReadDir;
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(ABI::V5))?
        .handle_access(AccessNet::from_all(ABI::V4))?
        .scope(Scope::from_all(ABI::V6))?
        .create()?
        .add_rules(path_beneath_rules(reads, reading))?
        .no_new_privs(true)
        .restrict_self()?;
    Ok(match status.landlock {
        LandlockStatus::Available {
            effective_abi,
            kernel_abi,
        } => Confined::ByLandlock {
            network: kernel_abi.unwrap_or(effective_abi as i32) >= ABI::V4 as i32,
        },
        _ => Confined::ByUserAlone,
    })
}
