#!/usr/bin/env bash
# Prints what schema migrations of SQLite take beside what others take for the same files, in one run:
#   1,000 small files      beside  the sqlite3 shell (a transaction each), alembic, dbmate
#                          netlink: the whole command, with a trial of all files and their ways down on a copy, a backup and its
#                          reading back; and of that the step that migrates
#   nothing left to do     beside  the same
#   a trial of one file on a copy of 500 MB: the copy, the whole command, its peak memory; beside cp
# Medians; run it on a machine that does nothing else. alembic comes from PyPI, dbmate from npm.
#   benches/migrations.sh [ROUNDS]    5 unless told otherwise; PEERS="alembic" leaves dbmate out
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly bin=${CARGO_TARGET_DIR:-target}/release rounds=${1:-5} peers=${PEERS:-alembic dbmate} files=1000

for tool in sqlite3 npm:npm python3:python3-venv; do
    command -v "${tool%:*}" >/dev/null || apt-get install --yes --quiet "${tool#*:}" >/dev/null
done
[ -x /usr/bin/time ] || apt-get install --yes --quiet time >/dev/null
[ -n "${SKIP_BUILD:-}" ] || cargo build --release --quiet --bins
work=$(mktemp -d -p "${TMPDIR:-/tmp}")
readonly work
trap 'rm -rf "$work"' EXIT

netlink() { "$bin/netlink" --root "$work/$1" --quiet "${@:2}"; }
up_sql() { echo "CREATE TABLE kept_$1 (id INTEGER PRIMARY KEY, name TEXT NOT NULL); INSERT INTO kept_$1 (name) VALUES ('first');"; }

# release NAME VERSION LEVEL: migrations 1 to LEVEL, published.
release() {
    local dir=$work/$1-$2 n
    mkdir -p "$dir/migrations"
    for ((n = 1; n <= $3; n++)); do
        up_sql "$n" >"$dir/migrations/V${n}__kept_$n.sql"
        echo "DROP TABLE kept_$n;" >"$dir/migrations/V${n}__kept_$n.down.sql"
    done
    cat >"$dir/release.toml" <<END
product = "$1"
version = "$2"
platform = "any"
[rules]
schema_level = $3
[database]
path = "app.db"
migrations = "migrations"
END
    "$bin/netlink" release pack "$dir" --out "$dir.tar.zst" >/dev/null
    "$bin/netlink" release publish "$dir.tar.zst" --repo "$work/repo-$1" --keys "$work/keys-$1" >/dev/null
}

# installation PLACE PRODUCT: its first version, with level 1.
installation() {
    rm -rf "${work:?}/$1"
    netlink "$1" init --product "$2" --repository "file://$work/repo-$2" --root-metadata "$work/repo-$2/root.json" \
        --version 0a1 --yes >/dev/null 2>&1
}

with_alembic() {
    local dir=$work/alembic n
    python3 -m venv "$work/venv" && "$work/venv/bin/pip" install --quiet alembic
    mkdir -p "$dir/versions"
    printf '[alembic]\nscript_location = %s\nsqlalchemy.url = sqlite:///%s\n' "$dir" "$work/alembic.db" >"$dir/alembic.ini"
    cat >"$dir/env.py" <<'END'
from alembic import context
from sqlalchemy import create_engine
with create_engine(context.config.get_main_option("sqlalchemy.url")).connect() as connection:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
END
    for ((n = 1; n <= files; n++)); do
        cat >"$dir/versions/$n.py" <<END
from alembic import op
revision = "$n"
down_revision = $([ "$n" = 1 ] && echo None || echo "\"$((n - 1))\"")
def upgrade():
$(up_sql "$n" | sed "s/; /;\n/" | sed 's/.*/    op.execute("&")/')
END
    done
}

with_dbmate() {
    local n
    npm install --silent --prefix "$work/npm" dbmate >/dev/null
    mkdir -p "$work/dbmate"
    for ((n = 1; n <= files; n++)); do
        printf '%s\n' "-- migrate:up" "$(up_sql "$n")" "-- migrate:down" "DROP TABLE kept_$n;" >"$work/dbmate/$(printf '%05d' "$n")_kept.sql"
    done
}

prepared() {
    local n
    for n in many large; do
        "$bin/netlink" release init "$work/repo-$n" --keys "$work/keys-$n" --no-passphrase >/dev/null 2>&1
        release "$n" 0a1 1
    done
    release many 0b1 $((files + 1)) && release large 0b1 2
    {
        echo "CREATE TABLE history (version INTEGER PRIMARY KEY);"
        for ((n = 1; n <= files; n++)); do
            echo "BEGIN IMMEDIATE; $(up_sql "$n") INSERT INTO history VALUES ($n); COMMIT;"
        done
    } >"$work/all.sql"
    installation large large
    sqlite3 "$work/large/data/app.db" "CREATE TABLE pad (id INTEGER PRIMARY KEY, bytes BLOB); WITH RECURSIVE c(n) AS
        (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 125000) INSERT INTO pad SELECT n, randomblob(3900) FROM c"
    for n in $peers; do "with_$n"; done
}

