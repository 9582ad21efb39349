#!/usr/bin/env bash
# Prints what packages and patches of about 300 MB in 10,000 files take beside what others take for the same files, in one run:
#   a whole package: verified and unpacked          beside  zstd -d | tar x with sha256sum, dpkg -i
#   a patch: its size, made, applied, peak memory   beside  xdelta3, zstd --patch-from, bsdiff, on tars of the two versions
#   an installation of 2 GB: its peak memory
# The others are given what netlink has to do, from the installed tree to a new one that is checked and synced (job), and what
# they do of that, from a tar to a tar (apply).
# Medians; run it on a machine that does nothing else. Needs root for dpkg. bsdiff takes minutes and 3 GB.
#   benches/packages.sh [ROUNDS]    5 unless told otherwise; PEERS="xdelta3 zstd" leaves bsdiff out, PARTS=whole all but packages
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly bin=${CARGO_TARGET_DIR:-target}/release rounds=${1:-5} peers=${PEERS:-xdelta3 zstd bsdiff}
readonly level=9

for tool in zstd xdelta3 bsdiff; do
    command -v "$tool" >/dev/null || apt-get install --yes --quiet "$tool" >/dev/null
done
[ -x /usr/bin/time ] || apt-get install --yes --quiet time >/dev/null
[ -n "${SKIP_BUILD:-}" ] || cargo build --release --quiet --bins
work=$(mktemp -d -p "${TMPDIR:-/tmp}")
readonly work
trap 'rm -rf "$work"' EXIT

netlink() { "$bin/netlink" "$@"; }

# aside PATH...: where many files were just removed, ext4 takes its time to make new ones, whoever asks for them: nothing is removed.
aside() {
    local path
    mkdir -p "$work/aside"
    for path in "$@"; do
        [ ! -e "$path" ] || mv "$path" "$(mktemp -d -p "$work/aside")"
    done
}

# measured COMMAND...: milliseconds and KiB at the peak.
measured() {
    /usr/bin/time -o "$work/time" -f '%e %M' "$@" >/dev/null 2>"$work/said" || { cat "$work/said" >&2 && exit 1; }
    awk '{ printf "%d %d\n", $1 * 1000, $2 }' "$work/time"
}

# median PREPARE COMMAND...: of both numbers; PREPARE runs before each and is not counted.
median() {
    local round
    for ((round = 0; round < rounds; round++)); do
        $1
        measured "${@:2}"
    done >"$work/rounds"
    echo "$(cut -d' ' -f1 "$work/rounds" | sort -n | sed -n "$((rounds / 2 + 1))p")" \
        "$(cut -d' ' -f2 "$work/rounds" | sort -n | sed -n "$((rounds / 2 + 1))p")"
}

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }
size() { stat -c %s "$1"; }
row() { printf '%-26s %12s %10s %12s\n' "$@"; }

payload() {
    benches/payload.pl "$work/payload"
    local version
    for version in old new; do
        tarred "$work/payload/$version" >"$work/$version.tar"
    done
    cp -a "$work/payload/old" "$work/installed"
    (cd "$work/payload/new" && find . -type f -print0 | sort -z | xargs -0 sha256sum) >"$work/sums"
}

published() {
    local version name
    netlink release init "$work/repo" --keys "$work/keys" --no-passphrase >/dev/null
    for name in 0a1:old 0b1:new; do
        version=${name%:*}
        printf 'product = "payload"\nversion = "%s"\nplatform = "any"\n' "$version" >"$work/payload/${name#*:}/release.toml"
        netlink release pack "$work/payload/${name#*:}" --level $level --out "$work/$version.tar.zst" >/dev/null
        netlink release publish "$work/$version.tar.zst" --repo "$work/repo" --keys "$work/keys" >/dev/null
    done
}

