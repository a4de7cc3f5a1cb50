"""A process that translates for the gateway: `python -m translator.gateway.translation.worker`.

Its standard input is a socket to the gateway. It ends when the gateway closes the socket or ends.
"""

import logging
import signal
import socket
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

from translator.core.values.user_agent import browser
from translator.garbage_collection import rare_collection
from translator.gateway.messages.bodies import BadRequestError
from translator.gateway.translation.frames import (
    Configure,
    Frames,
    Piece,
    Ready,
    TranslationJob,
    frame,
)
from translator.gateway.translation.request_translation import PIECE_MESSAGES, translate_request
from translator.gateway.translation.source_translation import SourceTranslation, TranslatedMessage

RECEIVED_AT_ONCE = 1 << 20
"""Bytes."""

SLICE_MESSAGES = 50
"""Messages of a large job after which the process looks for other jobs."""

log = logging.getLogger("translator.gateway")


class _JobInWork:
    """A job, and the messages of its next piece."""

    def __init__(self, job: TranslationJob, source: SourceTranslation) -> None:
        self.number = job.number
        self._messages: Iterator[TranslatedMessage] = translate_request(job.call, source)
        self._piece: list[TranslatedMessage] = []

    def advance(self, most: int) -> Piece | None:
        """Translate up to `most` messages more; gives a piece if one is complete."""
        most = min(most, PIECE_MESSAGES - len(self._piece))
        try:
            translated = list(islice(self._messages, most))
            self._piece += translated
            if len(translated) < most:
                return Piece(self.number, self._piece, last=True)
            if len(self._piece) == PIECE_MESSAGES:
                piece, self._piece = self._piece, []
                return Piece(self.number, piece, last=False)
        except BadRequestError as error:
            return Piece(self.number, [], last=True, refusal=(error.status, str(error)))
        except Exception:
            log.exception("a translation process could not do a job")
            return Piece(self.number, [], last=True, failed=True)
        return None


class TranslationWorker:
    """Does the jobs that come over a socket: small ones in their order, large ones in between."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._frames = Frames()
        self._sources: dict[str, SourceTranslation] = {}
        self._small: deque[_JobInWork] = deque()
        self._large: deque[_JobInWork] = deque()

    def run(self) -> None:
        """Work until the other end is closed."""
        self._connection.sendall(frame(Ready()))
        while self._receive(wait=not (self._small or self._large)):
            if self._small:
                job = self._small.popleft()
                piece = job.advance(PIECE_MESSAGES)
                assert piece is not None, "a piece has no more messages"
                if not piece.last:
                    self._large.append(job)  # it has more messages than others should wait for
            elif self._large:
                job = self._large[0]
                piece = job.advance(SLICE_MESSAGES)
                if piece is None:
                    continue
                self._large.popleft()
                if not piece.last:
                    self._large.append(job)
            else:
                continue
            self._send(piece)

    def _receive(self, *, wait: bool) -> bool:
        """Take what has arrived; False at the end of the connection."""
        self._connection.setblocking(wait)
        try:
            data = self._connection.recv(RECEIVED_AT_ONCE)
        except BlockingIOError:
            return True
        finally:
            self._connection.setblocking(True)
        for content in self._frames.feed(data):
            if isinstance(content, Configure):
                self._sources[content.name] = content.source
            else:
                job = _JobInWork(content, self._sources[content.name])
                (self._large if content.large else self._small).append(job)
        return bool(data)

    def _send(self, piece: Piece) -> None:
        try:
            text = frame(piece)
        except Exception:
            log.exception("a translation process could not send the result of a job")
            text = frame(Piece(piece.number, [], last=True, failed=True))
        self._connection.sendall(text)


def main() -> None:
    """Work for the gateway at the other end of standard input."""
    # A signal to end reaches every process of a group: the gateway says when there is no more.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    browser("Mozilla/5.0")  # compiles the patterns, which takes half a second
    # Without a connection the gateway has ended.
    with rare_collection(), socket.socket(fileno=0) as connection, suppress(ConnectionError):
        TranslationWorker(connection).run()


if __name__ == "__main__":
    main()
