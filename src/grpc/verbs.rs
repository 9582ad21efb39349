//! The verbs are synchronous, and run beside the connections on threads of which there are so many. Those that may take long, since they
//! ask elsewhere or try an update, never have all of them: whoever looks how things are is answered meanwhile.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tonic::Status;

use super::status;
use crate::app::Result;

/// Threads in all.
pub const AT_ONCE: usize = 64;
/// For looks that may take long.
const LOOKS: usize = 24;
/// For what is ordered, and tried beforehand; who only looks does not keep it waiting.
const ORDERS: usize = 24;

/// What may take long; the rest of the threads is for what does not.
pub struct Slow {
    looks: Arc<Semaphore>,
    orders: Arc<Semaphore>,
}

impl Slow {
    pub fn new() -> Self {
        Self {
            looks: Arc::new(Semaphore::new(LOOKS)),
            orders: Arc::new(Semaphore::new(ORDERS)),
        }
    }

    pub async fn look<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> std::result::Result<T, Status> {
        in_turn(&self.looks, work).await
    }

    pub async fn order<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> std::result::Result<T, Status> {
        in_turn(&self.orders, work).await
    }
}

/// The place is given back with the thread, also when nobody waits for the answer any more.
async fn in_turn<T: Send + 'static>(
    room: &Arc<Semaphore>,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> std::result::Result<T, Status> {
    let place = Arc::clone(room).acquire_owned().await;
    let place = place.map_err(|e| status::no("NL0999", &e.to_string(), None))?;
    blocking(move || {
        let done = work();
        drop(place);
        done
    })
    .await
}

/// For what does not take long.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> std::result::Result<T, Status> {
    let done = tokio::task::spawn_blocking(work).await;
    let done = done.map_err(|e| status::no("NL0999", &e.to_string(), None))?;
    done.map_err(|error| status::of_error(&error))
}
