//! Commits of a git repository, read as git keeps them; no `git` program is run and nothing is written.

use std::path::{Path, PathBuf};

use git2::{Repository, Sort};

#[derive(Debug, thiserror::Error)]
pub enum GitError {
    #[error("no git repository at {}: {}", path.display(), source.message())]
    NoRepository { path: PathBuf, source: git2::Error },
    #[error("the repository at {} has no commit `{}`: {}", path.display(), name.escape_debug(), source.message())]
    NoCommit {
        path: PathBuf,
        name: String,
        source: git2::Error,
    },
    #[error("cannot read the commits of {}: {}", path.display(), source.message())]
    Unreadable { path: PathBuf, source: git2::Error },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Hexadecimal, as short as people write it.
    pub id: String,
    pub message: String,
}

const SHORT: usize = 8;

/// Commits that HEAD has and `since` has not, newest first, without merges. `dir` may lie anywhere in the repository.
pub fn commits_since(dir: &Path, since: &str) -> Result<Vec<Commit>, GitError> {
    let path = || dir.to_path_buf();
    let repository = Repository::discover(dir).map_err(|source| GitError::NoRepository { path: path(), source })?;
    let missing = |source| GitError::NoCommit {
        path: path(),
        name: since.to_owned(),
        source,
    };
    let object = repository.revparse_single(since).map_err(missing)?;
    let start = object.peel_to_commit().map_err(missing)?.id();
    read(&repository, start).map_err(|source| GitError::Unreadable { path: path(), source })
}

fn read(repository: &Repository, start: git2::Oid) -> Result<Vec<Commit>, git2::Error> {
    let mut walk = repository.revwalk()?;
    walk.set_sorting(Sort::TOPOLOGICAL | Sort::TIME)?;
    walk.push_head()?;
    walk.hide(start)?;
    let mut commits = Vec::new();
    for id in walk {
        let commit = repository.find_commit(id?)?;
        if commit.parent_count() < 2 {
            commits.push(Commit {
                id: commit.id().to_string().chars().take(SHORT).collect(),
                message: String::from_utf8_lossy(commit.message_bytes()).into_owned(),
            });
        }
    }
    Ok(commits)
}
