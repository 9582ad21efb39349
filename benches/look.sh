#!/usr/bin/env bash
# Prints how long it takes to look at an installation (target: under 20 ms each), and to pack and install a package of
# 300 MB beside what tar and zstd take for the same files. Wall times, medians; run it on a machine that does nothing else.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly bin=${CARGO_TARGET_DIR:-target}/release
readonly looks=51 rounds=3 megabytes=300 level=9

for tool in tar zstd; do
    command -v "$tool" >/dev/null || { echo "look.sh needs $tool: apt-get install $tool" >&2 && exit 1; }
done
cargo build --release --quiet --workspace --bins
work=$(mktemp -d -p "${TMPDIR:-/tmp}")
readonly work

netlink() { "$bin/netlink" "$@"; }

finish() {
    local root
    for root in "$work"/site "$work"/large-*; do
        [ ! -d "$root/.netlink" ] || netlink --root "$root" supervise --stop >/dev/null || true
    done
    chmod -R u+w "$work" && rm -rf "$work"
}
trap finish EXIT

# wall COMMAND...: milliseconds, to a tenth.
wall() {
    local begun=$EPOCHREALTIME
    "$@" >/dev/null 2>"$work/said" || { cat "$work/said" >&2 && exit 1; }
    local ended=$EPOCHREALTIME
    echo "$(((${ended/./} - ${begun/./}) / 100))" | sed 's/\(.\)$/.\1/; s/^\./0./'
}

# median TIMES PREPARE COMMAND...: PREPARE runs before each and is not counted.
median() {
    local times=$1 prepare=$2 round
    for ((round = 0; round < times; round++)); do
        $prepare
        wall "${@:3}"
    done | sort -n | sed -n "$((times / 2 + 1))p"
}

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }

repository() {
    netlink release init "$work/repo-$1" --keys "$work/keys-$1" --no-passphrase --single-key >/dev/null
}

publish() {
    netlink release publish --repo "$work/repo-$1" --keys "$work/keys-$1" "$2" >/dev/null
}

# install PRODUCT VERSION ROOT
install_release() {
    netlink --root "$3" --quiet init --product "$1" --repository "file://$work/repo-$1" \
        --root-metadata "$work/repo-$1/root.json" --version "$2" --yes
}

looking() {
    local version port=8600
    repository guestbook
    examples/guestbook/build-releases "$work/trees" "$bin"
    for version in 0a1 0b1; do
        netlink release pack "$work/trees/$version" --platform any --out "$work/$version.netlink" >/dev/null
        publish guestbook "$work/$version.netlink"
    done
    while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
    mkdir -p "$work/site/config"
    sed "s/127\.0\.0\.1:8700/127.0.0.1:$port/" "$work/trees/0a1/config/guestbook.toml" >"$work/site/config/guestbook.toml"
    install_release guestbook 0a1 "$work/site" >/dev/null
    netlink --root "$work/site" --quiet update upgrade --to 0b1 --yes >/dev/null
    local look took
    for look in "--root $work/site update version" "--root $work/site update status" --version; do
        # Unquoted on purpose: words of a command.
        # shellcheck disable=SC2086
        took=$(median "$looks" : netlink $look)
        printf '%-20s %7s ms\n' "${look#--root "$work/site" }" "$took"
    done
}

# A tree of real files: those of the Rust toolchain, up to the size.
real_files() {
    local file size total=0
    mkdir -p "$1"
    while read -r size file; do
        ((total + size <= megabytes * 1000000)) || continue
        total=$((total + size))
        cp "$file" "$1/$(basename "$file")"
    done < <(find "$(rustc --print sysroot)/" -type f -size +100k -printf '%s %p\n' | sort -rn)
    printf 'tree: %s files, %s MB\n' "$(find "$1" -type f | wc -l)" "$((total / 1000000))"
}

fresh() { chmod -R u+w "$work"/large-* 2>/dev/null || true; rm -rf "$work"/large-* "$work/extracted" && mkdir "$work/extracted" && sync -f "$work"; }
pack_by_tar() { tar -C "$work/tree" -cf - . | zstd --quiet -$level --force -o "$work/large.tar.zst" && sync "$work/large.tar.zst"; }
extract_by_tar() { tar -C "$work/extracted" -I zstd -xf "$work/large.tar.zst" && "$@"; }

handling() {
    local ours theirs synced
    real_files "$work/tree/files"
    printf 'product = "large"\nversion = "0a1"\nplatform = "any"\n' >"$work/tree/release.toml"
    theirs=$(median "$rounds" fresh pack_by_tar)
    ours=$(median "$rounds" fresh netlink release pack "$work/tree" --level $level --out "$work/large.netlink")
    printf 'pack                 %7s ms, tar | zstd -%s and sync %s ms: %s times\n' "$ours" $level "$theirs" "$(ratio "$ours" "$theirs")"
    repository large
    publish large "$work/large.netlink"
    theirs=$(median "$rounds" fresh extract_by_tar true)
    synced=$(median "$rounds" fresh extract_by_tar sync -f "$work")
    ours=$(median "$rounds" fresh install_release large 0a1 "$work/large-site")
    printf 'install              %7s ms, tar --zstd %s ms: %s times; with sync %s ms: %s times\n' \
        "$ours" "$theirs" "$(ratio "$ours" "$theirs")" "$synced" "$(ratio "$ours" "$synced")"
}

looking
handling
