"""An HTTP receiver of webhooks that does what a test says: answers, is late, hangs, redirects, speaks TLS."""

import http.server
import json
import ssl
import subprocess
import threading

HANG = "hang"


class Receiver:
    """Listens in namespace `role`. `answers` says what is done about one request after the other, the last one for
    all that follow: a status, HANG, or (seconds to wait, status)."""

    def __init__(self, lab, role, address, answers=(204,), tls=None):
        self._answers = list(answers)
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self.requests = []   # (path, headers, body), also of those that were not answered well
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                receiver._serve(self)

            def log_message(self, *_):
                """The test asks `requests` instead."""

        with lab.inside(role):
            self._server = http.server.ThreadingHTTPServer((address, 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None   # clients that give up
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True,
                                                      do_handshake_on_connect=False)
        self.url = f"{'https' if tls else 'http'}://{address}:{self._server.server_address[1]}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def _serve(self, handler):
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        with self._lock:
            answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
            self.requests.append((handler.path, handler.headers, body))
        if answer == HANG:
            self._stopped.wait()
            return
        if isinstance(answer, tuple):
            self._stopped.wait(answer[0])
            answer = answer[1]
        handler.send_response(answer)
        if 300 <= answer < 400:
            handler.send_header("Location", f"{self.url}/elsewhere")
        handler.send_header("Content-Length", "0")
        handler.send_header("Connection", "close")
        handler.end_headers()

    def events(self):
        with self._lock:
            return [json.loads(body) for _, _, body in self.requests]

    def told(self):
        """(event, address) of each request."""
        return [(event["event"], event["ip"]) for event in self.events()]

    def stop(self):
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()


class Authority:
    """A certificate authority of the test's own."""

    def __init__(self, directory):
        self._directory = directory
        self.certificate = directory / "ca.pem"
        self._key = directory / "ca.key"
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                      "-subj", "/CN=test authority", "-keyout", self._key, "-out", self.certificate)

    def issue(self, name, address):
        """(certificate, key) of a server at that address."""
        request, certificate, key = (self._directory / f"{name}.{kind}" for kind in ("csr", "pem", "key"))
        extensions = self._directory / f"{name}.ext"
        extensions.write_text(f"subjectAltName=IP:{address}\n")
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}",
                      "-keyout", key, "-out", request)
        self._openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self._key, "-CAcreateserial",
                      "-days", "2", "-extfile", extensions, "-out", certificate)
        return certificate, key

    @staticmethod
    def _openssl(*words):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, timeout=30)
