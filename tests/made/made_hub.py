"""A stand-in of the Hugging Face hub on this machine: repositories of models, in memory, by the hub's HTTP API."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from huggingface_hub import constants

Files = dict[str, bytes]


@dataclass
class Repository:
    private: bool = False
    refs: dict[str, str] = field(default_factory=dict)  # branch or tag -> commit
    commits: dict[str, Files] = field(default_factory=dict)

    def commit(self, branch: str, files: Files) -> str:
        before = self.commits.get(self.refs.get(branch, ""), {})
        after = before | files
        digest = hashlib.sha1(
            repr(sorted((name, hashlib.sha1(data).digest()) for name, data in after.items())).encode()
        )
        sha = digest.hexdigest()
        self.commits[sha], self.refs[branch] = after, sha
        return sha

    def files(self, revision: str) -> tuple[str, Files] | None:
        sha = self.refs.get(revision, revision)
        return (sha, self.commits[sha]) if sha in self.commits else None


@dataclass
class Hub:
    """What it holds, and how it misbehaves."""

    repositories: dict[str, Repository] = field(default_factory=dict)
    stored: Files = field(default_factory=dict)  # large files by SHA-256, before they are in a commit
    truncated: set[str] = field(default_factory=set)  # names of files of which half comes, under their whole length
    garbled: set[str] = field(default_factory=set)  # names of files whose last byte comes changed
    refuses_writes: bool = False
    asked: list[str] = field(default_factory=list)
    address: str = ""

    @property
    def sent(self) -> list[str]:
        """Names of the files that were sent whole or in part."""
        return [path.rpartition("/")[2] for path in self.asked if path.startswith("GET ") and "/resolve/" in path]


def _handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            parts = self._parts()
            match parts:
                case ["api", "models", user, name, "revision", revision]:
                    if (found := self._files(user, name, revision)) is not None:
                        self._json({"id": f"{user}/{name}", "sha": found[0], "siblings": [], "tags": []})
                case ["api", "models", user, name]:
                    if (found := self._files(user, name, "main")) is not None:
                        self._json({"id": f"{user}/{name}", "sha": found[0], "siblings": [], "tags": []})
                case ["api", "models", user, name, "tree", revision, *_]:
                    if (found := self._files(user, name, revision)) is not None:
                        self._json([_entry(path, data) for path, data in found[1].items()])
                case [user, name, "resolve", revision, *path]:
                    self._send_file(user, name, revision, "/".join(path))
                case _:
                    self._error(404, "EntryNotFound")

        do_HEAD = do_GET

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            parts = self._parts()
            if hub.refuses_writes:
                self._error(403, None)
                return
            match parts:
                case ["api", "validate-yaml"]:
                    self._json({"errors": [], "warnings": []})
                case ["api", "repos", "create"]:
                    asked = json.loads(body)
                    repo = f"{asked['organization']}/{asked['name']}"
                    if repo in hub.repositories:
                        self._error(409, None, f"{hub.address}/{repo}")
                        return
                    hub.repositories[repo] = Repository(private=asked.get("visibility") == "private")
                    hub.repositories[repo].commit("main", {".gitattributes": b"*.safetensors filter=lfs\n"})
                    self._json({"url": f"{hub.address}/{repo}"})
                case ["api", "models", user, name, "branch", branch]:
                    repository = hub.repositories[f"{user}/{name}"]
                    if branch in repository.refs:
                        self._error(409, None)
                        return
                    repository.refs[branch] = repository.refs["main"]
                    self._json({})
                case ["api", "models", _, _, "preupload", _]:
                    files = json.loads(body)["files"]
                    modes = [("lfs" if one["path"].endswith(".safetensors") else "regular", one) for one in files]
                    self._json(
                        {
                            "files": [
                                {"path": one["path"], "uploadMode": mode, "shouldIgnore": False} for mode, one in modes
                            ]
                        }
                    )
                case [user, name, "info", "lfs", "objects", "batch"]:
                    objects = json.loads(body)["objects"]
                    upload = lambda oid: {"upload": {"href": f"{hub.address}/stored/{oid}", "header": {}}}  # noqa: E731
                    self._json(
                        {"transfer": "basic", "objects": [one | {"actions": upload(one["oid"])} for one in objects]}
                    )
                case ["api", "models", user, name, "commit", branch]:
                    lines = [json.loads(line) for line in body.splitlines()]
                    files = {}
                    for line in lines:
                        value = line["value"]
                        if line["key"] == "file":
                            files[value["path"]] = base64.b64decode(value["content"])
                        elif line["key"] == "lfsFile":
                            files[value["path"]] = hub.stored[value["oid"]]
                    sha = hub.repositories[f"{user}/{name}"].commit(branch, files)
                    self._json({"commitUrl": f"{hub.address}/{user}/{name}/commit/{sha}", "commitOid": sha})
                case _:
                    self._error(404, None)

        def do_PUT(self) -> None:
            data = self.rfile.read(int(self.headers["Content-Length"]))
            self._parts()
            assert hashlib.sha256(data).hexdigest() == self.path.rpartition("/")[2]
            hub.stored[hashlib.sha256(data).hexdigest()] = data
            self._json({})

        def _parts(self) -> list[str]:
            path = unquote(urlsplit(self.path).path)
            hub.asked.append(f"{self.command} {path}")
            return path.strip("/").replace(".git/", "/").split("/")

        def _files(self, user: str, name: str, revision: str) -> tuple[str, Files] | None:
            repository = hub.repositories.get(f"{user}/{name}")
            if repository is None:
                self._error(401, "RepoNotFound")
                return None
            if (found := repository.files(revision)) is None:
                self._error(404, "RevisionNotFound")
            return found

        def _send_file(self, user: str, name: str, revision: str, path: str) -> None:
            if (found := self._files(user, name, revision)) is None:
                return
            sha, files = found
            if path not in files:
                self._error(404, "EntryNotFound")
                return
            data = sent = files[path]
            if path in hub.truncated:
                sent = data[: len(data) // 2]
            if path in hub.garbled:
                sent = data[:-1] + bytes([data[-1] ^ 1])
            first = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").split("-")[0])
            self.send_response(206 if first else 200)
            self.send_header("ETag", f'"{_etag(path, data)}"')
            self.send_header("X-Repo-Commit", sha)
            self.send_header("Accept-Ranges", "bytes")
            if first:
                self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
            self.send_header("Content-Length", str(len(data) - first))
            if path in hub.truncated:
                self.send_header("Connection", "close")
                self.close_connection = True
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(sent[first:])

        def _json(self, value: object) -> None:
            data = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        def _error(self, status: int, code: str | None, url: str = "") -> None:
            self.send_response(status)
            if code is not None:
                self.send_header("X-Error-Code", code)
            data = json.dumps({"error": code or "refused", "url": url}).encode()
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

    return Handler


def _etag(path: str, data: bytes) -> str:
    return hashlib.sha256(data).hexdigest() if path.endswith(".safetensors") else hashlib.sha1(data).hexdigest()


def _entry(path: str, data: bytes) -> dict[str, object]:
    entry: dict[str, object] = {"type": "file", "path": path, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
    if path.endswith(".safetensors"):
        entry["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
    return entry


@contextmanager
def hub_on_this_machine(monkeypatch: pytest.MonkeyPatch, home: Path) -> Iterator[Hub]:
    """It runs in a thread of this process until the block ends. home: of the cache and the token."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub))
    server.daemon_threads = True
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    monkeypatch.setenv("HF_ENDPOINT", hub.address)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(home / "token"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", True)
    monkeypatch.setenv("HF_TOKEN", "of-nobody")
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
