"""A model server (`models:` in `endpoints.yml`): asked again and again whether it has another model.

Rasa's protocol: the server answers a GET with an archive and its `ETag`; asked with `If-None-Match`, it
answers 304 or 204 while nothing is new.
"""

from __future__ import annotations

import json
import logging
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from bot.errors import FrontdeskError, ModelError
from bot.runtime import model_archive
from bot.runtime.http_endpoint import HttpEndpoint
from bot.runtime.live import LiveProcessor, TrainedModel

logger = logging.getLogger(__name__)

DEFAULT_WAIT_S = 100.0
_LAST = ".model-server.json"  # what was pulled last, beside the models
_UNCHANGED = (httpx.codes.NOT_MODIFIED, httpx.codes.NO_CONTENT)


@dataclass(frozen=True, slots=True)
class ModelServerOptions:
    """Where models come from; without `wait_s` (seconds between two questions) it is asked once."""

    endpoint: HttpEndpoint
    wait_s: float | None = DEFAULT_WAIT_S


@dataclass(frozen=True, slots=True)
class _Pulled:
    """The model that the server gave last, and the mark by which it knows it."""

    url: str
    etag: str
    folder: str


class ModelServer:
    """Pulls models into the folder of all models; those that `usable` raises at are not let in."""

    def __init__(
        self,
        options: ModelServerOptions,
        models: Path,
        *,
        usable: Callable[[Path], object] = lambda _: None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._url = options.endpoint.url
        self._wait_s = options.wait_s
        self._models = models
        self._arguments = options.endpoint.client_arguments()
        self._usable = usable
        self._transport = transport

    def pull(self) -> Path | None:
        """Return the folder of a model that is new since the last pull; None if nothing is.

        Raises:
            ModelError: The server does not answer, has no model, or gives what is none.
        """
        self._models.mkdir(parents=True, exist_ok=True)
        last = self._last()
        known = {"If-None-Match": last.etag} if last else {}
        with tempfile.TemporaryDirectory() as scratch:
            file = Path(scratch) / f"pulled{model_archive.SUFFIX}"
            try:
                with (
                    httpx.Client(
                        transport=self._transport, follow_redirects=True, **self._arguments
                    ) as client,
                    client.stream("GET", self._url, headers=known) as response,
                ):
                    if response.status_code in _UNCHANGED:
                        return None
                    response.raise_for_status()
                    model_archive.receive(response.iter_bytes(), file)
                    etag = response.headers.get("etag", "")
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise ModelError(f"model server {self._url} gives no model: {error!r}") from error
            folder = model_archive.unpack(file, self._models, self._usable)
        pulled = json.dumps({"url": self._url, "etag": etag, "folder": folder.name})
        (self._models / _LAST).write_text(pulled, encoding="utf-8")
        return folder if last is None or folder.name != last.folder else None

    def follow(self, live: LiveProcessor, load: Callable[[Path], TrainedModel]) -> Callable[[], None]:
        """Ask in a thread of its own, and let each new model answer; call what is returned to end it."""
        stop = threading.Event()
        if self._wait_s is None:
            return stop.set
        wait_s = self._wait_s

        def ask() -> None:
            while not stop.wait(wait_s):
                self.check(live, load)

        thread = threading.Thread(target=ask, name="model server", daemon=True)
        thread.start()

        def end() -> None:
            stop.set()
            thread.join()

        return end

    def check(self, live: LiveProcessor, load: Callable[[Path], TrainedModel]) -> bool:
        """Pull, and swap if there is a new model; whatever is wrong with it, the running one stays."""
        try:
            folder = self.pull()
            if folder is None:
                return False
            live.swap(load(folder))
        except FrontdeskError:
            logger.exception("no new model from %s, the running one stays", self._url)
            return False
        logger.info("model %s answers from now on", folder.name)
        return True

    def _last(self) -> _Pulled | None:
        """Return what was pulled last from this address, if it is still there."""
        try:
            last = _Pulled(**json.loads((self._models / _LAST).read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        is_here = last.url == self._url and last.etag and (self._models / last.folder).is_dir()
        return last if is_here else None
