//! How and when an update begins.

use clap::{Args as ClapArgs, ValueEnum};

use super::remote;
use crate::plan::UpgradeStrategy;

#[derive(Debug, Default, ClapArgs)]
pub struct BeginArgs {
    /// At once, once the product is quiet, or by the clock, for `netlink serve` to carry out [default: policy.upgrade_strategy]
    #[arg(long, value_enum)]
    pub strategy: Option<StrategyArg>,
    /// When: 2026-12-01T02:00:00Z, or "2026-12-01 02:00" or 02:00 by policy.time_zone [default: when the calendar opens next]
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// With graceful: how long the product may take to become quiet, e.g. 90s [default: policy.graceful_timeout]
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    pub timeout: Option<u32>,
}

fn seconds(text: &str) -> Result<u32, String> {
    let time = remote::time(text)?;
    let whole = u32::try_from(time.as_secs()).ok().filter(|_| time.subsec_nanos() == 0);
    whole.ok_or_else(|| "expected whole seconds, up to a hundred years".to_owned())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StrategyArg {
    Immediate,
    Graceful,
    Scheduled,
}

impl From<StrategyArg> for UpgradeStrategy {
    fn from(arg: StrategyArg) -> Self {
        match arg {
            StrategyArg::Immediate => Self::Immediate,
            StrategyArg::Graceful => Self::Graceful,
            StrategyArg::Scheduled => Self::Scheduled,
        }
    }
}
