#!/usr/bin/env python3
"""Reads a NetLink backup repository without NetLink: the tool of last resort. docs/backup-format.md says what it goes by.

    pip install cryptography zstandard blake3
    backup-reader.py REPOSITORY WAY FILE list
    backup-reader.py REPOSITORY WAY FILE extract ID INTO [PATH]

REPOSITORY is the folder that has repository.json; WAY is --key-file, --passphrase-file, --recovery (a recipient's private key) or
--recovery-code-file. Every byte is authenticated before it is written. Owners, extended attributes and holes are left out.
"""
import hashlib, hmac, io, json, os, struct, sys
from pathlib import Path

import blake3, zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

FRAME = 1 << 20
SLOT = b"netlink backup slot"
KEM, SUITE = b"HPKE-v1KEM\0\x20", b"HPKE-v1HPKE\0\x20\0\x01\0\x02"
CODE = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

def hkdf(secret, salt, info, length=32):
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)

def private_of_code(text):
    """The private key of a recovery kit: RFC 9180, DeriveKeyPair. Each fifth character is a check on the four before it."""
    typed = text.decode().upper().translate(str.maketrans("OIL", "011", "- \r\n\t"))
    bits = "".join(f"{CODE.index(symbol):05b}" for at, symbol in enumerate(typed) if at % 5 < 4)
    secret = b"netlink backup recovery code\n" + int(bits, 2).to_bytes(20, "big")
    return hkdf(KEM + b"dkp_prk" + secret, b"", b"\0\x20" + KEM + b"sk")

# How slots are wrapped that a file of this kind may open, and what of the file opens them.
WAYS = {
    "--key-file": ("hkdf", lambda text: bytes.fromhex(text.decode())),
    "--passphrase-file": ("argon2id", lambda text: text.removesuffix(b"\n").removesuffix(b"\r")),
    "--recovery": ("hpke", lambda text: bytes.fromhex(text.decode().strip().removeprefix("netlink-backup-private-"))[:32]),
    "--recovery-code-file": ("hpke", private_of_code),
}

def hpke(private, encapsulated):
    """Key and nonce of RFC 9180 in base mode."""
    shared = KEM + b"eae_prk" + private.exchange(X25519PublicKey.from_public_bytes(encapsulated))
    both = encapsulated + private.public_key().public_bytes_raw()
    shared = hkdf(shared, b"", b"\0\x20" + KEM + b"shared_secret" + both)
    hashed = lambda label: hmac.digest(b"", SUITE + label, "sha256")
    schedule = b"\0" + hashed(b"psk_id_hash") + hashed(b"info_hash" + SLOT)
    made = lambda label, length: hkdf(SUITE + b"secret", shared, bytes([0, length]) + SUITE + label + schedule, length)
    return made(b"key", 32), made(b"base_nonce", 12)

def opened(how, secret, sealed, context):
    """What a slot holds: its master keys and the chunks' key."""
    if how["by"] == "hpke":
        key, nonce = hpke(X25519PrivateKey.from_private_bytes(secret), bytes.fromhex(how["encapsulated"]))
        return AESGCM(key).decrypt(nonce, sealed, context)
    salt = bytes.fromhex(how["salt"])
    if how["by"] == "hkdf":
        key = hkdf(secret, salt, SLOT)
    else:
        passes, lanes, memory = (how[cost] for cost in ("passes", "lanes", "memory_kib"))
        key = Argon2id(salt=salt, length=32, iterations=passes, lanes=lanes, memory_cost=memory).derive(secret)
    return AESGCM(key).decrypt(bytes(12), sealed, context)

