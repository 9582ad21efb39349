#!/usr/bin/env bash
# Prints what `netlink serve` takes, in one run:
#   requests a second, by wrk on loopback      beside  the least that actix-web does with as many workers (benches/hello.rs)
#   an update's status at 1,000 requests/s while an update runs: how long answers take from when each request was due
#   from its start until it is ready, and its memory when idle and after all that
# Medians; run it on a machine that does nothing else. The update brings 600 MB, so it takes room.
#   benches/server.sh [ROUNDS]    5 unless told otherwise; SECONDS_EACH=5, CONNECTIONS=32
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly target=${CARGO_TARGET_DIR:-target}/release rounds=${1:-5}
readonly each=${SECONDS_EACH:-5} connections=${CONNECTIONS:-32} api=/api/v1/system pace=1000 paced=5

for tool in wrk curl python3; do
    command -v "$tool" >/dev/null || apt-get install --yes --quiet "$tool" >/dev/null
done
[ -n "${SKIP_BUILD:-}" ] || cargo build --release --quiet --bins --examples
work=$(mktemp -d -p "${TMPDIR:-/tmp}")
readonly work
server='' hello=''
trap 'kill $server $hello 2>/dev/null || true; "$target/netlink" --root "$work/box" supervise --stop >/dev/null 2>&1 || true; rm -rf "$work"' EXIT

netlink() { "$target/netlink" "$@"; }
median() { sort -n "$1" | sed -n "$((($(wc -l <"$1") + 1) / 2))p"; }

# release VERSION LEVEL: half of it is new in each.
release() {
    local dir=$work/box-$1 n
    mkdir -p "$dir/payload" "$dir/migrations"
    for n in $(seq 300); do
        head -c 2000000 /dev/urandom >"$dir/payload/$n"
    done
    for n in $(seq "$2"); do
        echo "CREATE TABLE kept_$n (id INTEGER PRIMARY KEY, name TEXT NOT NULL);" >"$dir/migrations/V${n}__kept_$n.sql"
        echo "DROP TABLE kept_$n;" >"$dir/migrations/V${n}__kept_$n.down.sql"
    done
    cat >"$dir/release.toml" <<END
product = "box"
version = "$1"
platform = "any"
[rules]
schema_level = $2
[database]
path = "app.db"
migrations = "migrations"
END
    netlink release pack "$dir" --out "$dir.tar.zst" >/dev/null
    netlink release publish "$dir.tar.zst" --repo "$work/repo" --keys "$work/keys" >/dev/null
    rm -rf "$dir" "$dir.tar.zst"
}

prepared() {
    netlink release init "$work/repo" --keys "$work/keys" --no-passphrase >/dev/null 2>&1
    release 0a1 1
    release 0b1 200
    netlink --root "$work/box" init --product box --repository "file://$work/repo" --root-metadata "$work/repo/root.json" \
        --version 0a1 --yes >/dev/null 2>&1
}

# begun LOG COMMAND...: its process in `begun`, and where it listens in `url`.
begun() {
    "${@:2}" 2>"$1" &
    begun=$!
    until grep -q listening "$1"; do kill -0 "$begun"; done
    url=$(grep -o 'http://[0-9.:]*' "$1" | head -1)
}

memory() { awk '/VmRSS/ { printf "%.0f\n", $2 / 1024 }' "/proc/$server/status"; }

# Milliseconds from the start of the process until it says that it is ready.
until_ready() {
    python3 - "$target/netlink" "$work/box" <<'PYTHON'
import socket, subprocess, sys, time
began = time.monotonic()
command = [sys.argv[1], "--root", sys.argv[2], "serve", "--listen", "127.0.0.1:0", "--grpc", "127.0.0.1:0"]
server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
line = next(line for line in server.stderr if "listening at " in line)
host, port = line.split("http://")[1].split(";")[0].split(":")
ready = False
while not ready:
    with socket.create_connection((host, int(port))) as asking:
        asking.sendall(b"GET /health/ready HTTP/1.1\r\nHost: x\r\n\r\n")
        ready = asking.recv(64).startswith(b"HTTP/1.1 200")
print(round((time.monotonic() - began) * 1000))
server.terminate()
server.wait()
PYTHON
}

