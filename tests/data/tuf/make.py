"""Makes the metadata beside it with another implementation of TUF (PyPI: tuf, securesystemslib[crypto]).

Run it in this folder to make it anew. Two roots (all keys change), a threshold of 2, a key of a kind unknown to NetLink,
a delegation, unknown fields, and strings that only canonical JSON in its OLPC form signs the same way.
"""

from datetime import datetime, timezone

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import (
    DelegatedRole, Delegations, Metadata, MetaFile, Role, Root, Snapshot, TargetFile, Targets, Timestamp,
)

EXPIRES = datetime(2036, 1, 1, tzinfo=timezone.utc)
NAMES = ["root", "timestamp", "snapshot", "targets"]


def signed(content, *signers):
    metadata = Metadata(content)
    for signer in signers:
        metadata.sign(signer, append=True)
    return metadata


def keys():
    made = {name: [CryptoSigner.generate_ed25519()] for name in NAMES}
    made["targets"].append(CryptoSigner.generate_ed25519())
    return made


def root(version, keyset):
    roles = {name: Role([], 2 if name == "targets" else 1) for name in NAMES}
    content = Root(version=version, expires=EXPIRES, roles=roles, consistent_snapshot=True)
    for name, signers in keyset.items():
        for signer in signers:
            content.add_key(signer.public_key, name)
    content.add_key(CryptoSigner.generate_ecdsa().public_key, "timestamp")
    content.unrecognized_fields["x-contact"] = "security@example.org"
    return content


old, new = keys(), keys()
files = {
    "1.root.json": signed(root(1, old), *old["root"]),
    "2.root.json": signed(root(2, new), *old["root"], *new["root"]),
}

targets = Targets(version=4, expires=EXPIRES)
target = TargetFile.from_data("guestbook/0a1/any.tar.zst", b"one", ["sha256", "sha512"])
target.unrecognized_fields["custom"] = {"netlink": {
    "kind": "package", "product": "guestbook", "version": "0a1", "platform": "any", "rules": {}, "unpacked": 3}}
targets.targets[target.path] = target
odd = TargetFile.from_data('odd "name"\\\t\x7f \u00e9 \U0001f600.txt', b"two", ["sha256"])
odd.unrecognized_fields["custom"] = {"z": None, "a": [True, -1, {"\u00ff": "\n", "\U0001f600": "", "\uffff": 0}]}
targets.targets[odd.path] = odd
helper = CryptoSigner.generate_ed25519()
role = DelegatedRole("helpers", [], 1, False, paths=["helpers/*"])
targets.delegations = Delegations({}, {"helpers": role})
targets.add_key(helper.public_key, "helpers")
targets.unrecognized_fields["x-big"] = 2**63
files["4.targets.json"] = signed(targets, *new["targets"])


def meta(name):
    raw = files[name].to_bytes()
    version = files[name].signed.version
    return MetaFile.from_data(version, raw, ["sha256"])


snapshot = Snapshot(version=3, expires=EXPIRES)
snapshot.meta["targets.json"] = meta("4.targets.json")
snapshot.meta["helpers.json"] = MetaFile(1)
files["3.snapshot.json"] = signed(snapshot, *new["snapshot"])

timestamp = Timestamp(version=9, expires=EXPIRES)
timestamp.snapshot_meta = meta("3.snapshot.json")
files["timestamp.json"] = signed(timestamp, *new["timestamp"])

for name, metadata in files.items():
    with open(name, "wb") as out:
        out.write(metadata.to_bytes())
