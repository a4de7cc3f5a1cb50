"""Worker processes for bytes: each gets a chunk over a pipe and answers with bytes.

The pipes carry plain bytes, which costs less than half of what `ProcessPoolExecutor` needs to hand
over a chunk and its answer.
"""

import signal
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing import Pipe, Process
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any

Work = Callable[[bytes, Any], tuple[bytes | bytearray, int]]
"""The work of a process: from a chunk and the job to an answer, and a count."""


class WorkerEndedError(RuntimeError):
    """A worker process ended before its work was done, for example because it was killed."""


def in_processes(
    work: Work, job: Any, chunks: Iterable[bytes], workers: int
) -> Generator[tuple[bytes, int], None, None]:
    """The answers and counts of `work(chunk, job)` for all chunks, in the order of the chunks.

    `work` and `job` go to each process once. At most three chunks for each process are in memory.
    Raises `WorkerEndedError`.
    """
    connections: list[Connection] = []
    processes: list[Process] = []
    idle: SimpleQueue[Connection] = SimpleQueue()
    for _ in range(workers):
        ours, theirs = Pipe()
        connections.append(ours)
        process = Process(target=_serve, args=(theirs, connections, work, job), daemon=True)
        process.start()
        theirs.close()
        processes.append(process)
        idle.put(ours)

    def exchange(chunk: bytes) -> tuple[bytes, int]:
        connection = idle.get()
        try:
            connection.send_bytes(chunk)
            return connection.recv_bytes(), connection.recv()
        except (EOFError, OSError) as error:
            raise WorkerEndedError("a worker process ended before its work was done") from error
        finally:
            idle.put(connection)

    threads = ThreadPoolExecutor(workers)  # each waits for a process
    under_way: deque[Future[tuple[bytes, int]]] = deque()
    try:
        for chunk in chunks:
            under_way.append(threads.submit(exchange, chunk))
            if len(under_way) > 2 * workers:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    finally:
        threads.shutdown(cancel_futures=True)
        for connection in connections:
            connection.close()
        for process in processes:
            process.join()


def _serve(connection: Connection, inherited: list[Connection], work: Work, job: Any) -> None:
    """Answer chunks until the other side closes the connection, or ends."""
    # The copies that a new process has of the parent's ends would keep the connections open.
    for other in inherited:
        other.close()
    # Ctrl-C reaches every process; the parent decides what happens.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        while True:
            answer, count = work(connection.recv_bytes(), job)
            connection.send_bytes(answer)
            connection.send(count)
    except (EOFError, OSError):
        return
