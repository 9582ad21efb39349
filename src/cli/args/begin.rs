//! How and when an update begins.

use clap::{Args as ClapArgs, ValueEnum};

use crate::plan::UpgradeStrategy;

#[derive(Debug, Default, ClapArgs)]
pub struct BeginArgs {
    /// At once, once the product is quiet, or by the clock, for `netlink serve` to carry out [default: policy.upgrade_strategy]
    #[arg(long, value_enum)]
    pub strategy: Option<StrategyArg>,
    /// When: 2026-12-01T02:00:00Z, or "2026-12-01 02:00" or 02:00 by policy.time_zone [default: when the calendar opens next]
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
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
