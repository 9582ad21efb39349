//! The product's database: an SQLite file below `data/`, one on a server that the operator's configuration names, or one that the
//! product itself migrates by its commands.

use serde::{Deserialize, Serialize};

use super::{CommandSpec, RelPath, UrlTemplate};

/// As the manifest's `[database]` says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub enum DatabaseSpec {
    Sqlite(SqliteSpec),
    Server(ServerSpec),
    Command(Box<OwnMigrations>),
}

/// An SQLite database and the release's migrations for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteSpec {
    /// Below the installation's `data/`.
    pub path: RelPath,
    /// Folder below the release tree with `V1__name.sql`, `V1__name.down.sql`.
    pub migrations: RelPath,
}

/// A database on a server: what kind it is, and where the operator's configuration says that it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerSpec {
    pub engine: ServerEngine,
    pub url: UrlTemplate,
    /// Folder below the release tree, as that of SQLite; none when the product migrates itself.
    pub migrations: Option<RelPath>,
}

/// A product that migrates itself. Its commands get `{from}` and `{to}`, 0 for no schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnMigrations {
    /// Prints the level on one line; an empty one where there is no schema yet.
    pub status: CommandSpec,
    pub up: CommandSpec,
    pub down: Option<CommandSpec>,
    /// Below the installation's `data/`: an SQLite database, which is copied to undo from.
    pub path: Option<RelPath>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServerEngine {
    Postgresql,
    /// MySQL and MariaDB.
    #[serde(alias = "mariadb")]
    Mysql,
}

impl DatabaseSpec {
    pub fn sqlite(&self) -> Option<&SqliteSpec> {
        match self {
            Self::Sqlite(file) => Some(file),
            Self::Server(_) | Self::Command(_) => None,
        }
    }

    pub fn server(&self) -> Option<&ServerSpec> {
        match self {
            Self::Server(server) => Some(server),
            Self::Sqlite(_) | Self::Command(_) => None,
        }
    }
}

impl DatabaseSpec {
    /// The folder of the migrations that NetLink runs.
    pub fn migrations(&self) -> Option<&RelPath> {
        match self {
            Self::Sqlite(file) => Some(&file.migrations),
            Self::Server(server) => server.migrations.as_ref(),
            Self::Command(_) => None,
        }
    }

    pub fn own_migrations(&self) -> Option<&OwnMigrations> {
        match self {
            Self::Command(own) => Some(own),
            Self::Sqlite(_) | Self::Server(_) => None,
        }
    }

    /// The SQLite file, below the installation's `data/`.
    pub fn file(&self) -> Option<&RelPath> {
        match self {
            Self::Sqlite(file) => Some(&file.path),
            Self::Server(_) => None,
            Self::Command(own) => own.path.as_ref(),
        }
    }
}

impl ServerEngine {
    pub fn name(self) -> &'static str {
        match self {
            Self::Postgresql => "postgresql",
            Self::Mysql => "mysql",
        }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    #[default]
    Sqlite,
    Postgresql,
    #[serde(alias = "mariadb")]
    Mysql,
    Command,
}

