//! What a schema has besides tables: views, routines, triggers and events, as the statements that make them.

use super::super::sql::{is, ticked};
use super::super::{Result, Server, ServerError};
use super::{Kit, Mark};

/// Longer than the code of any product.
const LIMIT: usize = 64 << 20;

#[derive(Debug, Default)]
pub struct Code(Vec<u8>);

impl Code {
    /// Of all that the schema has.
    pub fn of(server: &Server, kit: &Kit, schema: &str) -> Result<Self> {
        let mut code = Vec::new();
        let routines = ["--no-data", "--no-create-info", "--routines", "--triggers", "--events"];
        gather(server, kit, &routines, &[schema], &mut code)?;
        let views = kit.names(
            server,
            &format!(
                "SELECT HEX(CONVERT(table_name USING utf8mb4)) FROM information_schema.views WHERE {};\n",
                is("table_schema", schema)
            ),
        )?;
        if !views.is_empty() {
            let mut what = vec![schema];
            what.extend(views.iter().map(String::as_str));
            // After the routines, which views may call.
            gather(server, kit, &["--no-data", "--skip-triggers"], &what, &mut code)?;
        }
        Ok(Self(code))
    }

    pub fn make(&self, server: &Server, kit: &Kit, mark: &Mark, schema: &str) -> Result<()> {
        let credentials = kit.credentials(server)?;
        kit.worker(server, &credentials, mark, Some(schema))
            .tell(&self.0)
            .map(drop)
    }

    /// Takes all of it out of the schema.
    pub fn remove(server: &Server, kit: &Kit, mark: &Mark, schema: &str) -> Result<()> {
        let mut statements = String::new();
        for (kind, name, from, column) in [
            ("EVENT", "event_name", "events WHERE", "event_schema"),
            ("TRIGGER", "trigger_name", "triggers WHERE", "trigger_schema"),
            ("VIEW", "table_name", "views WHERE", "table_schema"),
            (
                "PROCEDURE",
                "routine_name",
                "routines WHERE routine_type = 'PROCEDURE' AND",
                "routine_schema",
            ),
            (
                "FUNCTION",
                "routine_name",
                "routines WHERE routine_type = 'FUNCTION' AND",
                "routine_schema",
            ),
        ] {
            let question = format!(
                "SELECT HEX(CONVERT({name} USING utf8mb4)) FROM information_schema.{from} {};\n",
                is(column, schema)
            );
            for name in kit.names(server, &question)? {
                statements += &format!("DROP {kind} IF EXISTS {}.{};\n", ticked(schema), ticked(&name));
            }
        }
        match statements.is_empty() {
            true => Ok(()),
            false => kit.tell(server, mark, &statements).map(drop),
        }
    }
}

/// Who may not make in the name of somebody else could not put back what is taken out, should the exchange fail.
pub fn refuse_foreign(server: &Server, kit: &Kit, schema: &str) -> Result<()> {
    let of = |column| is(column, schema);
    let question = format!(
        "SELECT DISTINCT HEX(CONVERT(definer USING utf8mb4)) FROM (\n\
         SELECT definer FROM information_schema.views WHERE {views}\n\
         UNION SELECT definer FROM information_schema.routines WHERE {routines}\n\
         UNION SELECT definer FROM information_schema.triggers WHERE {triggers}\n\
         UNION SELECT definer FROM information_schema.events WHERE {events}) AS code\n\
         WHERE CONVERT(definer USING utf8mb4) <> CONVERT(CURRENT_USER() USING utf8mb4) AND NOT EXISTS (\n\
         SELECT 1 FROM information_schema.user_privileges\n\
         WHERE privilege_type IN ('SUPER', 'SET USER', 'SET_USER_ID', 'SET_ANY_DEFINER')\n\
         AND CONVERT(grantee USING utf8mb4) = CONVERT(CONCAT('''', {USER}, '''@''', {HOST}, '''') USING utf8mb4));\n",
        views = of("table_schema"),
        routines = of("routine_schema"),
        triggers = of("trigger_schema"),
        events = of("event_schema"),
    );
    match kit.names(server, &question)?.first() {
        None => Ok(()),
        Some(definer) => Err(ServerError::Foreign {
            database: server.login.database.clone(),
            definer: definer.clone(),
        }),
    }
}

/// Both parts of `user@host`, of which the user may have an `@`.
const HOST: &str = "SUBSTRING_INDEX(CURRENT_USER(), '@', -1)";
const USER: &str =
    "LEFT(CURRENT_USER(), CHAR_LENGTH(CURRENT_USER()) - 1 - CHAR_LENGTH(SUBSTRING_INDEX(CURRENT_USER(), '@', -1)))";

fn gather(server: &Server, kit: &Kit, how: &[&str], what: &[&str], code: &mut Vec<u8>) -> Result<()> {
    let credentials = kit.credentials(server)?;
    let tool = kit.dump(server, &credentials, how, what);
    let finished = tool.long().stream_out::<ServerError>(server.tools.idle, &mut |piece| {
        if code.len() + piece.len() > LIMIT {
            let what = format!("the views and routines of a schema are more than {LIMIT} bytes");
            return Err(ServerError::Differs { what });
        }
        code.extend_from_slice(piece);
        Ok(())
    })?;
    match finished.status.success() {
        true => Ok(()),
        false => Err(tool.failed(&finished)),
    }
}
