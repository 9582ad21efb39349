#!/usr/bin/env python3
"""Reads a NetLink backup repository without NetLink: the tool of last resort. docs/backup-format.md says what it goes by.

    pip install cryptography zstandard blake3
    backup-reader.py REPOSITORY (--key-file FILE | --passphrase-file FILE) list
    backup-reader.py REPOSITORY (--key-file FILE | --passphrase-file FILE) extract ID INTO [PATH]

REPOSITORY is the folder that has repository.json. Every byte is authenticated before it is written.
"""
import argparse, hashlib, io, json, os, struct, sys
from pathlib import Path

import blake3, zstandard
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

FRAME = 1 << 20


def hkdf(secret, salt, info):
    return HKDF(hashes.SHA256(), 32, salt, info).derive(secret)


def fingerprint(master):
    return hashlib.sha256(b"netlink backup key fingerprint\n" + master).digest()[:8]


def ring(repository, kind, secret):
    """The master keys, by fingerprint; the current one first."""
    for path in sorted((repository / "keys").glob("*.json")):
        text = path.read_bytes()
        slot = json.loads(text)
        if slot["slot"]["kind"] != kind:
            continue
        # What is authenticated are the bytes of the head as they stand in the file.
        context = b"netlink backup slot\n" + text[len(b'{"slot":') : text.index(b',"sealed":"')]
        how = slot["slot"]["wrapping"]
        salt = bytes.fromhex(how["salt"])
        if how["by"] == "argon2id":
            key = Argon2id(salt=salt, length=32, iterations=how["passes"], lanes=how["lanes"],
                           memory_cost=how["memory_kib"]).derive(secret)
        else:
            key = hkdf(secret, salt, b"netlink backup slot")
        try:
            plain = AESGCM(key).decrypt(bytes(12), bytes.fromhex(slot["sealed"]), context)
        except Exception:
            continue
        masters = [plain[at : at + 32] for at in range(0, len(plain), 32)]
        return {fingerprint(master): master for master in masters}
    sys.exit("no slot of the repository opens with this")


def document(path, kind, masters):
    """An index or a snapshot."""
    data = path.read_bytes()
    if data[:8] != b"NLBKUP02":
        sys.exit(f"{path} is not a document of a backup repository")
    master, salt = masters[data[8:16]], data[16:48]
    context = b"netlink backup 2 " + kind + b" " + path.stem.encode() + b"\n" + data[:16]
    cipher, sealed, plain = AESGCM(hkdf(master, salt, context)), data[48:], b""
    for number, at in enumerate(range(0, len(sealed), FRAME + 16)):
        frame = sealed[at : at + FRAME + 16]
        last = at + FRAME + 16 >= len(sealed)
        plain += cipher.decrypt(bytes(3) + struct.pack(">Q", number) + bytes([last]), frame, b"")
    return zstandard.ZstdDecompressor().decompressobj().decompress(plain)


class Chunks:
    """The content of chunks by their ids."""

    def __init__(self, repository, masters):
        self.repository, self.masters, self.places, self.last = repository, masters, {}, (None, b"")
        self.id_key = hkdf(next(iter(masters.values())), b"", b"netlink backup 2 chunk ids")
        for path in (repository / "index").glob("*.index"):
            self.read_index(io.BytesIO(document(path, b"index", masters)))

    def read_index(self, index):
        number = lambda form: struct.unpack(form, index.read(struct.calcsize(form)))[0]
        for _ in range(number(">I")):
            pack, _length = index.read(32), number(">Q")
            at = 48
            for block in range(number(">I")):
                stored, plain, count, offset = number(">I"), number(">I"), number(">I"), 0
                for _ in range(count):
                    chunk, length = index.read(16), number(">I")
                    self.places.setdefault(chunk, (pack, block, at, stored, plain, offset, length))
                    offset += length
                at += stored

    def block(self, pack, number, at, stored, plain):
        if self.last[0] != (pack, number):
            with open(self.repository / "packs" / f"{pack.hex()}.pack", "rb") as file:
                head = file.read(48)
                file.seek(at)
                sealed = file.read(stored)
            if head[:8] != b"NLPACK02" or head[16:] != pack:
                sys.exit(f"pack {pack.hex()} does not begin as it should")
            cipher = AESGCM(hkdf(self.masters[head[8:16]], pack, b"netlink backup 2 pack"))
            frame = cipher.decrypt(bytes(4) + struct.pack(">Q", number), sealed, head)
            self.last = (pack, number), zstandard.ZstdDecompressor().decompress(frame, max_output_size=plain)
        return self.last[1]

    def get(self, chunk):
        pack, number, at, stored, plain, offset, length = self.places[chunk]
        content = self.block(pack, number, at, stored, plain)[offset : offset + length]
        if blake3.blake3(content, key=self.id_key).digest()[:16] != chunk:
            sys.exit(f"chunk {chunk.hex()} is not what its name says")
        return content


def name(text):
    return os.fsencode(text) if isinstance(text, str) else bytes.fromhex(text["hex"])


def extract(chunks, snapshot, into, only):
    entries = b"".join(chunks.get(bytes.fromhex(id)) for id in snapshot["entries"])
    contents = b"".join(chunks.get(bytes.fromhex(id)) for id in snapshot["contents"])
    at, folders = 0, []
    for entry in map(json.loads, entries.splitlines()):
        count = entry.get("chunks", 0)
        ids = [contents[at + 16 * n : at + 16 * n + 16] for n in range(count)]
        at += 16 * count
        path = name(entry["path"])
        if only and path != only and not path.startswith(only + b"/"):
            continue
        full = os.path.join(os.fsencode(into), path)
        os.makedirs(full if entry["type"] == "folder" else os.path.dirname(full), exist_ok=True)
        seconds, nanos = entry["modified"]
        if entry["type"] == "folder":
            folders.append((full, entry["mode"], seconds * 10**9 + nanos))
        elif entry["type"] == "link":
            os.symlink(name(entry["target"]), full)
        elif entry["type"] in ("file", "dump"):
            with open(full, "xb") as file:
                for id in ids:
                    file.write(chunks.get(id))
            os.chmod(full, entry["mode"])
            os.utime(full, ns=(seconds * 10**9 + nanos,) * 2)
    for full, mode, time in reversed(folders):
        os.chmod(full, mode)
        os.utime(full, ns=(time, time))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repository", type=Path)
    secret = parser.add_mutually_exclusive_group(required=True)
    secret.add_argument("--key-file", type=Path)
    secret.add_argument("--passphrase-file", type=Path)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("list")
    verb = verbs.add_parser("extract")
    verb.add_argument("id")
    verb.add_argument("into")
    verb.add_argument("path", nargs="?", default="")
    args = parser.parse_args()
    if args.key_file:
        masters = ring(args.repository, "key_file", bytes.fromhex(args.key_file.read_text().strip()))
    else:
        masters = ring(args.repository, "passphrase", args.passphrase_file.read_bytes().rstrip(b"\n"))
    read = lambda path: json.loads(document(path, b"snapshot", masters))
    if args.verb == "list":
        for path in sorted((args.repository / "snapshots").glob("*.snapshot")):
            print(json.dumps(read(path)["record"]))
        return
    snapshot = read(args.repository / "snapshots" / f"{args.id}.snapshot")
    extract(Chunks(args.repository, masters), snapshot, args.into, os.fsencode(args.path.rstrip("/")))


if __name__ == "__main__":
    main()
