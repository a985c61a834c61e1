"""Certificates made by openssl(1), and a SIP client over Python's ssl."""

import pathlib
import ssl
import subprocess

from . import sip


def _openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, timeout=30)


def certificate(folder, name, *names, issuer=None):
    """Paths of a P-256 certificate and its key; `name` is the file's, the first of `names` the subject's.

    Without an issuer (another such pair) it is a root that signed itself.
    """
    paths = pathlib.Path(folder) / f"{name}.pem", pathlib.Path(folder) / f"{name}.key"
    kind = ["-CA", issuer[0], "-CAkey", issuer[1], "-addext", "basicConstraints=critical,CA:FALSE",
            "-addext", "subjectAltName=" + ",".join(f"DNS:{n}" for n in names)] if issuer else []
    _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", f"/CN={names[0]}", "-out", paths[0], "-keyout", paths[1], *kind)
    return paths


class TlsClient(sip.Client):
    """A SIP client over TLS. Raises ssl.SSLError or ConnectionError when it is not let in."""

    def __init__(self, address, target, name="sip.example.com", authority=None, own=None, version=None, session=None,
                 timeout=5.0):
        super().__init__("tcp", address, target, timeout)
        self._transport = "tls"
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if authority:
            context.load_verify_locations(authority)
        else:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if own:
            context.load_cert_chain(*own)
        if version:
            context.minimum_version = context.maximum_version = version
        try:
            self._socket = context.wrap_socket(self._socket, server_hostname=name, session=session)
        except OSError:
            self._socket.close()
            raise

    def receive(self, seconds):
        try:
            return super().receive(seconds)
        except (ConnectionError, ssl.SSLError):
            return b""

    def subject(self):
        """The first name of the server's certificate; only with an authority."""
        return self._socket.getpeercert()["subjectAltName"][0][1]

    def version(self):
        return self._socket.version()
