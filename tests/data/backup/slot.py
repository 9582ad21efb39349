"""Opens a key slot as docs/backup-keys.md describes it: slot.py SLOT (passphrase|key|private|code) FILE, prints the fingerprints."""
import hashlib, hmac, json, sys

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

KEM = b"KEM\x00\x20"
SUITE = b"HPKE\x00\x20\x00\x01\x00\x02"
INFO = b"netlink backup slot"


def extract(salt, text):
    return hmac.new(salt, text, hashlib.sha256).digest()


def expand(key, info, length):
    assert length <= 32
    return hmac.new(key, info + b"\x01", hashlib.sha256).digest()[:length]


def labeled_extract(suite, salt, label, text):
    return extract(salt, b"HPKE-v1" + suite + label + text)


def labeled_expand(suite, key, label, info, length):
    return expand(key, length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info, length)


def hpke(private, wrapping):
    """Key and nonce of RFC 9180 in base mode."""
    public = bytes.fromhex(wrapping["recipient"].removeprefix("netlink-backup-public-"))[:32]
    encapsulated = bytes.fromhex(wrapping["encapsulated"])
    key = X25519PrivateKey.from_private_bytes(private)
    assert key.public_key().public_bytes_raw() == public
    shared = key.exchange(X25519PublicKey.from_public_bytes(encapsulated))
    shared = labeled_extract(KEM, b"", b"eae_prk", shared)
    shared = labeled_expand(KEM, shared, b"shared_secret", encapsulated + public, 32)
    context = b"\x00" + labeled_extract(SUITE, b"", b"psk_id_hash", b"") + labeled_extract(SUITE, b"", b"info_hash", INFO)
    secret = labeled_extract(SUITE, shared, b"secret", b"")
    return labeled_expand(SUITE, secret, b"key", context, 32), labeled_expand(SUITE, secret, b"base_nonce", context, 12)


def private_of_code(text):
    alphabet, bits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ", 0
    for group in text.split("-"):
        for typed in group[:4]:
            bits = bits << 5 | alphabet.index(typed)
    derived = labeled_extract(KEM, b"", b"dkp_prk", b"netlink backup recovery code\n" + bits.to_bytes(20, "big"))
    return labeled_expand(KEM, derived, b"sk", b"", 32)


def key_and_nonce(kind, secret, wrapping):
    nonce, salt = bytes(12), bytes.fromhex(wrapping.get("salt", ""))
    if kind == "passphrase":
        costs = {"iterations": wrapping["passes"], "lanes": wrapping["lanes"], "memory_cost": wrapping["memory_kib"]}
        return Argon2id(salt=salt, length=32, **costs).derive(secret.encode()), nonce
    if kind == "key":
        return expand(extract(salt, bytes.fromhex(secret)), INFO, 32), nonce
    if kind == "private":
        return hpke(bytes.fromhex(secret.removeprefix("netlink-backup-private-"))[:32], wrapping)
    return hpke(private_of_code(secret), wrapping)


path, kind, file = sys.argv[1:]
data = open(path, "rb").read()
assert path.endswith(f"/{hashlib.sha256(data).hexdigest()[:32]}.json")
document = json.loads(data)
slot = document["slot"]
context = b"netlink backup slot\n" + json.dumps(slot, separators=(",", ":"), ensure_ascii=False).encode()
key, nonce = key_and_nonce(kind, open(file).read().strip(), slot["wrapping"])
ring = AESGCM(key).decrypt(nonce, bytes.fromhex(document["sealed"]), context)
marks = [hashlib.sha256(b"netlink backup key fingerprint\n" + ring[at:at + 32]).hexdigest()[:16] for at in range(0, len(ring) - 32, 32)]
assert marks == slot["masters"]
print(*marks)
