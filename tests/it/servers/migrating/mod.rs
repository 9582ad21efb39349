//! Releases that bring migrations of a database on a server.

mod faults;
mod kills;
mod sessions;
mod undone;
mod updates;

pub use faults::told;

use std::fs;
use std::path::Path;

use super::Engine::{Mariadb, Postgresql};
use super::{DatabaseServer, Engine, release};
use crate::world::{Installation, Publisher, Ran, put};

/// An installation of `lamp` at `0a1`, schema level 1. `0b1` is at level 3.
pub struct Migrated {
    // First, so that it is stopped while its folder is still there.
    pub lamp: Installation,
    pub publisher: Publisher,
    pub dir: tempfile::TempDir,
    pub server: DatabaseServer,
}

type File = (&'static str, &'static str);

fn first(engine: Engine) -> [File; 2] {
    let up = match engine {
        Postgresql => {
            "CREATE TABLE entries (id serial PRIMARY KEY, name text NOT NULL);\nINSERT INTO entries (name) VALUES ('one'), ('four');\n"
        }
        Mariadb => {
            "CREATE TABLE entries (id int AUTO_INCREMENT PRIMARY KEY, name varchar(50) NOT NULL);\n\
             INSERT INTO entries (name) VALUES ('one'), ('four');\n"
        }
    };
    [
        ("V1__entries.sql", up),
        ("V1__entries.down.sql", "DROP TABLE entries;\n"),
    ]
}

pub fn next(engine: Engine) -> Vec<File> {
    let mut files = first(engine).to_vec();
    files.extend([
        (
            "V2__length.sql",
            "ALTER TABLE entries ADD COLUMN length int;\nUPDATE entries SET length = char_length(name);\n",
        ),
        ("V2__length.down.sql", "ALTER TABLE entries DROP COLUMN length;\n"),
        (
            "V2__length.verify.sql",
            "SELECT count(*) = 0 FROM entries WHERE length IS NULL;\n",
        ),
        (
            "V3__rooms.sql",
            "CREATE TABLE rooms (id int PRIMARY KEY, entry int NOT NULL, FOREIGN KEY (entry) REFERENCES entries (id));\n\
             INSERT INTO rooms SELECT id, id FROM entries;\n",
        ),
        ("V3__rooms.down.sql", "DROP TABLE rooms;\n"),
    ]);
    files
}

impl Migrated {
    pub fn new(engine: Engine) -> Self {
        let server = DatabaseServer::start(engine);
        let dir = tempfile::tempdir().unwrap();
        let publisher = Publisher::new(&dir.path().join("publisher"));
        publish(&publisher, &server, "0a1", &first(engine));
        publish(&publisher, &server, "0b1", &next(engine));
        let lamp = Installation::of_lamp(&dir.path().join("lamp"), &publisher, "0a1");
        Self {
            lamp,
            publisher,
            dir,
            server,
        }
    }

    pub fn publish(&self, version: &str, files: &[File]) {
        publish(&self.publisher, &self.server, version, files);
    }

    pub fn to(&self, version: &str) -> Ran {
        self.lamp.run(&["update", "upgrade", "--to", version, "--yes"])
    }

    pub fn settings(&self, text: &str) {
        put(&self.lamp.path("config/update.yml"), text, 0o644);
    }

    /// Schema and rows, as text.
    pub fn picture(&self) -> String {
        let tables = match self.server.engine {
            Postgresql => {
                "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns WHERE table_schema = 'public'\n\
                 ORDER BY 1, ordinal_position;\nSELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint\n\
                 WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2;\n"
            }
            Mariadb => {
                "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns WHERE table_schema = DATABASE()\n\
                 ORDER BY 1, ordinal_position;\nSELECT table_name, constraint_type FROM information_schema.table_constraints\n\
                 WHERE table_schema = DATABASE() ORDER BY 1, 2;\n"
            }
        };
        let rows = "SELECT version, name, checksum FROM refinery_schema_history ORDER BY 1;\nSELECT * FROM entries ORDER BY id;\n";
        let rooms = "SELECT * FROM rooms ORDER BY id;\n";
        let mut picture = self.server.own(&format!("{tables}{rows}"));
        if picture.contains("rooms") {
            picture += &self.server.own(rooms);
        }
        picture
    }

    #[track_caller]
    pub fn assert_nothing_beside(&self) {
        assert_eq!(self.server.left_beside(), "");
    }
}

/// A release whose schema level is that of its highest file.
fn publish(publisher: &Publisher, server: &DatabaseServer, version: &str, files: &[File]) {
    let tree = tree(publisher, server, version, files);
    publisher.publish(&tree);
}

fn tree(publisher: &Publisher, server: &DatabaseServer, version: &str, files: &[File]) -> std::path::PathBuf {
    let tree = release(publisher, server, version);
    for (name, sql) in files {
        put(&tree.join("migrations").join(name), sql, 0o644);
    }
    let ups = files.iter().filter(|(name, _)| name.matches('.').count() == 1);
    edit(
        &tree.join("release.toml"),
        "[rules]\n",
        &format!("[rules]\nschema_level = {}\n", ups.count()),
    );
    edit(
        &tree.join("release.toml"),
        "[database]\n",
        "[database]\nmigrations = \"migrations\"\n",
    );
    tree
}

fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{text}");
    put(path, &text.replace(from, to), 0o644);
}
