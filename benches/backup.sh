#!/usr/bin/env bash
# Prints what backups of one product's data take beside restic, borg and `tar | zstd | age`, in one run on the same data: about 300 MB in
# 4,400 files, 50,000 small files, and a live SQLite database of some 465 MB of which a day changes 1%.
# Medians of wall time; run it on a machine that does nothing else.
#   benches/backup.sh [ROUNDS]    5 unless told otherwise; PEERS="restic" leaves the others out
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly bin=${CARGO_TARGET_DIR:-target}/release rounds=${1:-5} peers=${PEERS:-restic borg age}

for tool in restic borg:borgbackup age zstd time sqlite3; do
    command -v "${tool%:*}" >/dev/null || apt-get install --yes --quiet "${tool#*:}" >/dev/null
done
[ -n "${SKIP_BUILD:-}" ] || cargo build --release --quiet --bins
work=$(mktemp -d -p "${TMPDIR:-/tmp}")
readonly work
trap 'rm -rf "$work"' EXIT
export RESTIC_PASSWORD=secret BORG_PASSPHRASE=secret RESTIC_CACHE_DIR=$work/cache BORG_BASE_DIR=$work/borg-base
export RESTIC_PROGRESS_FPS=0.1 BORG_RELOCATED_REPO_ACCESS_IS_OK=yes

netlink() { "$bin/netlink" --root "$work/site" "$@"; }

prepared() {
    mkdir -p "$work/first"
    benches/payload.pl "$work/payload" 4400 300
    mv "$work/payload/old" "$work/first/product" && rm -rf "$work/payload"
    python3 benches/backup-data.py make "$work/first"
    mkdir -p "$work/release/migrations" && cat >"$work/release/release.toml" <<END
product = "app"
version = "0a1"
platform = "any"
[database]
path = "app.db"
migrations = "migrations"
END
    "$bin/netlink" release init "$work/repo" --keys "$work/keys" --no-passphrase >/dev/null
    "$bin/netlink" release pack "$work/release" --out "$work/app.tar.zst" >/dev/null
    "$bin/netlink" release publish "$work/app.tar.zst" --repo "$work/repo" --keys "$work/keys" >/dev/null
    "$bin/netlink" --root "$work/site" --quiet init --product app --repository "file://$work/repo" \
        --root-metadata "$work/repo/root.json" --version 0a1 --yes >/dev/null
    age-keygen -o "$work/age.key" 2>/dev/null
    data=$work/site/data
    readonly data
}

# day N: the data of that day in the place that is backed up.
day() {
    case $1 in
        first) cp -a "$work/first/." "$data/" ;;
        second) python3 benches/backup-data.py change "$data" ;;
    esac
    sync -f "$work"
    # What has changed within the last seconds is read again by all who go by the time of files.
    sleep 3
}

begin() {
    local path
    mkdir -p "$work/aside"
    for path in "$data" "$work/out"; do
        [ ! -e "$path" ] || mv "$path" "$(mktemp -d -p "$work/aside")"
        mkdir -p "$path"
    done
    case $1 in
        netlink) rm -rf "$work/site/backups" "$work/site/.netlink/backup.key" ;;
        restic) rm -rf "$work/restic" "$work/cache" && restic init -q -r "$work/restic" >/dev/null ;;
        borg) rm -rf "$work/borg" "$work/borg-base" && borg init -e repokey-blake2 "$work/borg" 2>/dev/null ;;
        age) rm -rf "$work/age" && mkdir "$work/age" ;;
    esac
}

backed_up() {
    case $1 in
        netlink) netlink --quiet backup create ;;
        restic) restic backup -q -r "$work/restic" "$data" ;;
        borg) borg create -C zstd,3 "$work/borg::{now:%s%f}" "$data" ;;
        age) tar -C "$data" -cf - . | zstd -q -3 -T2 | age -r "$(age-keygen -y "$work/age.key")" >"$work/age/$(date +%s%N)" ;;
    esac >/dev/null 2>"$work/said"
}

restored() {
    case $1 in
        netlink) netlink --quiet backup restore "$(netlink backup list --output json | grep -o 'backup_[0-9a-z_]*' | head -1)" --into "$work/out" --yes ;;
        restic) restic restore -q -r "$work/restic" latest --target "$work/out" ;;
        borg) (cd "$work/out" && borg extract "$work/borg::$(borg list --short --last 1 "$work/borg")") ;;
        age) age -d -i "$work/age.key" "$(ls -t "$work/age/"* | head -1)" | zstd -dq | tar -C "$work/out" -xf - ;;
    esac >/dev/null 2>"$work/said"
}

stored() {
    case $1 in
        netlink) du -sb "$work/site/backups" | cut -f1 ;;
        *) du -sb "$work/$1" | cut -f1 ;;
    esac
}
export -f netlink backed_up restored
export bin work data

# timed VERB NAME: milliseconds and KiB at the peak.
timed() {
    sync -f "$work"
    /usr/bin/time -o "$work/time" -f '%e %M' bash -ec "set -o pipefail; $1 $2" || { cat "$work/said" >&2 && exit 1; }
    awk '{ printf "%d %d\n", $1 * 1000, $2 }' "$work/time"
}

# Where many files were just removed, ext4 takes its time to make new ones, whoever asks for them: this is waited out.
cleared() {
    rm -rf "$work/aside"
    sync -f "$work"
    sleep 61
}

measure() {
    local round before began durable
    cleared
    : >"$work/rows.$1"
    for ((round = 0; round < rounds; round++)); do
        begin "$1"
        day first
        read -r -a first < <(timed backed_up "$1")
        size=$(stored "$1")
        read -r -a same < <(timed backed_up "$1")
        day second
        before=$(stored "$1")
        read -r -a second < <(timed backed_up "$1")
        added=$(($(stored "$1") - before))
        read -r -a back < <(timed restored "$1")
        # What a restore has left in memory alone is lost in a power cut; netlink leaves nothing there.
        began=$(date +%s%N)
        sync -f "$work"
        durable=$((back[0] + ($(date +%s%N) - began) / 1000000))
        echo "${first[0]} $size ${same[0]} ${second[0]} $added ${back[0]} $durable ${first[1]} ${back[1]}" >>"$work/rows.$1"
    done
}

# column NAME N: the median.
column() { cut -d' ' -f"$2" "$work/rows.$1" | sort -n | sed -n "$((rounds / 2 + 1))p"; }
row() { printf '%-10s %10s %10s %12s %10s %10s %11s %11s %9s %9s\n' "$@"; }

prepared
for name in netlink $peers; do
    measure "$name"
done
row '' 'first ms' 'size MB' 'unchanged ms' 'day 2 ms' 'added MB' 'restore ms' 'on disk ms' 'peak MB' 'restoring'
for name in netlink $peers; do
    row "$name" "$(column "$name" 1)" "$(($(column "$name" 2) / 1000000))" "$(column "$name" 3)" "$(column "$name" 4)" \
        "$(($(column "$name" 5) / 1000000))" "$(column "$name" 6)" "$(column "$name" 7)" \
        "$(($(column "$name" 8) / 1000))" "$(($(column "$name" 9) / 1000))"
done
for name in $peers; do
    ratios=()
    for n in 1 2 3 4 5 6 7; do
        ratios+=("$(awk -v a="$(column netlink $n)" -v b="$(column "$name" $n)" 'BEGIN { printf "%.2f", a / b }')")
    done
    row "netlink / $name" "${ratios[@]}" '' '' | sed 's/ *$//'
done