fn is_sqlite(kind: &Kind) -> bool {
    *kind == Kind::Sqlite
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// Left out for SQLite, as manifests from before there were others have it.
    #[serde(default, skip_serializing_if = "is_sqlite")]
    kind: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<RelPath>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    migrations: Option<RelPath>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<UrlTemplate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<CommandSpec>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    up: Option<CommandSpec>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    down: Option<CommandSpec>,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseSpecError {
    #[error("an SQLite database needs `{0}`")]
    NeededBySqlite(&'static str),
    #[error("`url` is for databases on a server: name its `kind`, \"postgresql\" or \"mysql\"")]
    UrlOfSqlite,
    #[error(
        "a database on a server needs `url`, e.g. \"{0}://{{db_user}}:{{db_password}}@{{db_host}}:{{db_port}}/{{db_name}}\""
    )]
    NeedsUrl(&'static str),
    #[error("`path` is for SQLite; a database on a server has `url`")]
    PathOfServer,
    #[error("`status`, `up` and `down` are commands of a product that migrates itself: say `kind = \"command\"`")]
    CommandsOfNetLink,
    #[error(
        "a product that migrates itself needs `{0}`, e.g. `{0} = {{ command = [\"{{release}}/bin/migrate\", \"{0}\"] }}`"
    )]
    NeededByCommand(&'static str),
    #[error("a product that migrates itself has no `{0}`")]
    NotOfCommand(&'static str),
}

impl TryFrom<Written> for DatabaseSpec {
    type Error = DatabaseSpecError;

    fn try_from(written: Written) -> Result<Self, DatabaseSpecError> {
        if written.kind == Kind::Command {
            return own(written);
        }
        if written.status.is_some() || written.up.is_some() || written.down.is_some() {
            return Err(DatabaseSpecError::CommandsOfNetLink);
        }
        let engine = match written.kind {
            Kind::Sqlite if written.url.is_some() => return Err(DatabaseSpecError::UrlOfSqlite),
            Kind::Sqlite => {
                return Ok(Self::Sqlite(SqliteSpec {
                    path: written.path.ok_or(DatabaseSpecError::NeededBySqlite("path"))?,
                    migrations: written
                        .migrations
                        .ok_or(DatabaseSpecError::NeededBySqlite("migrations"))?,
                }));
            }
            Kind::Postgresql => ServerEngine::Postgresql,
            Kind::Mysql | Kind::Command => ServerEngine::Mysql,
        };
        if written.path.is_some() {
            return Err(DatabaseSpecError::PathOfServer);
        }
        let url = written.url.ok_or(DatabaseSpecError::NeedsUrl(engine.name()))?;
        Ok(Self::Server(ServerSpec {
            engine,
            url,
            migrations: written.migrations,
        }))
    }
}

fn own(written: Written) -> Result<DatabaseSpec, DatabaseSpecError> {
    if written.url.is_some() {
        return Err(DatabaseSpecError::NotOfCommand("url"));
    }
    if written.migrations.is_some() {
        return Err(DatabaseSpecError::NotOfCommand("migrations"));
    }
    Ok(DatabaseSpec::Command(Box::new(OwnMigrations {
        status: written.status.ok_or(DatabaseSpecError::NeededByCommand("status"))?,
        up: written.up.ok_or(DatabaseSpecError::NeededByCommand("up"))?,
        down: written.down,
        path: written.path,
    })))
}

impl From<DatabaseSpec> for Written {
    fn from(spec: DatabaseSpec) -> Self {
        let nothing = Self {
            kind: Kind::Sqlite,
            path: None,
            migrations: None,
            url: None,
            status: None,
            up: None,
            down: None,
        };
        match spec {
            DatabaseSpec::Sqlite(SqliteSpec { path, migrations }) => Self {
                path: Some(path),
                migrations: Some(migrations),
                ..nothing
            },
            DatabaseSpec::Command(own) => Self {
                kind: Kind::Command,
                path: own.path,
                status: Some(own.status),
                up: Some(own.up),
                down: own.down,
                ..nothing
            },
            DatabaseSpec::Server(ServerSpec {
                engine,
                url,
                migrations,
            }) => Self {
                kind: match engine {
                    ServerEngine::Postgresql => Kind::Postgresql,
                    ServerEngine::Mysql => Kind::Mysql,
                },
                url: Some(url),
                migrations,
                ..nothing
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<DatabaseSpec, String> {
        serde_json::from_str(json).map_err(|e| e.to_string())
    }

    #[test]
    fn manifests_from_before_there_were_servers_stay_as_they_are() {
        let json = r#"{"path":"app.db","migrations":"migrations"}"#;
        let spec = read(json).unwrap();
        assert_eq!(spec.sqlite().unwrap().path.as_str(), "app.db");
        assert_eq!(serde_json::to_string(&spec).unwrap(), json);
        assert_eq!(
            read(r#"{"kind":"sqlite","path":"app.db","migrations":"migrations"}"#),
            Ok(spec)
        );
    }

    #[test]
    fn a_server_has_a_kind_and_a_url() {
        let json = r#"{"kind":"postgresql","url":"postgresql://{user}@{host}/{name}"}"#;
        let spec = read(json).unwrap();
        assert_eq!(spec.server().unwrap().engine, ServerEngine::Postgresql);
        assert_eq!(serde_json::to_string(&spec).unwrap(), json);
        let maria = read(r#"{"kind":"mariadb","url":"{database_url}"}"#).unwrap();
        assert_eq!(maria.server().unwrap().engine, ServerEngine::Mysql);
        assert_eq!(maria.migrations(), None);
        let json = r#"{"kind":"mysql","migrations":"m","url":"{u}"}"#;
        let spec = read(json).unwrap();
        assert_eq!(spec.migrations().map(RelPath::as_str), Some("m"));
        assert_eq!(serde_json::to_string(&spec).unwrap(), json);
    }

    #[test]
    fn a_product_may_migrate_itself() {
        let json = r#"{"kind":"command","path":"a.db","status":{"command":["s"],"timeout":"5s"},"up":{"command":["u"],"timeout":"1m"}}"#;
        let spec = read(json).unwrap();
        assert!(spec.own_migrations().is_some_and(|own| own.down.is_none()));
        assert_eq!(serde_json::to_string(&spec).unwrap(), json);
    }

    #[test]
    fn what_does_not_go_together_is_refused_with_what_would() {
        for (json, said) in [
            (r#"{"path":"a"}"#, "needs `migrations`"),
            (r#"{"url":"{u}"}"#, "name its `kind`"),
            (r#"{"kind":"mysql"}"#, "needs `url`"),
            (r#"{"kind":"mysql","path":"a","url":"{u}"}"#, "`path` is for SQLite"),
            (r#"{"kind":"oracle","url":"{u}"}"#, "unknown variant"),
            (r#"{"kind":"command","up":{"command":["a"]}}"#, "needs `status`"),
            (r#"{"kind":"command","migrations":"m"}"#, "has no `migrations`"),
            (
                r#"{"kind":"mysql","url":"{u}","up":{"command":["a"]}}"#,
                "kind = \"command\"",
            ),
            (r#"{"kind":"mysql","url":"mysql://h/{x"}"#, "never closes"),
            (r#"{"kind":"mysql","url":"{u}","host":"x"}"#, "unknown field"),
        ] {
            let error = read(json).unwrap_err();
            assert!(error.contains(said), "{json}: {error}");
        }
    }
}
