//! Orders that are no updates: taken, done, and settled; and what became of those whose server died in between.

use serde_json::Value;

use super::orders::{Begun, settle_order, wanted};
use super::{AppError, Installation, Result, Wanted, audit_order, backup_views};
use crate::engine::seeded;
use crate::store::{Answered, OrderRecord, OrderState, StoreError};

/// Takes the order and does it, to its end.
pub fn perform(installation: &Installation, order: &OrderRecord, what: &Wanted) -> Result<Begun> {
    if !installation.store.take_order(&order.id)? {
        let order = order.id.clone();
        return Err(StoreError::NoLongerWaits { order }.into());
    }
    seeded::breaks_off(&what.told());
    seeded::rests_until_told(installation.layout.root());
    let came = backup_views::perform(installation, what, &backup_by(order));
    match &came {
        // Nothing was done: it waits for its turn again.
        Err(AppError::Lock(_)) => installation.store.give_order_back(&order.id)?,
        _ => seeded::dies_when_done(),
    }
    came.map(Begun::Settled)
}

/// Says what became of the orders that were being done when their server died, and gives it. Only who carries out orders may ask, before it begins
/// with any. What has an effect only once, or can be told to be done, is not done again.
pub fn settle_taken(installation: &Installation) -> Result<Vec<(OrderRecord, Result<Value>)>> {
    let mut settled = Vec::new();
    for order in installation
        .store
        .open_orders()?
        .into_iter()
        .filter(|order| order.state == OrderState::Running)
    {
        let came = match what_came(installation, &order) {
            Ok(Some(came)) => came,
            Ok(None) => {
                installation.store.give_order_back(&order.id)?;
                continue;
            }
            // It cannot be found out: that is what it came to, so that nothing waits for it for ever.
            Err(error) => Err(error),
        };
        settle_order(installation, &order.id, &came, Answered::Later)?;
        audit_order(installation, &order, &came)?;
        settled.push((order, came));
    }
    Ok(settled)
}

/// None when it is to be done again.
fn what_came(installation: &Installation, order: &OrderRecord) -> Result<Option<Result<Value>>> {
    Ok(match wanted(order)? {
        Wanted::BackupCreate { .. } => {
            let made = backup_views::made_by(installation, &backup_by(order))?;
            let said = |view| serde_json::to_value(view).map_err(|e| AppError::below("NL0404", &e));
            made.map(said).transpose()?.map(Ok)
        }
        // What it had exchanged half-way is finished by the same once more.
        Wanted::BackupRestore { .. } if backup_views::is_half_restored(installation) => None,
        Wanted::BackupRestore { .. } => Some(Err(in_doubt(order))),
        // They change nothing, or nothing that the first time has not.
        _ => None,
    })
}

/// Names the order, so that the backup can be found.
fn backup_by(order: &OrderRecord) -> String {
    format!("{} ({})", order.ordered_by, order.id)
}

fn in_doubt(order: &OrderRecord) -> AppError {
    let message = format!(
        "the server ended just before or just after the files of {} were put in place, and nothing is half-way: look which, and order it anew if need be",
        order.id
    );
    AppError::said("NL0725", message)
}
