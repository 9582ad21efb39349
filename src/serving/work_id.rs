//! What follows work: the id of an update, or of the order that waits to become one. What is no id is one that is not known.

use std::fmt;
use std::str::FromStr;

use crate::app::{AppError, Result};
use crate::store::{OrderId, UpdateId};
use crate::version::{Version, VersionError};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkId {
    Update(UpdateId),
    Order(OrderId),
}

impl FromStr for WorkId {
    type Err = AppError;

    fn from_str(text: &str) -> Result<Self> {
        match text.parse() {
            Ok(order) => Ok(Self::Order(order)),
            Err(_) => text.parse().map(Self::Update).map_err(|_| {
                let message =
                    format!("`{text}` is neither the id of an update (update_…) nor that of an order (order_…)");
                AppError::said("NL0406", message)
            }),
        }
    }
}

impl fmt::Display for WorkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Update(id) => id.fmt(f),
            Self::Order(id) => id.fmt(f),
        }
    }
}

pub fn parsed_update(text: &str) -> Result<UpdateId> {
    let unknown = |e| AppError::said("NL0406", format!("there is no update of that id: {e}"));
    text.parse().map_err(unknown)
}

pub fn parsed_order(text: &str) -> Result<OrderId> {
    let unknown = |e| AppError::said("NL0718", format!("there is no such order: {e}"));
    text.parse().map_err(unknown)
}

pub fn parsed_version(field: &str, text: &str) -> Result<Version> {
    let malformed = |e: VersionError| AppError::said("NL0101", format!("{field}: {e}"));
    text.parse().map_err(malformed)
}