installed() {
    aside "$work/site"
    netlink --root "$work/site" --quiet init --product payload --repository "file://$work/repo" \
        --root-metadata "$work/repo/root.json" --version 0a1 --yes >/dev/null
    mkdir -p "$work/site/config"
    echo "update_system: {behavior: {hard_links: ${HARD_LINKS:-false}}}" >"$work/site/config/update.yml"
    sync -f "$work"
}

# stage MORE...: milliseconds of the step that makes the new tree, median, and the peak of the whole upgrade in KiB.
stage() {
    local round
    for ((round = 0; round < rounds; round++)); do
        installed
        /usr/bin/time -o "$work/time" -f '%M' "$bin/netlink" --root "$work/site" --output json update upgrade --to 0b1 --yes "$@" \
            >"$work/events" 2>"$work/said" || { cat "$work/said" >&2 && exit 1; }
        grep -q "\"strategy\":\"$expected\"" "$work/events" || { echo "not by $expected" >&2 && exit 1; }
        local begun ended
        begun=$(sed -n 's/.*"time":"\([^"]*\)".*"kind":"started".*"step":"stage".*/\1/p' "$work/events")
        ended=$(sed -n 's/.*"time":"\([^"]*\)".*"kind":"succeeded".*"step":"stage".*/\1/p' "$work/events")
        echo "$((($(date -d "$ended" +%s%N) - $(date -d "$begun" +%s%N)) / 1000000)) $(cat "$work/time")"
    done >"$work/rounds"
    echo "$(cut -d' ' -f1 "$work/rounds" | sort -n | sed -n "$((rounds / 2 + 1))p")" \
        "$(cut -d' ' -f2 "$work/rounds" | sort -n | sed -n "$((rounds / 2 + 1))p")"
}

fresh() {
    aside "$work/out"
    rm -f "$work/made" "$work/from"
    mkdir -p "$work/out"
    sync -f "$work"
}
unpacked_by_tar() {
    cd "$work"
    sha256sum 0b1.peer.tar.zst >/dev/null &
    zstd -dcq 0b1.peer.tar.zst | tar -C out -xf -
    wait
    "$@"
}
export -f unpacked_by_tar
export work

whole() {
    zstd --quiet -$level "$work/new.tar" -o "$work/0b1.peer.tar.zst"
    mkdir -p "$work/deb/DEBIAN" && cp -r "$work/payload/new" "$work/deb/payload" && rm "$work/deb/payload/release.toml"
    printf 'Package: payload\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@localhost>\nDescription: payload\n' >"$work/deb/DEBIAN/control"
    dpkg-deb --build -Zzstd --root-owner-group "$work/deb" "$work/payload.deb" >/dev/null
    local ours theirs synced debian
    expected=full
    read -r -a ours < <(stage --full)
    read -r -a theirs < <(median fresh bash -c 'unpacked_by_tar true')
    read -r -a synced < <(median fresh bash -c 'unpacked_by_tar sync -f "$work"')
    read -r -a debian < <(median fresh_dpkg dpkg --root="$work/root" --force-all --no-triggers -i "$work/payload.deb")
    echo && row 'whole package' 'unpack ms' 'peak MB' 'ours / its'
    row netlink "${ours[0]}" $((ours[1] / 1000)) ''
    row 'zstd | tar, sha256sum' "${theirs[0]}" '' "$(ratio "${ours[0]}" "${theirs[0]}")"
    row 'the same, sync' "${synced[0]}" '' "$(ratio "${ours[0]}" "${synced[0]}")"
    row 'dpkg -i' "${debian[0]}" '' "$(ratio "${ours[0]}" "${debian[0]}")"
}

fresh_dpkg() { aside "$work/root" && mkdir -p "$work/root/var/lib/dpkg/"{info,updates,triggers} && touch "$work/root/var/lib/dpkg/"{status,available} && sync -f "$work"; }

