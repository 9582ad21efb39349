//! One server, whichever door it is asked through: who is let in, the queue of orders, what happens by the clock, live events, and the
//! audit's rows of requests. Doors parse, ask here, and render.

mod access;
mod acts;
mod asked;
mod certificate;
mod clockwork;
mod feed;
mod guard;
mod peer;
mod queue;
mod rate;
mod refusal;
mod request_id;
mod say;
mod say_work;
mod served;
mod server;
mod shared;
mod watch;
mod work;
mod work_id;

pub use access::{Access, Credential, Identity, Means};
pub use acts::{Asking, asked, became};
pub use asked::{Cancelled, Move, Progress, RollBack, Way, ticket};
pub use certificate::Certificate;
pub use feed::Shown;
pub use peer::{End, Peer, Said, Unbelieved};
pub use refusal::Refusal;
pub use request_id::RequestId;
pub use say::{Answered, begin_log, say, say_request, say_warning};
pub use server::Server;
pub use watch::{Seen, Watch, has_seen_all};
pub use work::{Submitted, Work};
pub use work_id::{WorkId, parsed_order, parsed_update, parsed_version};
