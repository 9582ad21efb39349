"""Drives a TUF client's command line over repositories made with another implementation (PyPI: tuf, securesystemslib[crypto]).

    python conformance.py CLIENT...        e.g. target/debug/netlink tuf

The command line is the one of TUF's public conformance suite, and the cases ask what that suite asks: what the client
trusts afterwards, which requests it made, what it downloaded, and its exit code. Prints each case that fails.
"""

import datetime
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote, unquote

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import (
    DelegatedRole, Delegations, Metadata, MetaFile, Root, Snapshot, SuccinctRoles, TargetFile, Targets, Timestamp,
)

TOP = ["root", "snapshot", "targets", "timestamp"]
NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
LATER = NOW + datetime.timedelta(days=30)
KEYS = [CryptoSigner.generate_ed25519() for _ in range(12)]


class Repository:
    """What its owner published, by role and version, and a client of it."""

    def __init__(self, consistent=True, hashes=False):
        self.signed = {"root": Root(expires=LATER, consistent_snapshot=consistent), "snapshot": Snapshot(expires=LATER),
                       "targets": Targets(expires=LATER), "timestamp": Timestamp(expires=LATER)}
        self.signers = {name: {} for name in TOP}
        self.out = {}
        self.hashes = hashes
        self.artifacts, self.asked, self.fetched = {}, [], []
        for name in TOP:
            self.add_key(name, CryptoSigner.generate_ed25519())
        self.publish("targets", "snapshot", "timestamp", "root")
        home = tempfile.TemporaryDirectory()
        self.home, self.dir = home, pathlib.Path(home.name)
        (self.dir / "metadata").mkdir()
        self.first_root = self.out["root"][0]

    root = property(lambda self: self.signed["root"])
    snapshot = property(lambda self: self.signed["snapshot"])
    targets = property(lambda self: self.signed["targets"])
    timestamp = property(lambda self: self.signed["timestamp"])

    def add_key(self, role, signer, delegator="root"):
        self.signed[delegator].add_key(signer.public_key, role)
        self.signers.setdefault(role, {})[signer.public_key.keyid] = signer

    def set_keys(self, role, keys, threshold, sigs):
        self.root.roles[role].keyids.clear()
        self.root.roles[role].threshold = threshold
        for key in keys:
            self.root.add_key(KEYS[key].public_key, role)
        self.signers[role] = {KEYS[key].public_key.keyid: KEYS[key] for key in sigs}

    def publish(self, *roles, bump=True):
        for role in roles:
            signed = self.signed[role]
            if role in self.out and bump:
                signed.version += 1
            metadata = Metadata(signed)
            for signer in self.signers[role].values():
                metadata.sign(signer, append=True)
            raw = metadata.to_bytes()
            self.out.setdefault(role, []).append(raw)
            meta = MetaFile.from_data(signed.version, raw, ["sha256"]) if self.hashes else MetaFile(signed.version)
            if role == "snapshot":
                self.timestamp.snapshot_meta = meta
            elif role not in TOP or role == "targets":
                self.snapshot.meta[f"{role}.json"] = meta

    def release(self):
        self.publish("targets", "snapshot", "timestamp")

    def delegate(self, delegator, name, **how):
        how.setdefault("paths", None if "path_hash_prefixes" in how else ["*"])
        role = DelegatedRole(name, [], 1, how.pop("terminating", False), **how)
        by = self.signed[delegator]
        by.delegations = by.delegations or Delegations({}, roles={})
        by.delegations.roles[name] = role
        if name not in self.signed:
            self.signed[name] = Targets(expires=LATER)
        self.add_key(name, CryptoSigner.generate_ed25519(), delegator)

    def artifact(self, role, path, data, hashes=("sha256",)):
        file = TargetFile.from_data(path, data, list(hashes))
        self.signed[role].targets[path] = file
        self.artifacts[path] = data
        return file

    def edit(self, role, change):
        """Changes what was published last without signing it."""
        file = json.loads(self.out[role][-1])
        change(file)
        self.out[role][-1] = json.dumps(file).encode()

    def answer(self, path):
        kind, _, rest = path.partition("/")
        if kind == "targets":
            name = unquote(rest)
            if self.root.consistent_snapshot:
                folder, slash, file = name.rpartition("/")
                digest, _, file = file.partition(".")
                name = folder + slash + file
                self.fetched.append((name, digest))
            return self.artifacts.get(name)
        name, version = rest.removesuffix(".json"), None
        if name != "timestamp" and (self.root.consistent_snapshot or name.endswith(".root")):
            version, _, name = name.partition(".")
        self.asked.append((name, version and int(version)))
        for raw in self.out.get(unquote(name), [])[::-1]:
            if version is None or json.loads(raw)["signed"]["version"] == int(version):
                return raw
        published = self.out.get(unquote(name), [])
        return published[int(version) - 1] if version and 0 < int(version) <= len(published) else None

    def run(self, *words):
        done = subprocess.run([*CLIENT, *map(str, words)], capture_output=True, timeout=60, check=False)
        self.said = (done.stdout + done.stderr).decode()
        return done.returncode

    def init(self):
        file = self.dir / "given"
        file.write_bytes(self.first_root)
        return self.run("--metadata-dir", self.dir / "metadata", "init", file)

    def refresh(self):
        return self.run("--metadata-url", f"{URL}/{id(self)}/metadata/", "--metadata-dir", self.dir / "metadata", "refresh")

    def download(self, name):
        return self.run(
            "--metadata-url", f"{URL}/{id(self)}/metadata/", "--metadata-dir", self.dir / "metadata", "--target-name", name,
            "--target-dir", self.dir / "targets", "--target-base-url", f"{URL}/{id(self)}/targets/", "download")

    def trusted(self):
        files = sorted((self.dir / "metadata").glob("*.json"))
        return {file.name[:-5]: json.loads(file.read_bytes())["signed"]["version"] for file in files}

    def downloaded(self):
        files = [file for file in (self.dir / "targets").rglob("*") if file.is_file()]
        return [file.read_bytes() for file in sorted(files, key=os.path.getmtime)]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        repository, _, path = self.path.lstrip("/").partition("/")
        data = OPEN[int(repository)].answer(path)
        self.send_response(404 if data is None else 200)
        self.send_header("Content-Length", str(len(data or b"")))
        self.end_headers()
        self.wfile.write(data or b"")

    def log_message(self, *_):
        pass


