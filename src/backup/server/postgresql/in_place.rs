//! A dump put into the live database itself, where the role may make none beside it: in one transaction, which first takes away all that
//! the role has there. What is new since the dump would stay otherwise, and keep what it stands on from being replaced.

use super::super::credentials::Credentials;
use super::super::tool::Tool;
use super::super::{Give, Purpose, Server, names_beside};
use super::{PSQL, TOOLS, alone};
use crate::backup::BackupError;

/// Objects of the product: not of the system, and not of an extension, which go and come with it.
macro_rules! own {
    ($class:literal, $oid:literal) => {
        concat!(
            "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT EXISTS (SELECT FROM pg_depend e\n",
            "WHERE e.deptype = 'e' AND e.classid = '",
            $class,
            "'::regclass AND e.objid = ",
            $oid,
            ")"
        )
    };
}

/// Relations, with their kind in words.
const RELATIONS: &str = concat!(
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S') AND ",
    own!("pg_class", "c.oid")
);
/// `public` stays: a dump does not have it.
const SCHEMAS: &str = concat!(
    "SELECT format('DROP SCHEMA IF EXISTS %I CASCADE', n.nspname) FROM pg_namespace n\n",
    "WHERE n.nspname <> 'public' AND pg_has_role(n.nspowner, 'USAGE') AND ",
    own!("pg_namespace", "n.oid"),
    " \\gexec\n"
);
const ROUTINES: &str = concat!(
    "SELECT format('DROP ROUTINE IF EXISTS %s CASCADE', p.oid::regprocedure) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace\n",
    "WHERE pg_has_role(p.proowner, 'USAGE') AND ",
    own!("pg_proc", "p.oid"),
    " \\gexec\n"
);
const TYPES: &str = concat!(
    "SELECT format('DROP TYPE IF EXISTS %I.%I CASCADE', n.nspname, t.typname) FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace\n",
    "LEFT JOIN pg_class c ON c.oid = t.typrelid WHERE t.typtype IN ('e', 'd', 'r', 'c') AND (t.typtype <> 'c' OR c.relkind = 'c')\n",
    "AND pg_has_role(t.typowner, 'USAGE') AND ",
    own!("pg_type", "t.oid"),
    " \\gexec\n"
);
const EXTENSIONS: &str = "SELECT format('DROP EXTENSION IF EXISTS %I CASCADE', extname) FROM pg_extension\n\
    WHERE extname <> 'plpgsql' AND pg_has_role(extowner, 'USAGE') \\gexec\n";
const LARGE_OBJECTS: &str =
    "SELECT count(lo_unlink(oid)) FROM pg_largeobject_metadata WHERE pg_has_role(lomowner, 'USAGE');\n";

/// Begins the transaction, and empties the database as far as it is the role's. Anything else is left to be refused: it could neither be
/// replaced nor removed. A sequence goes after the table whose column it belongs to.
fn clearing() -> String {
    format!(
        "BEGIN;\n{SCHEMAS}\
         SELECT format('DROP %s IF EXISTS %I.%I CASCADE', CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'\n\
         WHEN 'S' THEN 'SEQUENCE' WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END, n.nspname, c.relname)\n\
         {RELATIONS} AND pg_has_role(c.relowner, 'USAGE') ORDER BY c.relkind = 'S' \\gexec\n\
         {ROUTINES}{TYPES}{EXTENSIONS}{LARGE_OBJECTS}\
         DO $netlink$ DECLARE others text; BEGIN\n\
         SELECT string_agg(format('%I.%I', n.nspname, c.relname), ', ') INTO others {RELATIONS};\n\
         IF others IS NOT NULL THEN RAISE EXCEPTION '% belongs to another role, so that it can neither be replaced nor removed', others; END IF;\n\
         END $netlink$;\n"
    )
}

/// All of it, or nothing.
pub fn restore(server: &Server, give: Give<'_>) -> crate::backup::Result<()> {
    let live = &server.login.database;
    let (mark, _) = names_beside(live, Purpose::Restore);
    alone(server, live, &mark, &mark)?;
    let mut credentials = Credentials::of_postgresql(server, live)?.named(&mark);
    // Rather than wait for a transaction that somebody left open.
    credentials.env.insert("PGOPTIONS".into(), "-c lock_timeout=60s".into());
    let written = ["--format=custom", "--clean", "--if-exists", "--file=-"];
    let writer = Tool::new(server, TOOLS[1], &written, &credentials);
    let reader = Tool::new(server, TOOLS[2], &PSQL, &credentials);
    let fed = reader.long().stream_in::<BackupError>(&mut |feed| {
        feed.write(clearing().as_bytes())?;
        let ended = writer
            .long()
            .stream_through::<BackupError>(give, &mut |piece| match feed.is_closed() {
                true => Err(BackupError::Stopped),
                false => Ok(feed.write(piece)?),
            })?;
        // Without the last line nothing of it stays.
        if !ended.status.success() {
            return Err(writer.failed(&ended).into());
        }
        Ok(feed.write(b"\nCOMMIT;\n")?)
    })?;
    match fed.finished.status.success() {
        true => Ok(()),
        false => Err(reader.failed(&fed.finished).into()),
    }
}
