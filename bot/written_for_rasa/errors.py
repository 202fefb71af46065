"""Errors that components raise."""

from __future__ import annotations


class RasaException(Exception):
    """Anything that goes wrong on purpose."""


class RasaCoreException(RasaException):
    """Something of the dialogue."""


class InvalidParameterException(RasaException, ValueError):
    """A value that cannot be."""


class InvalidConfigException(ValueError, RasaException):
    """An option that is wrong or missing."""


class UnsupportedFeatureException(RasaCoreException):
    """Something that is not there."""


class FileIOException(RasaException):
    """A file that cannot be read or written."""


class FileNotFoundException(RasaException, FileNotFoundError):
    """A file that is missing."""


class ConnectionException(RasaException):
    """Somebody who does not answer."""