CASES = []


def case(*table):
    """A case for each row of the table, with a repository whose first root the client trusts already."""
    def register(function):
        CASES.extend((function, row) for row in table or [()])
        return function
    return register


def trusts(repository, **versions):
    assert repository.trusted() == versions, (repository.trusted(), versions)


@case((True,), (False,))
def basic(_, consistent):
    r = start(Repository(consistent))
    assert r.refresh() == 0
    plain = [("timestamp", None), ("snapshot", 1 if consistent else None), ("targets", 1 if consistent else None)]
    assert r.asked == [("root", 2), *plain], r.asked
    trusts(r, root=1, timestamp=1, snapshot=1, targets=1)
    for role in TOP:
        assert (r.dir / "metadata" / f"{role}.json").read_bytes() == r.out[role][-1], role


@case()
def download_refreshes_first(r):
    assert r.download("nothing") == 1
    assert r.asked == [("root", 2), ("timestamp", None), ("snapshot", 1), ("targets", 1)]
    trusts(r, root=1, timestamp=1, snapshot=1, targets=1)


@case(("version",), ("sig",))
def bad_first_root(_, what):
    r = Repository()
    root = json.loads(r.first_root)
    if what == "version":
        del root["signed"]["version"]
    else:
        root["signatures"][0]["sig"] = "00" * 64
    r.first_root = json.dumps(root).encode()
    OPEN[id(r)] = r
    r.init()
    assert r.refresh() == 1 and r.asked == []


@case(("root", ["root"]), ("timestamp", ["root"]), ("snapshot", ["root", "timestamp"]),
      ("targets", ["root", "timestamp", "snapshot"]))
def unsigned(r, role, trusted):
    r.signers[role].popitem()
    r.publish("root", "targets", "snapshot", "timestamp")
    assert r.refresh() == 1
    trusts(r, **{name: 1 if role == "root" else 2 for name in trusted})


@case(("root",), ("snapshot",), ("targets",))
def version_is_not_the_one_of_the_name(r, role):
    r.publish("root", "targets", "snapshot", "timestamp")
    r.edit(role, lambda file: None)
    r.signed[role].version += 5
    metadata = Metadata(r.signed[role])
    for signer in r.signers[role].values():
        metadata.sign(signer)
    r.out[role][-1] = metadata.to_bytes()
    assert r.refresh() == 1 and role not in {k for k, v in r.trusted().items() if v > 1}


