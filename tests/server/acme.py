"""An authority for certificates on this machine, which speaks ACME (RFC 8555) with certbot.

It asks for the proof on port 80, as the real one does, and signs with a key that nobody trusts.
Signatures of the account are not checked.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests

TOKEN = urlsafe_b64encode(b"of the only order").decode().rstrip("=")


class Authority(ThreadingHTTPServer):
    """The authority; it knows one account and one order, the last."""

    def __init__(self, folder: Path) -> None:
        """Make the key with which it signs."""
        super().__init__(("127.0.0.1", 0), _Answers)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.folder = folder
        self.thumbprint = ""
        self.names: list[dict[str, str]] = []
        self.proof = "pending"
        self.signed = 0
        key = ["-newkey", "rsa:2048", "-nodes", "-keyout", f"{folder}/ca.key"]
        subject = ["-subj", "/CN=An authority of a test", "-out", f"{folder}/ca.pem"]
        _openssl("req", "-x509", *key, *subject)

    def prove(self) -> None:
        """Fetch the proof from port 80, by the name that is asked for."""
        url = f"http://127.0.0.1/.well-known/acme-challenge/{TOKEN}"
        answer = requests.get(url, headers={"Host": self.names[0]["value"]}, timeout=10)
        is_right = answer.text.strip() == f"{TOKEN}.{self.thumbprint}"
        self.proof = "valid" if is_right else "invalid"

    def sign(self, request: bytes) -> None:
        """Make a certificate from a request."""
        assert self.proof == "valid"
        (self.folder / "request.der").write_bytes(request)
        asked = ["-req", "-inform", "DER", "-in", f"{self.folder}/request.der", "-days", "90"]
        by = ["-CA", f"{self.folder}/ca.pem", "-CAkey", f"{self.folder}/ca.key", "-CAcreateserial"]
        to = ["-copy_extensions", "copyall", "-out", f"{self.folder}/signed.pem"]
        _openssl("x509", *asked, *by, *to)
        self.signed += 1

    def chain(self) -> bytes:
        """The last certificate, and that of the authority."""
        return b"".join((self.folder / name).read_bytes() for name in ("signed.pem", "ca.pem"))


def _openssl(*words: str) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True)


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _thumbprint(key: dict[str, str]) -> str:
    members = {name: key[name] for name in ("e", "kty", "n")}
    text = json.dumps(members, sort_keys=True, separators=(",", ":"))
    return urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


class _Answers(BaseHTTPRequestHandler):
    """What the authority says."""

    server: Authority

    def do_GET(self) -> None:
        """The list of addresses."""
        url = self.server.url
        names = ("newNonce", "newAccount", "newOrder", "revokeCert", "keyChange")
        self._answer(200, {name: f"{url}/{name}" for name in names})

    do_HEAD = do_GET

    def do_POST(self) -> None:
        """One step towards a certificate."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        protected = json.loads(_decoded(body["protected"]))
        payload = json.loads(_decoded(body["payload"]) or b"{}")
        authority, url = self.server, self.server.url
        match self.path:
            case "/newAccount":
                authority.thumbprint = _thumbprint(protected["jwk"])
                self._answer(201, {"status": "valid"}, Location=f"{url}/account")
            case "/newOrder":
                authority.names, authority.proof = payload["identifiers"], "pending"
                self._answer(201, self._order("pending"), Location=f"{url}/order")
            case "/authorization":
                self._answer(200, self._authorization())
            case "/challenge":
                authority.prove()
                link = f'<{url}/authorization>;rel="up"'
                self._answer(200, self._authorization()["challenges"][0], Link=link)
            case "/finalize":
                authority.sign(_decoded(payload["csr"]))
                self._answer(200, self._order("valid"), Location=f"{url}/order")
            case "/order":
                self._answer(200, self._order("valid"))
            case "/certificate":
                self._send(
                    200, authority.chain(), {"Content-Type": "application/pem-certificate-chain"}
                )
            case _:
                self._answer(404, {"type": "urn:ietf:params:acme:error:malformed"})

    def _order(self, status: str) -> dict[str, Any]:
        url = self.server.url
        order = {"status": status, "identifiers": self.server.names}
        addresses = {"authorizations": [f"{url}/authorization"], "finalize": f"{url}/finalize"}
        return {**order, **addresses, "certificate": f"{url}/certificate"}

    def _authorization(self) -> dict[str, Any]:
        status = self.server.proof
        challenge = {"type": "http-01", "url": f"{self.server.url}/challenge", "token": TOKEN}
        challenges = [{**challenge, "status": status}]
        return {"status": status, "identifier": self.server.names[0], "challenges": challenges}

    def _answer(self, status: int, said: dict[str, Any], **headers: str) -> None:
        self._send(
            status, json.dumps(said).encode(), {"Content-Type": "application/json", **headers}
        )

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Replay-Nonce", "bm9uY2U")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is written down."""


@contextmanager
def authority(folder: Path) -> Iterator[Authority]:
    """An authority that listens on this machine."""
    with Authority(folder) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