class Repository:
    def __init__(self, folder, way, secret):
        self.folder, self.places, self.last, rings = folder, {}, (None, b""), {}
        for path in (folder / "keys").glob("*.json"):
            text = path.read_bytes()
            slot, sealed = (json.loads(text)[part] for part in ("slot", "sealed"))
            # What is authenticated are the bytes of the head as they stand in the file.
            context = SLOT + b"\n" + text[len(b'{"slot":') : text.index(b',"sealed":"')]
            try:
                if slot["wrapping"]["by"] == way:
                    age = len(slot["masters"] + slot.get("forgotten", []))
                    rings[age] = opened(slot["wrapping"], secret, bytes.fromhex(sealed), context)
            except InvalidTag:
                pass
        if not rings:
            sys.exit("no slot of the repository opens with this")
        *masters, chunks = (key for (key,) in struct.iter_unpack("32s", rings[max(rings)]))
        self.masters = {hashlib.sha256(b"netlink backup key fingerprint\n" + key).digest()[:8]: key for key in masters}
        self.id_key = hkdf(chunks, b"", b"netlink backup 2 chunk ids")

    def document(self, path):
        """An index or a snapshot."""
        data = path.read_bytes()
        context = f"netlink backup 2 {path.suffix[1:]} {path.stem}\n".encode() + data[:16]
        cipher, sealed, plain = AESGCM(hkdf(self.masters[data[8:16]], data[16:48], context)), data[48:], b""
        for number, at in enumerate(range(0, len(sealed), FRAME + 16)):
            nonce = bytes(3) + struct.pack(">Q?", number, at + FRAME + 16 >= len(sealed))
            plain += cipher.decrypt(nonce, sealed[at : at + FRAME + 16], b"")
        return zstandard.ZstdDecompressor().decompressobj().decompress(plain)

    def read_index(self, index):
        take = lambda form: struct.unpack(form, index.read(struct.calcsize(form)))
        for _ in range(take(">I")[0]):
            (pack, _length, blocks), at = take(">32sQI"), 48
            for block in range(blocks):
                (stored, plain, count), offset = take(">III"), 0
                for _ in range(count):
                    chunk, length = take(">16sI")
                    self.places.setdefault(chunk, (pack, block, at, stored, plain, offset, length))
                    offset += length
                at += stored

    def block(self, pack, number, at, stored, plain):
        if self.last[0] != (pack, number):
            with open(self.folder / "packs" / f"{pack.hex()}.pack", "rb") as file:
                head = file.read(48)
                file.seek(at)
                sealed = file.read(stored)
            cipher = AESGCM(hkdf(self.masters[head[8:16]], pack, b"netlink backup 2 pack"))
            frame = cipher.decrypt(bytes(4) + struct.pack(">Q", number), sealed, head)
            self.last = (pack, number), zstandard.ZstdDecompressor().decompress(frame, max_output_size=plain)
        return self.last[1]

    def chunk(self, id):
        *block, offset, length = self.places[id]
        content = self.block(*block)[offset : offset + length]
        if blake3.blake3(content, key=self.id_key).digest()[:16] != id:
            sys.exit(f"chunk {id.hex()} is not what its name says")
        return content

    def extract(self, snapshot, into, only):
        for path in (self.folder / "index").glob("*.index"):
            self.read_index(io.BytesIO(self.document(path)))
        joined = lambda list: b"".join(self.chunk(bytes.fromhex(id)) for id in snapshot[list])
        contents, folders = struct.iter_unpack("16s", joined("contents")), []
        for entry in map(json.loads, joined("entries").splitlines()):
            ids = [next(contents)[0] for _ in range(entry.get("chunks", 0))]
            path, kind = name(entry["path"]), entry["type"]
            if only and path != only and not path.startswith(only + b"/"):
                continue
            full, (seconds, nanos) = os.path.join(os.fsencode(into), path), entry["modified"]
            time = (seconds * 10**9 + nanos,) * 2
            os.makedirs(full if kind == "folder" else os.path.dirname(full), exist_ok=True)
            if kind == "folder":
                folders.append((full, entry["mode"], time))
            elif kind == "link":
                os.symlink(name(entry["target"]), full)
                os.utime(full, ns=time, follow_symlinks=False)
            elif kind in ("file", "dump"):
                with open(full, "xb") as file:
                    file.writelines(map(self.chunk, ids))
                os.chmod(full, entry["mode"])
                os.utime(full, ns=time)
        for full, mode, time in reversed(folders):
            os.chmod(full, mode)
            os.utime(full, ns=time)

def name(text):
    return os.fsencode(text) if isinstance(text, str) else bytes.fromhex(text["hex"])

def main(folder, way, file, verb, id="*", into="", path=""):
    wrapped, secret_in = WAYS[way]
    repository = Repository(Path(folder), wrapped, secret_in(Path(file).read_bytes()))
    documents = sorted((Path(folder) / "snapshots").glob(f"{id}.snapshot"))
    for snapshot in (json.loads(repository.document(document)) for document in documents):
        if verb == "list":
            print(json.dumps(snapshot["record"]))
        else:
            repository.extract(snapshot, into, os.fsencode(path.rstrip("/")))
    if into and not documents:
        sys.exit(f"there is no backup {id}")

if __name__ == "__main__":
    match sys.argv[1:]:
        case [_, way, _, "list"] | [_, way, _, "extract", _, _, *_] if way in WAYS and len(sys.argv) <= 8:
            main(*sys.argv[1:])
        case _:
            sys.exit(__doc__)
