"""Reads what /metrics says as Prometheus would, holds the names against its rules, and the rules of alerts against the names.

read.py [RULES] < METRICS    prints the samples as JSON: `name{label=value,…}` and the value
"""

import json
import re
import sys

import yaml
from prometheus_client.openmetrics.parser import text_string_to_metric_families

UNITS = ("seconds", "bytes")
NOT_BASE = ("milliseconds", "minutes", "hours", "days", "kilobytes", "megabytes", "percent", "ms")
# More series of one name than this would be labels without bounds.
SERIES = 400


def main():
    families = list(text_string_to_metric_families(sys.stdin.read()))
    samples, names = {}, set()
    for family in families:
        name = family.name
        names.add(name)
        if not name.startswith("netlink_") or not re.fullmatch(r"[a-z_]+", name):
            raise SystemExit(f"{name} is no good name")
        if len(family.documentation) < 10 or not family.documentation.endswith("."):
            raise SystemExit(f"{name} says nothing of itself: {family.documentation!r}")
        if family.type not in ("counter", "gauge", "histogram"):
            raise SystemExit(f"{name} is of the type {family.type}")
        if any(part in name.split("_") for part in NOT_BASE):
            raise SystemExit(f"{name} is not in a base unit")
        if family.unit and family.unit not in UNITS:
            raise SystemExit(f"{name} is in {family.unit}")
        if family.type != "counter" and name.endswith(("_total", "_count", "_sum", "_bucket")):
            raise SystemExit(f"{name} is called like what it is not")
        if len(family.samples) > SERIES:
            raise SystemExit(f"{name} has {len(family.samples)} series")
        for sample in family.samples:
            names.add(sample.name)
            labels = ",".join(f"{key}={value}" for key, value in sorted(sample.labels.items()))
            samples[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    rules = []
    for path in sys.argv[1:]:
        with open(path) as file:
            rules += [rule for group in yaml.safe_load(file)["groups"] for rule in group["rules"]]
    for rule in rules:
        used = re.findall(r"\bnetlink_[a-z_]+", rule["expr"])
        unknown = [name for name in used if name not in names]
        if not used or unknown:
            raise SystemExit(f"{rule['alert']} asks for {unknown or 'nothing'}")
    print(json.dumps(samples))


main()
