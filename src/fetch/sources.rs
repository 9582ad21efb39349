//! The places that a repository can be had from: it itself, then its mirrors, each with the same signed files.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use ureq::Agent;

use super::http::{Client, agent};
use super::location::Web;
use super::meter::Meter;
use super::{FetchError, Limits, Location, Proxies};

/// How the network is used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    pub limits: Limits,
    pub proxies: Proxies,
}

/// In the order in which they are asked. One that answers is asked first from then on, so that a repository that is down
/// costs its time limits once and not for every file.
#[derive(Debug)]
pub struct Sources {
    first: Place,
    mirrors: Vec<Place>,
    pub(super) network: Network,
    answered: AtomicUsize,
}

/// One place, with connections to it that are used again.
#[derive(Debug)]
pub(super) struct Place {
    pub location: Location,
    agent: OnceLock<Agent>,
    pub meter: Meter,
}

impl Place {
    fn new(location: Location) -> Self {
        Self {
            location,
            agent: OnceLock::new(),
            meter: Meter::default(),
        }
    }

    pub fn client(&self, web: Web, network: &Network, limits: Limits) -> Result<Client<'_>, FetchError> {
        let address = web.address(network)?;
        let agent = match self.agent.get() {
            Some(agent) => agent,
            None => {
                let agent = agent(&address, network)?;
                self.agent.get_or_init(|| agent)
            }
        };
        Ok(Client::new(agent, address, limits, &self.meter))
    }
}

impl Sources {
    pub fn new(first: Location, mirrors: Vec<Location>, network: Network) -> Self {
        Self {
            first: Place::new(first),
            mirrors: mirrors.into_iter().map(Place::new).collect(),
            network,
            answered: AtomicUsize::new(0),
        }
    }

    /// How many places there are.
    pub fn count(&self) -> usize {
        self.mirrors.len() + 1
    }

    /// Bytes that were taken from all places since this was last asked, whatever has become of them.
    pub fn taken(&self) -> u64 {
        let places = self.mirrors.iter().chain([&self.first]);
        places.map(|place| place.meter.take()).sum()
    }

    /// What the place that answered last gave is of no use: the one after it is asked first from now on.
    pub fn pass_over(&self) {
        let next = (self.answered.load(Ordering::Relaxed) + 1) % self.count();
        self.answered.store(next, Ordering::Relaxed);
    }

    /// Whether a file may have to come from another machine.
    pub(super) fn cross_a_network(&self) -> bool {
        let mut places = self.mirrors.iter().chain([&self.first]);
        places.any(|place| place.location.is_remote())
    }

    /// Asks one place after the other until one gives what is wanted. What is wrong with this machine ends it at once.
    pub(super) fn each<T>(&self, mut ask: impl FnMut(&Place) -> Result<T, FetchError>) -> Result<T, FetchError> {
        let count = self.count();
        let start = self.answered.load(Ordering::Relaxed);
        let mut failures = Vec::new();
        for at in (start..start + count).map(|at| at % count) {
            let place = at.checked_sub(1).and_then(|at| self.mirrors.get(at));
            match ask(place.unwrap_or(&self.first)) {
                Ok(found) => {
                    self.answered.store(at, Ordering::Relaxed);
                    return Ok(found);
                }
                Err(error) if error.is_of_the_source() => failures.push(error),
                Err(error) => return Err(error),
            }
        }
        match failures.pop() {
            Some(only) if failures.is_empty() => Err(only),
            last => {
                failures.extend(last);
                Err(FetchError::Nowhere { failures })
            }
        }
    }
}
