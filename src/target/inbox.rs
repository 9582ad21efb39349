//! What brings events to the supervisor: signals and connections, on threads of their own.

use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::protocol::Answer;
use super::supervisor::Event;
use super::{TargetError, socket};

const CONNECTIONS: usize = 16;
const PAUSE: Duration = Duration::from_millis(50);

/// Has SIGTERM and SIGINT end the supervisor.
pub fn catch_signals(events: &Sender<Event>) -> Result<(), TargetError> {
    // A hang-up is caught so that it does nothing: the terminal it comes from is not ours.
    let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGINT, SIGHUP]).map_err(TargetError::Signals)?;
    let events = events.clone();
    thread::spawn(move || {
        for signal in signals.forever() {
            if signal != SIGHUP && events.send(Event::EndSupervisor).is_err() {
                return;
            }
        }
    });
    Ok(())
}

/// Takes connections for ever; what their clients do cannot hold up the supervisor.
pub fn accept(listener: &UnixListener, events: &Sender<Event>) {
    let open = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming() {
        let Ok(stream) = stream else {
            // Out of descriptors: do not spin.
            thread::sleep(PAUSE);
            continue;
        };
        if open.fetch_add(1, Ordering::SeqCst) >= CONNECTIONS {
            open.fetch_sub(1, Ordering::SeqCst);
            continue;
        }
        let (events, open) = (events.clone(), Arc::clone(&open));
        thread::spawn(move || {
            serve(stream, &events);
            open.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

fn serve(mut stream: UnixStream, events: &Sender<Event>) {
    let answer = match socket::read_request(&mut stream) {
        Err(e) => Answer::Error(format!("the request is not understood: {e}")),
        Ok(request) => {
            let (reply, replied) = mpsc::channel();
            match events
                .send(Event::Asked(request, reply))
                .ok()
                .and_then(|()| replied.recv().ok())
            {
                Some(answer) => answer,
                None => return,
            }
        }
    };
    let _ = socket::write_answer(&mut stream, &answer);
}
