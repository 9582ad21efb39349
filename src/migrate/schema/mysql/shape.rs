//! What a database of MySQL or MariaDB has, as the server itself would write it, without what changes with the rows.

use super::{Mysql, column, ticked};
use crate::migrate::schema::error::StepError;
use crate::migrate::schema::history;
use crate::migrate::schema::shape::{Part, Shape};

pub(super) fn shape(mysql: &mut Mysql) -> Result<Shape, StepError> {
    let mut parts = tables(mysql)?;
    let prefix = format!("{}.", ticked(&mysql.database));
    for (kind, query) in CODE {
        for row in mysql.strings(query)? {
            let [name, sql] = [0, 1].map(|at| column(&row, at));
            parts.push(Part {
                kind: kind.to_owned(),
                name,
                sql: Some(sql.replace(&prefix, "")),
            });
        }
    }
    Ok(parts.into_iter().collect())
}

/// Names of the database itself are left out of these: it may be a copy under another name.
const CODE: [(&str, &str); 4] = [
    (
        "view",
        "SELECT table_name, CONCAT(view_definition, ' check ', check_option, ' security ', security_type) \
         FROM information_schema.views WHERE table_schema = DATABASE()",
    ),
    (
        "routine",
        "SELECT CONCAT(LOWER(r.routine_type), ' ', r.routine_name), CONCAT('(', COALESCE((SELECT \
         GROUP_CONCAT(CONCAT(COALESCE(p.parameter_mode, ''), ' ', COALESCE(p.parameter_name, 'returns'), ' ', p.dtd_identifier) \
         ORDER BY p.ordinal_position SEPARATOR ', ') \
         FROM information_schema.parameters p WHERE p.specific_schema = r.routine_schema AND p.specific_name = r.specific_name \
         AND p.routine_type = r.routine_type), ''), ') ', r.is_deterministic, ' ', r.sql_data_access, ' ', r.security_type, ' ', \
         r.routine_definition) FROM information_schema.routines r WHERE r.routine_schema = DATABASE()",
    ),
    (
        "trigger",
        "SELECT trigger_name, CONCAT(action_timing, ' ', event_manipulation, ' on ', event_object_table, ' ', action_order, ' ', \
         action_statement) FROM information_schema.triggers WHERE trigger_schema = DATABASE()",
    ),
    (
        "event",
        "SELECT event_name, CONCAT(event_type, ' ', COALESCE(interval_value, ''), ' ', COALESCE(interval_field, ''), ' ', \
         COALESCE(execute_at, ''), ' ', status, ' ', event_definition) \
         FROM information_schema.events WHERE event_schema = DATABASE()",
    ),
];

fn tables(mysql: &mut Mysql) -> Result<Vec<Part>, StepError> {
    let all = format!(
        "SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = DATABASE() \
         AND table_type NOT IN ('VIEW', 'SYSTEM VIEW') AND table_name <> '{}'",
        history::TABLE
    );
    let mut parts = Vec::new();
    for row in mysql.strings(&all)? {
        let [name, kind] = [0, 1].map(|at| column(&row, at));
        let made = mysql.strings(&format!("SHOW CREATE TABLE {}", ticked(&name)))?;
        let made = made.first().map(|row| column(row, 1)).unwrap_or_default();
        let kind = if kind == "SEQUENCE" { "sequence" } else { "table" };
        parts.push(Part {
            kind: kind.into(),
            name,
            sql: Some(normal(&made)),
        });
    }
    Ok(parts)
}

/// Keys in the order of their names rather than in that in which they were made, and no counter.
fn normal(made: &str) -> String {
    let Some((head, rest)) = made.split_once('\n') else {
        return made.to_owned();
    };
    let Some((lines, foot)) = rest.rsplit_once('\n') else {
        return made.to_owned();
    };
    let lines = lines.lines().map(|line| line.trim().trim_end_matches(','));
    let (columns, mut keys): (Vec<&str>, Vec<&str>) = lines.partition(|line| line.starts_with('`'));
    keys.sort_unstable();
    let all: Vec<&str> = columns.into_iter().chain(keys).collect();
    format!(
        "{}{}{}",
        head.trim_end_matches('(').trim_end().to_owned() + " (",
        all.join(", "),
        without_counter(foot)
    )
}

fn without_counter(foot: &str) -> String {
    const COUNTER: &str = " AUTO_INCREMENT=";
    match foot.split_once(COUNTER) {
        None => foot.to_owned(),
        Some((before, after)) => format!("{before}{}", after.trim_start_matches(|c: char| c.is_ascii_digit())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_the_order_of_keys_nor_a_counter_counts() {
        let table = |keys: &str, counter: &str| {
            normal(&format!(
                "CREATE TABLE `a` (\n  `id` int(11) NOT NULL AUTO_INCREMENT,\n  `n` int(11),\n{keys}\n) ENGINE=InnoDB{counter} DEFAULT \
                 CHARSET=utf8mb4"
            ))
        };
        let one = table("  PRIMARY KEY (`id`),\n  KEY `x` (`n`),\n  KEY `y` (`id`)", "");
        assert_eq!(
            one,
            "CREATE TABLE `a` (`id` int(11) NOT NULL AUTO_INCREMENT, `n` int(11), KEY `x` (`n`), KEY `y` (`id`), PRIMARY KEY (`id`)) \
             ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"
        );
        assert_eq!(
            table(
                "  PRIMARY KEY (`id`),\n  KEY `y` (`id`),\n  KEY `x` (`n`)",
                " AUTO_INCREMENT=42"
            ),
            one
        );
        assert_ne!(table("  PRIMARY KEY (`id`),\n  KEY `x` (`n`)", ""), one);
    }
}