begin() {
    case $1 in
        netlink) installation many many ;;
        *) rm -f "$work/$1.db" ;;
    esac
}

migrated() {
    case $1 in
        netlink) netlink many update upgrade-db --to 0b1 --yes ;;
        sqlite3) sqlite3 "$work/sqlite3.db" <"$work/all.sql" ;;
        alembic) "$work/venv/bin/alembic" -c "$work/alembic/alembic.ini" upgrade head ;;
        dbmate) "$work/npm/node_modules/.bin/dbmate" --url "sqlite:$work/dbmate.db" --migrations-dir "$work/dbmate" --no-dump-schema up ;;
    esac
}

asked() {
    case $1 in
        netlink) netlink many update status ;;
        sqlite3) sqlite3 "$work/sqlite3.db" 'SELECT max(version) FROM history' ;;
        alembic) "$work/venv/bin/alembic" -c "$work/alembic/alembic.ini" current ;;
        dbmate) "$work/npm/node_modules/.bin/dbmate" --url "sqlite:$work/dbmate.db" --migrations-dir "$work/dbmate" status ;;
    esac
}
export -f netlink migrated asked
export bin work

# timed COMMAND...: milliseconds and KiB at the peak.
timed() {
    sync -f "$work"
    /usr/bin/time -o "$work/time" -f '%e %M' bash -ec "$*" >"$work/said" 2>&1 || { cat "$work/said" >&2 && exit 1; }
    awk '{ printf "%d %d\n", $1 * 1000, $2 }' "$work/time"
}

# step PLACE NAME: milliseconds of that step of the last update, by the journal.
step() {
    local number
    number=$(netlink "$1" update status --output json | python3 -c '
import json, sys
print([step["step"] for step in json.load(sys.stdin)["update"]["steps"]].index(sys.argv[1]))' "$2")
    sqlite3 "$work/$1/.netlink/netlink.db" "SELECT CAST(86400000 * (julianday(max(time)) - julianday(min(time))) AS INTEGER)
        FROM journal WHERE update_id = (SELECT id FROM updates ORDER BY number DESC LIMIT 1)
        AND json_extract(event, '$.step') = $number AND json_extract(event, '$.kind') IN ('started', 'succeeded')"
}

median() { sort -n | sed -n "$((rounds / 2 + 1))p"; }
column() { cut -d' ' -f"$2" "$work/rows.$1" | median; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }

# What one does right after another's work is not slowed by it: each round asks all, one after the other.
small_files() {
    local round name
    for ((round = 0; round < rounds; round++)); do
        for name in netlink sqlite3 $peers; do
            begin "$name"
            read -r -a whole < <(timed migrated "$name")
            read -r -a status < <(timed asked "$name")
            alone=${whole[0]}
            [ "$name" != netlink ] || alone=$(step many schema)
            echo "${whole[0]} $alone ${status[0]} ${whole[1]}" >>"$work/rows.$name"
        done
    done
    printf '%-10s %12s %12s %12s %8s\n' "$files files" 'whole ms' 'of it SQL ms' 'status ms' 'peak MB'
    for name in netlink sqlite3 $peers; do
        printf '%-10s %12s %12s %12s %8s\n' "$name" "$(column "$name" 1)" "$(column "$name" 2)" "$(column "$name" 3)" \
            "$(($(column "$name" 4) / 1000))"
    done
    for name in sqlite3 $peers; do
        printf '%-20s %12s %12s\n' "netlink / $name" "$(ratio "$(column netlink 1)" "$(column "$name" 1)")" \
            "$(ratio "$(column netlink 2)" "$(column "$name" 1)")"
    done
}

large_database() {
    local round
    for ((round = 0; round < rounds; round++)); do
        read -r -a whole < <(timed netlink large update upgrade-db --to 0b1 --dry-run)
        read -r -a copied < <(timed cp "$work/large/data/app.db" "$work/copy.db")
        rm "$work/copy.db"
        echo "${whole[0]} ${copied[0]} ${whole[1]}" >>"$work/rows.large"
    done
    printf '\n%s\n' "a trial on a copy of $(($(stat -c %s "$work/large/data/app.db") / 1000000)) MB: $(column large 1) ms, peak $(($(column large 3) / 1000)) MB; cp: $(column large 2) ms ($(ratio "$(column large 1)" "$(column large 2)"))"
}

prepared
small_files
large_database