@case(("root",), ("timestamp",), ("snapshot",), ("targets",))
def expired(r, role):
    assert r.refresh() == 0
    r.signed[role].expires = NOW - datetime.timedelta(days=1)
    r.publish("root", "targets", "snapshot", "timestamp")
    assert r.refresh() == 1
    # An expired root is kept, so that the next one can be reached from it; nothing else is.
    assert r.trusted()[role] == (2 if role == "root" else 1)


@case()
def timestamp_of_the_same_version_is_not_taken(r):
    assert r.refresh() == 0
    r.timestamp.snapshot_meta.version = 100
    r.publish("timestamp", bump=False)
    assert r.refresh() == 0 and r.asked[-1] == ("timestamp", None)
    trusts(r, root=1, timestamp=1, snapshot=1, targets=1)


@case((False,), (True,))
def rollbacks(_, hashes):
    r = start(Repository(hashes=hashes))
    r.release()
    assert r.refresh() == 0
    r.timestamp.version = 1
    r.publish("timestamp", bump=False)
    assert r.refresh() == 1 and r.asked[-1] == ("timestamp", None)
    r.timestamp.version, r.snapshot.version = 3, 1
    r.publish("snapshot", "timestamp", bump=False)
    assert r.refresh() == 1 and r.asked[-1] == ("timestamp", None)
    r.timestamp.version, r.snapshot.version, r.targets.version = 4, 3, 1
    r.publish("targets", "snapshot", "timestamp", bump=False)
    assert r.refresh() == 1
    trusts(r, root=1, timestamp=4, snapshot=2, targets=2)


@case()
def delegated_rollback(r):
    r.delegate("targets", "d")
    r.publish("d", "d", "targets", "snapshot", "timestamp")
    assert r.download("x") == 1 and r.trusted()["d"] == 2
    r.signed["d"].version = 1
    r.publish("d", bump=False)
    r.publish("snapshot", "timestamp")
    assert r.refresh() == 1 and r.trusted()["snapshot"] == 2


@case((["snapshot"],), (["snapshot", "timestamp"],), (["timestamp"],))
def fast_forward_recovery(r, roles):
    for name in ["timestamp"] if roles == ["timestamp"] else ["targets", "snapshot", "timestamp"]:
        r.signed[name].version = 1000
    r.release()
    assert r.refresh() == 0
    for role in roles:
        r.set_keys(role, [0], 1, [0])
    r.publish("root")
    for name in ["timestamp"] if roles == ["timestamp"] else ["targets", "snapshot", "timestamp"]:
        r.signed[name].version = 7
    r.publish("targets", "snapshot", "timestamp", bump=False)
    assert r.refresh() == 0, r.said
    assert r.trusted()["timestamp"] == 7


ROOTS = {
    "rotation": [([1], 1, [1]), ([2], 1, [2, 1]), ([2], 1, [2])],
    "foreign signatures": [([1], 1, [3, 1, 4]), ([2], 1, [3, 2, 1, 4]), ([2], 1, [3, 2, 4])],
    "other three of five": [([0, 1, 2, 3, 4], 3, [0, 2, 4]), ([0, 1, 2, 3, 4], 3, [4, 1, 0]), ([0, 1, 2, 3, 4], 3, [0, 1, 3])],
    "one of five changes": [([0, 1, 2, 3, 4], 3, [0, 2, 4]), ([0, 1, 3, 4, 5], 3, [0, 4, 1])],
    "in two steps": [([0, 1, 2, 3, 4], 3, [0, 2, 4]), ([0, 1, 3, 4, 5], 3, [0, 2, 4, 5]), ([0, 1, 3, 4, 5], 3, [0, 4, 5])],
    "all five change": [([0, 1, 2, 3, 4], 3, [0, 2, 4]), ([5, 6, 7, 8, 9], 3, [0, 2, 4, 5, 6, 7])],
    "threshold up": [([1, 2, 3], 1, [1]), ([1, 2, 3], 2, [1, 2])],
    "threshold down": [([1, 2, 3], 2, [1, 2]), ([1, 2, 3], 1, [1, 2]), ([1, 2, 3], 1, [1])],
    "no old key": [([1], 1, [1]), ([2], 1, [2, 3, 4]), None],
    "no new key": [([1], 1, [1]), ([2], 1, [1, 3, 4]), None],
    "too few new": [([0, 1, 2, 3, 4], 3, [0, 2, 4]), ([0, 1, 3, 4, 5], 3, [0, 2, 4]), None],
    "too few old": [([0, 1, 2, 3, 4], 3, [0, 2, 4]), ([0, 1, 3, 4, 5], 3, [0, 4, 5]), None],
    "new threshold not met": [([1, 2, 3], 1, [1]), ([1, 2, 3], 2, [2]), None],
    "old threshold not met": [([1, 2, 3], 2, [1, 2]), ([1, 2, 3], 1, [1]), None],
}


