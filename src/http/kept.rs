//! Answers that are given again, as they were written, as long as nothing has changed of what they are made of.

use std::collections::HashMap;
use std::mem;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_web::{HttpRequest, web};
use serde::Serialize;

use super::answer::{Answer, Said, blocking};
use crate::app::{self, Found, LeansOn, Lookout};
use crate::store::UpdateId;

/// So many are kept; who asks for ever others does not fill the memory.
const KEPT: usize = 256;

/// What is asked for again and again.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Question {
    Version,
    Update(UpdateId),
}

pub struct Kept {
    /// Over state and settings alone: whoever changes `version.json` or the folder of releases commits to the state afterwards.
    lookout: Lookout,
    said: Mutex<HashMap<Question, Arc<Found<Said>>>>,
    finding: Turns,
}

impl Kept {
    pub fn of(root: &Path, config: Option<&Path>) -> app::Result<Self> {
        Ok(Self {
            lookout: Lookout::over(root, config, |_| Vec::new())?,
            said: Mutex::default(),
            finding: Turns::default(),
        })
    }

    /// What was said before, where that still holds: nobody waits for it.
    fn again(&self, question: &Question) -> Option<Arc<Found<Said>>> {
        let known = locked(&self.said).get(question).cloned();
        known.filter(|found| self.lookout.stands(found))
    }

    fn find<T: Serialize>(
        &self,
        question: Question,
        leans_on: fn(&T) -> LeansOn,
        find: impl FnOnce() -> app::Result<T>,
    ) -> app::Result<Arc<Found<Said>>> {
        let turn = self.finding.of(&question);
        let _finding = locked(&turn.mine);
        if let Some(found) = self.again(&question) {
            return Ok(found);
        }
        let said = || {
            let value = find()?;
            Ok((Said::of(&value)?, leans_on(&value)))
        };
        let found = Arc::new(self.lookout.find(said)?);
        if !found.is_worth_keeping() {
            return Ok(found);
        }
        let mut known = locked(&self.said);
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(question, Arc::clone(&found));
        Ok(found)
    }
}

/// Of each question the one finds out, while others who ask the same wait for that; nobody waits for another question's answer.
#[derive(Default)]
struct Turns(Mutex<HashMap<Question, Arc<Mutex<()>>>>);

struct Turn<'a> {
    all: &'a Turns,
    question: Question,
    mine: Arc<Mutex<()>>,
}

impl Turns {
    fn of(&self, question: &Question) -> Turn<'_> {
        let mine = Arc::clone(locked(&self.0).entry(question.clone()).or_default());
        Turn {
            all: self,
            question: question.clone(),
            mine,
        }
    }
}

impl Drop for Turn<'_> {
    /// The last one to leave forgets it.
    fn drop(&mut self) {
        let mut all = locked(&self.all.0);
        drop(mem::take(&mut self.mine));
        if all.get(&self.question).is_some_and(|turn| Arc::strong_count(turn) == 1) {
            all.remove(&self.question);
        }
    }
}

/// Answers with what is kept, or with what is found out now.
pub async fn kept<T: Serialize + 'static>(
    (request, kept): (&HttpRequest, web::Data<Kept>),
    question: Question,
    leans_on: fn(&T) -> LeansOn,
    find: impl FnOnce() -> app::Result<T> + Send + 'static,
) -> Answer {
    let found = match kept.again(&question) {
        Some(found) => found,
        None => blocking(move || kept.find(question, leans_on, find)).await?,
    };
    Ok(found.what.to(request))
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::*;
    use crate::engine::Layout;
    use crate::store::Store;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_slow_look_holds_up_who_asks_the_same_and_nobody_else() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::new(dir.path().to_path_buf());
        let mut own = tempfile::Builder::new();
        let _own = own.prefix(".netlink").rand_bytes(0).tempdir_in(dir.path()).unwrap();
        Store::open(&layout.store()).unwrap();
        let kept = Kept::of(dir.path(), None).unwrap();
        let update = Question::Update("update_0a1_0b1_20260131_235959".parse().unwrap());
        let (begun, has_begun) = mpsc::channel();
        let (go, may_go) = mpsc::channel();
        let (done, is_done) = mpsc::channel();
        thread::scope(|scope| {
            let slow = move || {
                begun.send(()).unwrap();
                may_go.recv_timeout(LONG).unwrap();
                Ok("slow")
            };
            let (kept, same, waits) = (&kept, update.clone(), done.clone());
            let first = scope.spawn(move || kept.find(update, |_| LeansOn::More, slow).map(drop));
            has_begun.recv_timeout(LONG).unwrap();
            scope.spawn(move || {
                kept.find(same, |_| LeansOn::More, || Ok("the same")).unwrap();
                waits.send("the same").unwrap();
            });
            scope.spawn(move || {
                kept.find(Question::Version, |_| LeansOn::Nothing, || Ok("version"))
                    .unwrap();
                done.send("version").unwrap();
            });
            assert_eq!(is_done.recv_timeout(LONG), Ok("version"));
            assert!(is_done.try_recv().is_err());
            go.send(()).unwrap();
            first.join().unwrap().unwrap();
            assert_eq!(is_done.recv_timeout(LONG), Ok("the same"));
        });
        assert!(locked(&kept.finding.0).is_empty());
    }
}
