"""TLS in this process itself, by Rasa's options; usually a proxy in front of it ends TLS."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Tls:
    """Files in PEM form: the server's certificate, its key, and who may sign clients' certificates."""

    certificate: Path
    key: Path
    ca_file: Path | None = None
    password: str | None = None

    @classmethod
    def of(
        cls, certificate: Path | None, key: Path | None, ca_file: Path | None, password: str | None
    ) -> Tls | None:
        """Return what the options say; None without a certificate.

        Raises:
            SettingsError: A file is missing or cannot be used.
        """
        if certificate is None and key is None:
            return None
        if certificate is None or key is None:
            missing = "--ssl-keyfile" if key is None else "--ssl-certificate"
            raise SettingsError(f"{missing} is missing: a certificate goes with its key")
        tls = cls(certificate, key, ca_file, password)
        tls.prove()
        return tls

    def prove(self) -> None:
        """Load the files once, so that a mistake shows before anything is served.

        Raises:
            SettingsError: A file is missing or cannot be used.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            # Never ask for a password at a terminal where none is given.
            context.load_cert_chain(self.certificate, self.key, self.password or (lambda: ""))
            if self.ca_file:
                context.load_verify_locations(self.ca_file)
        except (OSError, ValueError) as error:
            raise SettingsError(
                f"{self.certificate} and {self.key} cannot be used for TLS: {error}"
            ) from error

    def arguments(self) -> dict[str, Any]:
        """Return what uvicorn is configured with."""
        return {
            "ssl_certfile": str(self.certificate),
            "ssl_keyfile": str(self.key),
            "ssl_ca_certs": str(self.ca_file) if self.ca_file else None,
            "ssl_keyfile_password": self.password,
        }