@case(*[(steps,) for steps in ROOTS.values()])
def root_chain(_, steps):
    r = Repository()
    good = steps[-1] is not None
    steps = [step for step in steps if step]
    del r.out["root"]
    for version, (keys, threshold, sigs) in enumerate(steps, 1):
        r.set_keys("root", keys, threshold, sigs)
        r.root.version = version
        r.publish("root", bump=False)
    r.first_root = r.out["root"][0]
    start(r)
    assert r.refresh() == (0 if good else 1), r.said
    assert (r.dir / "metadata/root.json").read_bytes() == r.out["root"][-1 if good else -2]


NON_ROOT = [
    ([2], 1, [2], 0), ([1], 1, [3, 1, 4], 0), ([2], 1, [1, 3, 4], 1), ([0, 1, 3, 4, 5], 3, [0, 2, 4], 1),
    ([0, 1, 3, 4, 5], 3, [0, 4], 1), ([0, 1, 2, 3, 4], 3, [0, 2, 4], 0), ([0, 1, 2, 3, 4], 3, [2, 3, 4], 0),
    ([0, 1, 2, 3, 4], 6, [0, 1, 2, 3, 4], 1),
]


@case(*[(role, *row) for role in ["timestamp", "snapshot", "targets"] for row in NON_ROOT])
def keys_of_a_role_change(r, role, keys, threshold, sigs, expected):
    assert r.refresh() == 0
    r.set_keys(role, keys, threshold, sigs)
    r.publish("root", "targets", "snapshot", "timestamp")
    assert r.refresh() == expected
    assert (r.trusted().get(role) == 2) == (expected == 0)


@case()
def a_key_twice_in_a_role_or_a_signature_twice(r):
    r.edit("snapshot", lambda file: file["signatures"].append(file["signatures"][0]))
    assert r.refresh() == 1 and "snapshot" not in r.trusted()


KINDS = {
    "pss": lambda: CryptoSigner.generate_rsa(),
    "pkcs1": lambda: CryptoSigner.generate_rsa(scheme="rsa-pkcs1v15-sha256"),
    "ecdsa": CryptoSigner.generate_ecdsa,
    "ed25519": CryptoSigner.generate_ed25519,
}


@case(*[(kind,) for kind in KINDS])
def key_kinds(r, kind):
    signer = KINDS[kind]()
    r.add_key("root", signer)
    r.root.roles["root"].threshold = 2
    r.publish("root")
    assert r.refresh() == 0 and r.trusted()["root"] == 2, r.said
    r.publish("root")
    keyid = signer.public_key.keyid
    def spoil(file):
        for one in file["signatures"]:
            if one["keyid"] == keyid:
                one["sig"] = one["sig"][:-2] + ("00" if one["sig"][-2:] != "00" else "01")
    r.edit("root", spoil)
    assert r.refresh() == 1 and r.trusted()["root"] == 2


@case(("00" * 64,), ("",), ("xyz",))
def a_bad_signature_beside_enough_good_ones(r, sig):
    r.add_key("timestamp", KEYS[0])
    r.publish("root", "timestamp")
    r.edit("timestamp", lambda file: file["signatures"][0].update(sig=sig))
    assert r.refresh() == 0, r.said


@case()
def hashes_and_lengths_of_metadata(_):
    r = start(Repository(hashes=True))
    r.release()
    assert r.refresh() == 0
    r.publish("targets")
    r.snapshot.meta["targets.json"].hashes["sha256"] = "00" * 32
    r.publish("snapshot", "timestamp")
    assert r.refresh() == 1
    trusts(r, root=1, timestamp=3, snapshot=3, targets=2)


@case(("timestamp", 2), ("snapshot", 1), ("targets", 1))
def missing_files(r, role, timestamp):
    assert r.refresh() == 0
    if role == "timestamp":
        del r.out[role]
    elif role == "snapshot":
        r.timestamp.snapshot_meta.version += 1
        r.publish("timestamp")
    else:
        r.snapshot.meta["targets.json"].version += 1
        r.publish("snapshot", "timestamp")
    assert r.refresh() == 1 and r.trusted().get(role) == 1


