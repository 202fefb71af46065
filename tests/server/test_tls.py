"""A server that speaks TLS by Rasa's options."""

from __future__ import annotations

import datetime as dt
import ssl
import threading
import time
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from fastapi import FastAPI

from bot.errors import SettingsError
from bot.server.app import server
from bot.server.tls import Tls


def write_certificate(folder: Path, password: str | None = None) -> tuple[Path, Path]:
    """Write a certificate for localhost that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    encryption = (
        serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    )
    return folder / "cert.pem", folder / "key.pem"


@pytest.mark.parametrize("password", [None, "thistle"])
def test_the_server_speaks_tls(tmp_path: Path, password: str | None) -> None:
    """Whoever trusts the certificate reads the answer."""
    certificate, key = write_certificate(tmp_path, password)
    app = FastAPI()
    app.add_api_route("/", lambda: "here")
    served = server(app, host="127.0.0.1", port=0, tls=Tls.of(certificate, key, None, password))
    thread = threading.Thread(target=served.run)
    thread.start()
    try:
        deadline = time.monotonic() + 20
        while not served.started and time.monotonic() < deadline:
            time.sleep(0.01)
        port = served.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(verify=ssl.create_default_context(cafile=certificate)) as client:
            assert client.get(f"https://localhost:{port}/").json() == "here"
    finally:
        served.should_exit = True
        thread.join()


def test_without_options_there_is_none() -> None:
    """A proxy ends TLS then."""
    assert Tls.of(None, None, None, None) is None


def test_half_of_it_is_refused(tmp_path: Path) -> None:
    """The option that is missing is named."""
    certificate, key = write_certificate(tmp_path)
    with pytest.raises(SettingsError, match="--ssl-keyfile is missing"):
        Tls.of(certificate, None, None, None)
    with pytest.raises(SettingsError, match="--ssl-certificate is missing"):
        Tls.of(None, key, None, None)


def test_files_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    """Before anything is served, and without asking for a password."""
    certificate, key = write_certificate(tmp_path, "thistle")
    for wrong in ((certificate, tmp_path / "no.pem"), (certificate, certificate), (certificate, key)):
        with pytest.raises(SettingsError, match="cannot be used for TLS"):
            Tls.of(*wrong, None, None)
    with pytest.raises(SettingsError, match="cannot be used for TLS"):
        Tls.of(certificate, key, tmp_path / "no.pem", "thistle")
