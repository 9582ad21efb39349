//! Orders: what is done at the server when its turn comes, waited for here.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::wire::{ASK_EVERY, Wire, failed};
use crate::app::{AppError, OrderView, codes};
use crate::cli::args::Global;
use crate::cli::output::{Failed, Result, harmless, say};
use crate::store::OrderState;

/// Orders something, waits until it is done, and gives what came of it.
pub fn done<T: DeserializeOwned>(global: &Global, wire: &Wire, path: &str, body: &Value) -> Result<T> {
    let mut order: OrderView = wire.read(&wire.order(path, body, None)?)?;
    // What begins at once is not worth a word.
    let mut said = order.reason.clone();
    loop {
        match order.state {
            OrderState::Waiting | OrderState::Running | OrderState::Begun => {}
            OrderState::Done => {
                let result = order.result.unwrap_or_default();
                return serde_json::from_value(result).map_err(|e| failed(wire.remote.garbled(e.to_string())));
            }
            OrderState::Refused | OrderState::Cancelled => return Err(refused(order)),
        }
        if order.reason != said && !global.quiet {
            said.clone_from(&order.reason);
            tell(&order);
        }
        std::thread::sleep(ASK_EVERY);
        order = wire.look_patiently(&format!("/orders/{}", order.order_id))?;
    }
}

fn tell(order: &OrderView) {
    if let Some(reason) = &order.reason {
        let OrderView { order_id, order, .. } = order;
        say(&format!("{}: {} ({order_id})", order.told(), harmless(reason)));
    }
}

fn refused(order: OrderView) -> Failed {
    match order.problem {
        Some(problem) => AppError::said(codes::lookup(&problem.code).id, problem.detail).into(),
        None => {
            let message = format!("order {} was cancelled", order.order_id);
            Failed::said("NL0108", message)
        }
    }
}
