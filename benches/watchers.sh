#!/usr/bin/env bash
# Holds so many idle lines of live events (10000 unless told) at a release build (or at $BIN), and prints the server's memory before and
# with them.
set -euo pipefail
cd "$(dirname "$0")/.."
count=${1:-10000}
ulimit -n "$(ulimit -Hn)"
if [ "$(ulimit -n)" -lt $((count + 100)) ]; then
    echo "needs $((count + 100)) open files, $(ulimit -n) are allowed" >&2
    exit 1
fi
[ -n "${BIN:-}" ] || cargo build --release --quiet
dir=$(mktemp -d)
bin=${BIN:-target/release/netlink}
trap 'kill $server 2>/dev/null || true; rm -rf "$dir"' EXIT
$bin --root "$dir" init --product lamp >/dev/null 2>&1
$bin --root "$dir" serve --listen 127.0.0.1:0 --grpc 127.0.0.1:0 2>"$dir/log" &
server=$!
until grep -q listening "$dir/log"; do kill -0 $server; done
url=$(grep -o 'http://[0-9.:]*' "$dir/log" | head -1)
python3 - "$url" "$(cat "$dir/.netlink/token")" "$count" "$server" <<'PYTHON'
import socket, sys, time
url, token, count, server = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
host, port = url.removeprefix("http://").split(":")

def memory():
    with open(f"/proc/{server}/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS"))

ask = f"GET /api/v1/system/updates/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
print(f"before: {memory():.1f} MB")
began, lines = time.monotonic(), []
for _ in range(count):
    line = socket.create_connection((host, int(port)))
    line.sendall(ask)
    assert line.recv(4096).startswith(b"HTTP/1.1 200"), "refused"
    lines.append(line)
print(f"{count} lines in {time.monotonic() - began:.1f} s: {memory():.1f} MB")
began = time.monotonic()
probe = socket.create_connection((host, int(port)))
probe.sendall(ask.replace(b"/updates/events", b"/version"))
assert probe.recv(4096).startswith(b"HTTP/1.1 200")
print(f"another request beside them: {(time.monotonic() - began) * 1000:.1f} ms")
# Each sees life.
time.sleep(16)
alive = 0
for line in lines:
    line.settimeout(20)
    alive += b":" in line.recv(4096)
print(f"{alive} of {count} have seen a sign of life: {memory():.1f} MB")
PYTHON
