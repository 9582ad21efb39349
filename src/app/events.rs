//! The journal of updates as events, from wherever a watcher left off; also of updates that others run.

use super::{EventView, Installation, Result};
use crate::plan::Plan;
use crate::store::{Store, UpdateId};

/// Reads on in the journal; keeps the plan of the update that was last spoken of.
#[derive(Default)]
pub struct Events {
    plan: Option<(UpdateId, Plan)>,
}

impl Events {
    /// Entries after `seq`, of all updates or of one, in order.
    pub fn after(&mut self, store: &Store, of: Option<&UpdateId>, seq: i64, limit: u32) -> Result<Vec<EventView>> {
        let mut events = Vec::new();
        for (id, row) in store.journal_of_all(of, seq, limit)? {
            if self.plan.as_ref().is_none_or(|(known, _)| *known != id) {
                self.plan = store.update(&id)?.map(|update| (id.clone(), update.plan));
            }
            if let Some((_, plan)) = &self.plan {
                events.push(EventView::of_row(&id, plan, &row));
            }
        }
        Ok(events)
    }
}

/// Entries after `seq`, for a watcher that comes or comes back.
pub fn events_after(
    installation: &Installation,
    of: Option<&UpdateId>,
    seq: i64,
    limit: u32,
) -> Result<Vec<EventView>> {
    Events::default().after(&installation.store, of, seq, limit)
}
