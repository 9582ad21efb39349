"""Reads a repository with the client of PyPI's `tuf`: these targets of it, else every one that its top-level role lists, from its first root on.

    python ngclient.py REPOSITORY INTO [TARGET...]
"""

import functools
import json
import pathlib
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

from tuf.ngclient import Updater

repository, into = (pathlib.Path(word) for word in sys.argv[1:3])


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=repository))
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}"
for folder in ["metadata", "targets"]:
    (into / folder).mkdir(parents=True)
updater = Updater(
    metadata_dir=str(into / "metadata"), metadata_base_url=f"{url}/metadata/", target_dir=str(into / "targets"),
    target_base_url=f"{url}/targets/", bootstrap=(repository / "root.json").read_bytes())
updater.refresh()
names = sys.argv[3:] or json.loads((into / "metadata/targets.json").read_bytes())["signed"]["targets"]
for name in names:
    target = updater.get_targetinfo(name)
    assert target is not None, name
    updater.download_target(target)
    print("downloaded", name)
assert names
