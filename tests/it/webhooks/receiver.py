"""A receiver of webhooks that checks everything with the published library, and misbehaves as told.

The path says how: /<behaviour>/<endpoint>. One JSON line per request goes to standard output, the
port first. The file of keys, read at every request, names the secrets and public keys of each
endpoint; it must hold nothing else.

    receiver.py KEYS_FILE ADDRESS [CERTIFICATE KEY]
"""

import base64
import collections
import http.server
import json
import ssl
import sys
import threading
import time

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from second_verifier import ed25519

SLOW_S = 5
ATTEMPTS_THAT_FAIL = 2

attempts = collections.Counter()
lock = threading.Lock()


def accepted_by_library(secret, body, headers):
    """The library's own answer; it knows v1 only and skips what it does not know."""
    try:
        return Webhook(secret).verify(body, headers) == json.loads(body)
    except WebhookVerificationError:
        return False


def accepted_with_public_key(public, body, headers):
    """v1a, by the second verifier's Ed25519, from the text of the specification."""
    key = base64.b64decode(public.removeprefix("whpk_"))
    moment, message_id = headers["webhook-timestamp"], headers["webhook-id"]
    signed = f"{message_id}.{moment}.".encode() + body
    found = [one.split(",", 1) for one in headers["webhook-signature"].split(" ")]
    return any(
        version == "v1a" and ed25519.verify(key, signed, base64.b64decode(signature))
        for version, signature in found
    )


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        _, behaviour, endpoint = self.path.split("/", 2)
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        with open(sys.argv[1]) as file:
            keys = json.load(file)[endpoint]
        message_id = self.headers["webhook-id"]
        with lock:
            attempts[endpoint, message_id] += 1
            attempt = attempts[endpoint, message_id]
        # Curves in Python are slow; a receiver that is late by itself would show nothing.
        public = keys["public"] if behaviour == "ok" else []
        line = {
            "behaviour": behaviour,
            "endpoint": endpoint,
            "id": message_id,
            "attempt": attempt,
            "bytes": len(body),
            "type": self.headers["content-type"],
            "v1": [accepted_by_library(one, body, headers) for one in keys["secrets"]],
            "v1a": [accepted_with_public_key(one, body, headers) for one in public],
            "changed": [accepted_by_library(one, body + b" ", headers) for one in keys["secrets"]],
            "event": json.loads(body),
        }
        # Said before it is answered: what a receiver has seen counts, whatever the sender hears.
        with lock:
            print(json.dumps(line), flush=True)
        getattr(self, behaviour)(attempt)

    def answer(self, status, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-length", "0")
        self.end_headers()

    def ok(self, _attempt):
        self.answer(204)

    def flaky(self, attempt):
        if attempt > ATTEMPTS_THAT_FAIL:
            self.answer(200)
        else:
            self.answer(503, retry_after="0")

    def dead(self, _attempt):
        self.answer(500)

    def gone(self, _attempt):
        self.answer(410)

    def redirect(self, _attempt):
        self.answer(307, location="/trap/redirect")

    def trap(self, _attempt):
        self.answer(200)

    def slow(self, _attempt):
        time.sleep(SLOW_S)
        self.answer(200)

    def half(self, _attempt):
        self.close_connection = True

    def noise(self, _attempt):
        self.wfile.write(b"\x00\xff not http at all\r\n\r\n" * 10)
        self.close_connection = True

    def endless(self, _attempt):
        """A head that never ends."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        try:
            for _ in range(10_000):
                self.wfile.write(b"x-more: " + b"x" * 1_000 + b"\r\n")
        except OSError:
            pass
        self.close_connection = True

    def log_message(self, *_):
        pass


def handle_error(_request, _address):
    """A sender may hang up; that is its right."""


server = http.server.ThreadingHTTPServer((sys.argv[2], 0), Receiver)
server.daemon_threads = True
server.handle_error = handle_error
if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[3], sys.argv[4])
    server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