# rate URL [HEADER]: requests a second; whatever is not 200 counts for nothing and ends this.
rate() {
    wrk -t1 -c"$connections" -d"${each}s" ${2:+-H "$2"} "$1" >"$work/wrk"
    if grep -q 'Non-2xx\|Socket errors' "$work/wrk"; then cat "$work/wrk" >&2 && exit 1; fi
    awk '/Requests\/sec/ { printf "%d\n", $2 }' "$work/wrk"
}

# One right after the other, so that what disturbs the machine disturbs all.
rates() {
    local round
    for ((round = 0; round < rounds; round++)); do
        rate "$hello_url/hello" >>"$work/rate.hello"
        rate "$server_url$api/version" "$bearer" >>"$work/rate.version"
        rate "$server_url/health/live" >>"$work/rate.live"
    done
    local least
    least=$(median "$work/rate.hello")
    printf '%-44s %12s %8s\n' "$connections connections" 'requests/s' 'ratio'
    printf '%-44s %12s %8s\n' 'the least of actix-web: JSON' "$least" ''
    local name
    for name in version live; do
        awk -v n="$name" -v r="$(median "$work/rate.$name")" -v l="$least" 'BEGIN {
            printf "%-44s %12d %8.2f\n", n == "live" ? "GET /health/live" : "GET /api/v1/system/version, with a token", r, r / l }'
    done
}

# at_work UPDATE: seconds from its first entry in the journal to its newest.
at_work() {
    python3 - "$work/box/.netlink/netlink.db" "$1" <<'PYTHON'
import datetime, sqlite3, sys
sql = "SELECT min(time), max(time) FROM journal WHERE update_id = ?"
first, last = sqlite3.connect(sys.argv[1]).execute(sql, sys.argv[2:]).fetchone()
read = lambda text: datetime.datetime.fromisoformat(text[:26].rstrip("Z") + "+00:00")
print(round((read(last) - read(first)).total_seconds(), 1))
PYTHON
}

status_while_updating() {
    # It ends when all was asked, and not before.
    mkdir -p "$work/box/config"
    echo "health: {timeout: 600s, interval: 500ms, checks: [{command: [test, -e, '$work/asked']}]}" >"$work/box/config/update.yml"
    local body place state
    body=$(curl -sf -H "$bearer" -H 'Content-Type: application/json' -d '{"target_version":"0b1"}' "$server_url$api/updates/upgrade")
    place=$api/updates/status/$(python3 -c 'import json, sys; print(json.load(sys.stdin)["update_id"])' <<<"$body")
    "$target/examples/pace" "${server_url#http://}" "$place" "$work/box/.netlink/token" "$pace" "$paced" >"$work/paced"
    state() { curl -sf -H "$bearer" "$server_url$place" | python3 -c 'import json, sys; u = json.load(sys.stdin); print(u["state"], u.get("outcome", ""))'; }
    state=$(state)
    [ "$state" = 'running ' ] || { echo "the update was over too soon: $state" >&2 && exit 1; }
    local worked
    worked=$(at_work "${place##*/}")
    touch "$work/asked"
    until [ "$(state)" != 'running ' ]; do sleep 0.2; done
    state=$(state)
    awk -v state="$state" -v worked="$worked" '{
        printf "\nan update'"'"'s status, %d requests in %s s, %d refused, while it was at work for %s s and then waited (%s):\n", $1, $2, $3, worked, state
        printf "%-14s %8s %8s %8s %8s %8s\n%-14s %8s %8s %8s %8s %8s\n", "", "p50", "p90", "p99", "p99.9", "max", "ms", $4, $5, $6, $7, $8
    }' "$work/paced"
}

prepared
for ((round = 0; round < rounds; round++)); do until_ready >>"$work/ready"; done
begun "$work/log.hello" "$target/examples/hello"
hello=$begun hello_url=$url
begun "$work/log" "$target/netlink" --root "$work/box" serve --listen 127.0.0.1:0 --grpc 127.0.0.1:0
server=$begun server_url=$url
bearer="Authorization: Bearer $(cat "$work/box/.netlink/token")"
sleep 2
idle=$(memory)
rates
status_while_updating
printf '\n%s\n' "ready after $(median "$work/ready") ms; idle $idle MB, after all that $(memory) MB"
