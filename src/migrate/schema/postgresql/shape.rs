//! What a PostgreSQL database has, as its catalogs say it: each part with all names in full, without what extensions bring.

use postgres::Client;

use crate::migrate::schema::history;
use crate::migrate::schema::shape::{Part, Shape};

/// Names are told in full, however the role finds them otherwise.
const ONLY_CATALOGS: &str = "SELECT set_config('search_path', 'pg_catalog', false)";

pub(super) fn shape(client: &mut Client) -> Result<Shape, postgres::Error> {
    let found: String = client
        .query_one("SELECT current_setting('search_path')", &[])?
        .try_get(0)?;
    client.batch_execute(ONLY_CATALOGS)?;
    let parts = client.query(PARTS, &[&history::TABLE]);
    // In a transaction that has failed it is as before without being told.
    let back = client.query("SELECT set_config('search_path', $1, false)", &[&found]);
    let parts = parts?;
    back?;
    let part = |row: &postgres::Row| {
        Ok(Part {
            kind: row.try_get(0)?,
            name: row.try_get(1)?,
            sql: row.try_get(2)?,
        })
    };
    parts.iter().map(part).collect()
}

const PARTS: &str = "
WITH spaces AS (
  SELECT oid, nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
), foreign_to_us AS (
  SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
), relations AS (
  SELECT c.* FROM pg_class c JOIN spaces s ON s.oid = c.relnamespace
  WHERE c.relname <> $1 AND NOT EXISTS (SELECT FROM foreign_to_us f WHERE f.classid = 'pg_class'::regclass AND f.objid = c.oid)
)
SELECT 'schema'::text, nspname::text, NULL::text FROM spaces
UNION ALL
SELECT CASE c.relkind WHEN 'f' THEN 'foreign table' WHEN 'c' THEN 'type' ELSE 'table' END, c.oid::regclass::text,
  CASE c.relpersistence WHEN 'u' THEN 'unlogged ' ELSE '' END || 'table (' || coalesce(columns, '') || ')'
  || coalesce(' partition by ' || pg_get_partkeydef(c.oid), '') || coalesce(' ' || pg_get_expr(c.relpartbound, c.oid), '')
  || coalesce((SELECT ' inherits ' || string_agg(i.inhparent::regclass::text, ' ' ORDER BY i.inhseqno) FROM pg_inherits i WHERE i.inhrelid = c.oid), '')
  || coalesce(' with ' || array_to_string(c.reloptions, ' '), '')
  || CASE WHEN c.relrowsecurity THEN ' row security' ELSE '' END || CASE WHEN c.relforcerowsecurity THEN ' forced' ELSE '' END
FROM relations c LEFT JOIN LATERAL (
  SELECT string_agg(quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod)
    || CASE WHEN a.attcollation <> 0 AND a.attcollation <> t.typcollation THEN ' collate ' || a.attcollation::regcollation::text ELSE '' END
    || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
    || CASE a.attidentity WHEN 'a' THEN ' always as identity' WHEN 'd' THEN ' by default as identity' ELSE '' END
    || CASE WHEN d.oid IS NULL THEN '' WHEN a.attgenerated <> '' THEN ' generated ' || pg_get_expr(d.adbin, d.adrelid)
       ELSE ' default ' || pg_get_expr(d.adbin, d.adrelid) END, ', ' ORDER BY a.attnum) AS columns
  FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
) described ON true WHERE c.relkind IN ('r', 'p', 'f', 'c')
UNION ALL
SELECT CASE c.relkind WHEN 'v' THEN 'view' ELSE 'materialized view' END, c.oid::regclass::text,
  pg_get_viewdef(c.oid) || coalesce(' with ' || array_to_string(c.reloptions, ' '), '')
FROM relations c WHERE c.relkind IN ('v', 'm')
UNION ALL
SELECT 'sequence', c.oid::regclass::text, format('%s start %s by %s from %s to %s cache %s cycle %s', format_type(s.seqtypid, NULL),
  s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle)
FROM relations c JOIN pg_sequence s ON s.seqrelid = c.oid
UNION ALL
SELECT 'index', i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) || CASE WHEN i.indisvalid THEN '' ELSE ' invalid' END
FROM pg_index i JOIN relations c ON c.oid = i.indrelid
UNION ALL
SELECT 'constraint', k.conrelid::regclass::text || '.' || quote_ident(k.conname), pg_get_constraintdef(k.oid)
FROM pg_constraint k JOIN relations c ON c.oid = k.conrelid WHERE k.contype NOT IN ('n', 't')
UNION ALL
SELECT 'trigger', t.tgrelid::regclass::text || '.' || quote_ident(t.tgname), pg_get_triggerdef(t.oid) || ' ' || t.tgenabled::text
FROM pg_trigger t JOIN relations c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal
UNION ALL
SELECT 'policy', p.polrelid::regclass::text || '.' || quote_ident(p.polname), format('%s %s for %s using %s check %s', p.polpermissive,
  p.polcmd, (SELECT string_agg(CASE r WHEN 0 THEN 'public' ELSE pg_get_userbyid(r)::text END, ' ' ORDER BY r) FROM unnest(p.polroles) r),
  pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
FROM pg_policy p JOIN relations c ON c.oid = p.polrelid
UNION ALL
SELECT 'rule', r.ev_class::regclass::text || '.' || quote_ident(r.rulename), pg_get_ruledef(r.oid)
FROM pg_rewrite r JOIN relations c ON c.oid = r.ev_class WHERE r.rulename <> '_RETURN'
UNION ALL
SELECT 'routine', p.oid::regprocedure::text, CASE p.prokind WHEN 'a' THEN 'aggregate ' || p.prorettype::regtype::text
  ELSE pg_get_functiondef(p.oid) END
FROM pg_proc p JOIN spaces s ON s.oid = p.pronamespace
WHERE NOT EXISTS (SELECT FROM foreign_to_us f WHERE f.classid = 'pg_proc'::regclass AND f.objid = p.oid)
UNION ALL
SELECT CASE t.typtype WHEN 'e' THEN 'enum' ELSE 'domain' END, t.oid::regtype::text,
  CASE t.typtype WHEN 'e' THEN (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid)
  ELSE format_type(t.typbasetype, t.typtypmod) || CASE WHEN t.typnotnull THEN ' not null' ELSE '' END || coalesce(' default ' || t.typdefault, '')
  || coalesce((SELECT ' ' || string_agg(pg_get_constraintdef(k.oid), ' ' ORDER BY k.conname) FROM pg_constraint k
     WHERE k.contypid = t.oid AND k.contype <> 'n'), '') END
FROM pg_type t JOIN spaces s ON s.oid = t.typnamespace WHERE t.typtype IN ('e', 'd')
  AND NOT EXISTS (SELECT FROM foreign_to_us f WHERE f.classid = 'pg_type'::regclass AND f.objid = t.oid)
UNION ALL
SELECT 'extension', extname::text, extversion FROM pg_extension";
