"""A metadata server for one machine: a tree of values as Google's server shows it, and guest attributes that it takes.

Started with the tree as a JSON file, and a file with the startup script. Paths and parameters: cloud.google.com/compute/docs/metadata/querying-metadata; what OS Login
asks for: GoogleCloudPlatform/guest-oslogin, src/oslogin_utils.cc.
"""

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

ROOT = "/computeMetadata/v1/"
tree = json.load(open(sys.argv[1]))
tree["instance"]["attributes"]["startup-script"] = open(sys.argv[2]).read()
users = tree.pop("oslogin")


def names(path: str) -> list[str]:
    return [name for name in path.removeprefix(ROOT).split("/") if name]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status: int, body: str = "") -> None:
        data = body.encode()
        self.send_response(status)
        self.send_header("Metadata-Flavor", "Google")
        self.send_header("ETag", "1")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if self.headers.get("Metadata-Flavor") != "Google":
            return self.answer(403)
        if names(url.path)[:1] == ["oslogin"]:
            return self.os_login(query)
        if query.get("wait_for_change") == "true":
            # Nothing ever changes here.
            time.sleep(float(query.get("timeout_sec", "300")))
        value = tree
        for name in names(url.path):
            if not isinstance(value, dict) or name not in value:
                return self.answer(404)
            value = value[name]
        if isinstance(value, dict):
            self.answer(200, json.dumps(value) if query.get("recursive") == "true" else "\n".join(value))
        else:
            self.answer(200, str(value))

    def do_PUT(self) -> None:
        *path, key = names(self.path)
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        node = tree
        for name in path:
            node = node.setdefault(name, {})
        node[key] = body
        self.answer(200)

    def os_login(self, query: dict[str, str]) -> None:
        if "policy" in query:
            granted = any(query.get("email") == user["name"] and query["policy"] in user["granted"] for user in users)
            return self.answer(200, json.dumps({"success": granted}))
        known = [user for user in users if query.get("username") == user["posixAccounts"][0]["username"]]
        if known:
            self.answer(200, json.dumps({"loginProfiles": known}))
        else:
            self.answer(404)


ThreadingHTTPServer(("169.254.169.254", 80), Handler).serve_forever()
