//! Many small files of one repository: over a few connections at once where each has to cross a network.

use std::collections::VecDeque;
use std::thread;

use super::Sources;
use super::http::CONNECTIONS;

/// What `ask` gives for each of the items, in their order. Over a network a few items are asked for at once; whoever stops looking
/// has caused at most that many requests too many.
pub fn several<'a, I: Sync, T: Send>(
    sources: &Sources,
    items: &'a [I],
    ask: impl Fn(&'a I) -> T + Sync,
) -> impl Iterator<Item = T> {
    let at_once = if sources.cross_a_network() { CONNECTIONS } else { 1 };
    let mut left = items.chunks(at_once);
    let mut answers = VecDeque::new();
    std::iter::from_fn(move || {
        if answers.is_empty() {
            answers.extend(all(left.next()?, &ask));
        }
        answers.pop_front()
    })
}

/// The first item on this thread, each other one on its own.
fn all<'a, I: Sync, T: Send>(items: &'a [I], ask: &(impl Fn(&'a I) -> T + Sync)) -> Vec<T> {
    let Some((first, others)) = items.split_first() else {
        return Vec::new();
    };
    thread::scope(|scope| {
        let asked = |item| (item, thread::Builder::new().spawn_scoped(scope, move || ask(item)).ok());
        let others: Vec<_> = others.iter().map(asked).collect();
        let mut answers = vec![ask(first)];
        // Where no thread was to be had, or it broke down, this one asks; then what broke it is seen here.
        let joined = |(item, thread): (&'a I, Option<thread::ScopedJoinHandle<'_, T>>)| {
            thread
                .and_then(|thread| thread.join().ok())
                .unwrap_or_else(|| ask(item))
        };
        answers.extend(others.into_iter().map(joined));
        answers
    })
}
