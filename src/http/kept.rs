//! Answers that are given again, as they were written, as long as nothing has changed of what they are made of.

use std::collections::HashMap;
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
    /// Held by the one who finds out, while others wait for that.
    finding: Mutex<()>,
}

impl Kept {
    pub fn of(root: &Path, config: Option<&Path>) -> app::Result<Self> {
        Ok(Self {
            lookout: Lookout::over(root, config, |_| Vec::new())?,
            said: Mutex::default(),
            finding: Mutex::default(),
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
        let _finding = locked(&self.finding);
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
