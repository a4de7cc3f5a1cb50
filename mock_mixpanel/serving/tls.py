"""Certificates, for clients that require https or Mixpanel's own host names.

A certificate is given as files, or made for one run with trustme, an optional dependency: a
certificate authority, and a certificate for this machine and for Mixpanel's hosts. The client must
trust the authority; docs/how-to/clients.md describes how.
"""

import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

NAMES = ("localhost", "127.0.0.1", "::1", "mixpanel.com", "*.mixpanel.com")
"""Host names of a certificate that is made here
(docs/facts/mixpanel-http-api.md#hosts-routes-and-authentication)."""


class TlsError(ValueError):
    """A certificate cannot be made or used; the message gives the reason and the remedy."""


@dataclass(frozen=True)
class Certificate:
    """PEM files: the certificate with its chain, its key, and the authority if it was made here."""

    chain: Path
    key: Path
    authority: Path | None = None

    def context(self) -> ssl.SSLContext:
        """The TLS context of a server. Raises TlsError if the files do not fit."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            # With a password, OpenSSL does not prompt for one, which would block the server.
            context.load_cert_chain(self.chain, self.key, password="")
        except (OSError, ValueError) as error:
            wanted = "a certificate and its key in PEM, without a password"
            raise TlsError(f"{self.chain} and {self.key}: {error}; expected {wanted}") from error
        return context


def make(folder: Path, names: Iterable[str] = ()) -> Certificate:
    """A new certificate, its files in `folder`, for `NAMES` and for other names or addresses.

    Raises TlsError if trustme is not installed.
    """
    try:
        trustme = import_module("trustme")
    except ImportError as error:
        install = "pip install 'mockpanel[tls]', or give a certificate and its key"
        raise TlsError(f"trustme is not installed; {install}") from error
    authority = trustme.CA()
    issued = authority.issue_cert(*dict.fromkeys((*NAMES, *names)))
    made = Certificate(folder / "server.pem", folder / "server.key", folder / "ca.pem")
    made.key.touch(mode=0o600)
    made.key.write_bytes(issued.private_key_pem.bytes())
    made.chain.write_bytes(b"".join(each.bytes() for each in issued.cert_chain_pems))
    authority.cert_pem.write_to_path(str(made.authority))
    return made