@case()
def wrong_type(r):
    r.add_key("snapshot", next(iter(r.signers["timestamp"].values())))
    r.snapshot.meta = {"snapshot.json": MetaFile(1)}
    r.publish("root", "snapshot")
    r.out["timestamp"].append(r.out["snapshot"].pop())
    assert r.refresh() == 1
    trusts(r, root=2)


@case()
def unknown_fields(r):
    r.root.unrecognized_fields["custom"] = {"a": [1, None, "é\n"]}
    r.root.roles["root"].unrecognized_fields["another"] = "value"
    key = CryptoSigner.generate_ed25519()
    key.public_key.unrecognized_fields = {"keyid_hash_algorithms": "md5"}
    r.add_key("snapshot", key)
    r.publish("root", "snapshot", "timestamp")
    assert r.refresh() == 0 and r.trusted()["root"] == 2


# Delegations as (from, to, options), and the roles that a search for a name that nobody lists asks for.
GRAPHS = [
    ([("targets", "A")], "A"),
    ([("targets", "A"), ("targets", "B"), ("B", "C")], "ABC"),
    ([("targets", "A"), ("targets", "B"), ("A", "C"), ("A", "D")], "ACDB"),
    ([("targets", "A"), ("targets", "B"), ("A", "C"), ("C", "D")], "ACDB"),
    ([("targets", "A"), ("targets", "B"), ("A", "C", "end"), ("A", "D")], "AC"),
    ([("targets", "A"), ("targets", "B"), ("A", "C", "end"), ("C", "D")], "ACD"),
    ([("targets", "A", "*.py"), ("targets", "B"), ("A", "C")], "B"),
    ([("targets", "A"), ("targets", "B"), ("A", "C", "*.py"), ("C", "D")], "AB"),
    ([("targets", "A"), ("targets", "B"), ("B", "C"), ("C", "D"), ("D", "B")], "ABCD"),
    ([("targets", "A"), ("targets", "B"), ("B", "C"), ("A", "C")], "ACB"),
    ([("targets", "A"), ("targets", "B"), ("B", "C"), ("A", "C", "*.py")], "ABC"),
    ([("targets", "A", "end"), ("targets", "B")], "A"),
]


@case(*GRAPHS)
def graphs(r, edges, order):
    for by, name, *option in edges:
        how = {"terminating": True} if option == ["end"] else {"paths": option or ["*"]}
        r.delegate(by, name, **how)
    r.publish(*{name for _, name, *_ in edges}, "targets", "snapshot", "timestamp")
    assert r.download("missing") == 1
    assert "".join(name for name, _ in r.asked[4:]) == order, r.asked


@case(("file", "", True), ("README.md", "A", True), ("releases/x/x_v1", "BC", True), ("releases/y/y_v1.zip", "BD", True),
      ("releases/z/z_v1.zip", "B", False))
def search(r, name, order, found):
    r.delegate("targets", "A", paths=["*.doc", "*.md"])
    r.delegate("targets", "B", paths=["releases/*/*"])
    r.delegate("B", "C", paths=["releases/x/*"])
    r.delegate("B", "D", paths=["releases/y/*.zip"])
    for role, path in [("targets", "file"), ("A", "README.md"), ("C", "releases/x/x_v1"), ("D", "releases/y/y_v1.zip"),
                       ("D", "releases/z/z_v1.zip")]:
        r.artifact(role, path, f"{path} by {role}".encode())
    r.publish("A", "B", "C", "D", "targets", "snapshot", "timestamp")
    assert r.download(name) == (0 if found else 1), r.said
    assert r.downloaded() == ([r.artifacts[name]] if found else [])
    assert "".join(role for role, _ in r.asked[4:]) == order
    # What is on disk is not fetched again.
    before = len(r.fetched)
    r.download(name)
    assert len(r.fetched) == before and "".join(role for role, _ in r.asked[6 + len(order):]) == ""


