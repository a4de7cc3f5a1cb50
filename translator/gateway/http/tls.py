"""Certificates for SDKs that insist on https: given as files, or made for one run.

A certificate for one run needs trustme, an optional dependency. It makes a certificate authority,
and a certificate for this machine that the authority signs. Clients must trust the authority.
"""

import ssl
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

NAMES = ("localhost", "127.0.0.1", "::1")
"""The names in a generated certificate, besides the host to listen on."""


class TlsError(ValueError):
    """A certificate that cannot be made or used; the message says why and what to do."""


@dataclass(frozen=True)
class Certificate:
    """PEM files: the certificate with its chain, its key, and the authority if it was made here."""

    chain: Path
    key: Path
    authority: Path | None = None

    def check(self) -> None:
        """Raise TlsError if the files are not a certificate and its key."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            # A password is never asked for: a prompt would stop a server in the background.
            context.load_cert_chain(self.chain, self.key, password="")
        except (OSError, ValueError) as error:
            expected = "expected a certificate and its key in PEM, without a password"
            raise TlsError(f"{self.chain} and {self.key}: {error}; {expected}") from error


def make_certificate(folder: Path, host: str, authority_file: Path | None = None) -> Certificate:
    """A new certificate for this machine and `host`, its files in `folder`.

    The authority is written to `authority_file`, by default in `folder` too. Raises TlsError if
    trustme is not installed, or the file cannot be written.
    """
    try:
        trustme = import_module("trustme")
    except ImportError as error:
        install = "pip install 'mockpanel[tls]', or give a certificate and its key"
        raise TlsError(f"trustme is not installed; {install}") from error
    authority = trustme.CA()
    issued = authority.issue_cert(*dict.fromkeys((*NAMES, host)))
    made = Certificate(
        folder / "server.pem", folder / "server.key", authority_file or folder / "ca.pem"
    )
    made.key.touch(mode=0o600)
    made.key.write_bytes(issued.private_key_pem.bytes())
    made.chain.write_bytes(b"".join(each.bytes() for each in issued.cert_chain_pems))
    try:
        authority.cert_pem.write_to_path(str(made.authority))
    except OSError as error:
        raise TlsError(f"{made.authority}: {error}; give another file") from error
    return made