# peer NAME: makes "$work/patch.NAME", and prints ms and KiB for making it.
peer() {
    case $1 in
        xdelta3) measured xdelta3 -9 -B 1000000000 -f -e -s "$work/old.tar" "$work/new.tar" "$work/patch.$1" ;;
        zstd) measured zstd -q -19 --long=31 --single-thread --patch-from="$work/old.tar" "$work/new.tar" -f -o "$work/patch.$1" ;;
        bsdiff) measured bsdiff "$work/old.tar" "$work/new.tar" "$work/patch.$1" ;;
    esac
}

# applied NAME OLD: the new tar out of the old one.
applied() {
    case $1 in
        xdelta3) xdelta3 -B 1000000000 -f -d -s "$2" "$work/patch.$1" "$work/made" ;;
        zstd) zstd -q -d --long=31 --patch-from="$2" "$work/patch.$1" -f -o "$work/made" ;;
        bsdiff) bspatch "$2" "$work/made" "$work/patch.$1" ;;
    esac
}

# tarred TREE: as the tars that the patches are made of.
tarred() { tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C "$1" -cf - .; }

# whole_job NAME: from tree to tree.
whole_job() {
    tarred "$work/installed" >"$work/from"
    applied "$1" "$work/from"
    tar -C "$work/out" -xf "$work/made"
    cd "$work/out" && sha256sum --quiet --check "$work/sums"
    sync -f "$work/out"
}
export -f applied tarred whole_job

patches() {
    local made applied length name best=0
    read -r -a made < <(measured "$bin/netlink" release patch --repo "$work/repo" --keys "$work/keys" --from 0a1 --to 0b1 --work "$work/patching")
    length=$(find "$work/repo/targets" -name '*.patch' -printf '%s')
    expected=patch
    read -r -a applied < <(stage)
    local -a linked whole
    read -r -a linked < <(HARD_LINKS=true stage)
    echo && printf '%-12s %11s %9s %9s %9s %9s %9s %11s %11s\n' patch bytes 'make ms' 'make MB' 'apply ms' 'apply MB' 'job ms' 'ours / its' 'size ratio'
    printf '%-12s %11s %9s %9s %9s %9s %9s\n' netlink "$length" "${made[0]}" $((made[1] / 1000)) '' $((applied[1] / 1000)) "${applied[0]}"
    printf '%-12s %11s %9s %9s %9s %9s %9s\n' ' hard links' '' '' '' '' $((linked[1] / 1000)) "${linked[0]}"
    for name in $peers; do
        read -r -a made < <(peer "$name")
        local -a alone
        read -r -a alone < <(median fresh bash -c "applied $name $work/old.tar")
        read -r -a whole < <(median fresh bash -c "set -e; whole_job $name")
        printf '%-12s %11s %9s %9s %9s %9s %9s %11s %11s\n' "$name" "$(size "$work/patch.$name")" "${made[0]}" $((made[1] / 1000)) \
            "${alone[0]}" $((alone[1] / 1000)) "${whole[0]}" "$(ratio "${applied[0]}" "${whole[0]}")" "$(ratio "$length" "$(size "$work/patch.$name")")"
    done
    echo 'made by netlink: both packages unpacked, the patch made, tried and signed'
}

large() {
    local name peak
    mkdir -p "$work/large"
    for name in {1..40}; do
        head -c 50000000 /dev/urandom >"$work/large/$name"
    done
    printf 'product = "large"\nversion = "0a1"\nplatform = "any"\n' >"$work/large/release.toml"
    netlink release pack "$work/large" --level 1 --out "$work/large.tar.zst" >/dev/null
    rm -rf "$work/large"
    netlink release publish "$work/large.tar.zst" --repo "$work/repo" --keys "$work/keys" >/dev/null
    read -r -a peak < <(measured "$bin/netlink" --root "$work/huge" --quiet init --product large --repository "file://$work/repo" \
        --root-metadata "$work/repo/root.json" --version 0a1 --yes)
    echo && echo "an installation of 2 GB: ${peak[0]} ms, at most $((peak[1] / 1000)) MB of memory"
}

payload
published
for part in ${PARTS:-whole patches large}; do
    "$part"
done