@case(("prefix",), ("bins",))
def by_hash(r, how):
    names = [f"files/{number}" for number in range(6)]
    digest = lambda name: hashlib.sha256(name.encode()).hexdigest()
    if how == "prefix":
        for digit in "0123456789abcdef":
            r.delegate("targets", f"h{digit}", path_hash_prefixes=[digit])
        role = lambda name: f"h{digest(name)[0]}"
    else:
        bins = SuccinctRoles([], 1, 5, "bin")
        r.targets.delegations = Delegations({}, None, bins)
        signer = CryptoSigner.generate_ed25519()
        r.targets.add_key(signer.public_key)
        for name in bins.get_roles():
            r.signed[name] = Targets(expires=LATER)
            r.signers[name] = {signer.public_key.keyid: signer}
        role = bins.get_role_for_target
    for name in names:
        r.artifact(role(name), name, name.encode())
    r.publish(*[name for name in r.signed if name not in TOP], "targets", "snapshot", "timestamp")
    for name in names:
        assert r.download(name) == 0, r.said
        assert r.asked[-1][0] in (role(name), "timestamp")
    assert sorted(r.downloaded()) == sorted(name.encode() for name in names)


@case(("?",), ("#",), ("/role",), ("../role",), ("a b",), ("é",), ("..",), ("x" * 150,))
def odd_role_names(r, name):
    r.delegate("targets", name)
    r.publish(name, "targets", "snapshot", "timestamp")
    assert r.download("nothing") == 1
    assert (quote(name, ""), 1) in r.asked, r.asked
    assert len(r.trusted()) == 5
    assert {entry.name for entry in r.dir.iterdir()} <= {"metadata", "targets", "given"}


@case(("path/to/a/file.txt",), ("a b.txt",), ("%2e",), ("é",), ("x" * 240,))
def odd_target_names(r, name):
    r.artifact("targets", name, b"content")
    r.release()
    assert r.download(name) == 0, r.said
    assert r.downloaded() == [b"content"]


@case(("signature",), ("expired",), ("unannounced",), ("missing",))
def delegated_role_that_cannot_be_used(r, what):
    r.delegate("targets", "d", paths=["d/*"])
    r.artifact("d", "d/file", b"content")
    r.artifact("targets", "file", b"own")
    if what == "signature":
        r.signers["d"] = {KEYS[0].public_key.keyid: KEYS[0]}
    if what == "expired":
        r.signed["d"].expires = NOW - datetime.timedelta(days=1)
    r.publish("d", "targets")
    if what == "unannounced":
        del r.snapshot.meta["d.json"]
    if what == "missing":
        del r.out["d"]
    r.publish("snapshot", "timestamp")
    assert r.refresh() == 0 and r.download("d/file") == 1 and r.download("file") == 0
    assert r.downloaded() == [b"own"]
    trusts(r, root=1, timestamp=2, snapshot=2, targets=2)


@case((["sha256"],), (["sha512"],), (["sha256", "sha512"],))
def kinds_of_hashes(r, hashes):
    file = r.artifact("targets", "file.txt", b"content", hashes)
    r.release()
    assert r.download("file.txt") == 0, r.said
    assert r.downloaded() == [b"content"]
    assert len(r.fetched) == 1 and r.fetched[0][1] in file.hashes.values()
    assert r.download("file.txt") == 0 and len(r.fetched) == 1


@case()
def unknown_hash(r):
    file = r.artifact("targets", "file.txt", b"content")
    file.hashes = {"unknown": file.hashes["sha256"]}
    r.release()
    assert r.download("file.txt") == 1 and r.downloaded() == []


@case((b"malicious data that is longer",), (b"CONTENT",), (b"con",), (None,))
def substituted_targets(r, instead):
    r.artifact("targets", "one", b"content")
    r.artifact("targets", "two", b"content")
    r.release()
    assert r.download("one") == 0
    r.artifacts["one"] = r.artifacts["two"] = instead
    assert r.download("one") == 0 and r.download("two") == 1
    assert r.downloaded() == [b"content"]


@case()
def a_target_changes(r):
    for number in range(3):
        content = f"content {number}".encode()
        r.artifact("targets", "file", content)
        r.release()
        assert r.download("file") == 0 and r.downloaded() == [content]


def start(repository):
    OPEN[id(repository)] = repository
    assert repository.init() == 0, repository.said
    return repository


def main():
    failed = 0
    for function, row in CASES:
        repository = start(Repository())
        try:
            function(repository, *row)
        except Exception:
            failed += 1
            print(f"FAILED {function.__name__} {row}\n{traceback.format_exc(limit=-1)}")
        OPEN.clear()
    print(f"{len(CASES) - failed} of {len(CASES)} cases passed")
    return 1 if failed else 0


CLIENT = sys.argv[1:]
OPEN = {}
SERVER = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
URL = f"http://127.0.0.1:{SERVER.server_port}"
threading.Thread(target=SERVER.serve_forever, daemon=True).start()
sys.exit(main())
