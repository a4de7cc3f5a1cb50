"""Translate a corpus on Spark: the answers of the local engine, in the order of the corpus."""

import os
import pickle
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any, BinaryIO

import orjson

from translator.bulk import Job, answer_line, is_blank
from translator.core.compiled_settings import compile_settings
from translator.spark.corpus import LineBlock, SparkCorpus
from translator.spark.options import is_url

Codes = Counter[str]
"""Error code -> how many messages have it; the empty code counts those without an error."""


def translate_corpus(corpus: SparkCorpus, job: Job, sink: BinaryIO | str) -> Codes:
    """Translate all lines; `sink` gets the answers in order. Returns the counts by error code.

    `sink` is a stream, or the path or URL of a folder that does not exist yet, for files of which
    each has the answers to following lines.
    """
    answered = _in_order(corpus, partial(answer_blocks, job=job))
    if not isinstance(sink, str):
        total: Codes = Counter()
        for _, value in answered.toLocalIterator(prefetchPartitions=True):
            codes, answers = pickle.loads(value)  # noqa: S301 - written by our own workers
            total.update(codes)
            sink.write(answers)
        sink.flush()
        return total
    answered = answered.map(_unpickled)
    folder = sink if is_url(sink) else f"file:{os.path.abspath(sink)}"  # noqa: PTH100
    answered.map(_text).saveAsTextFile(folder)
    # The answers are not made again: Spark keeps what it sorted.
    counts: Codes = answered.map(_codes).fold(Counter(), _sum)
    return counts


def answer_blocks(blocks: Iterator[LineBlock], job: Job) -> Iterator[tuple[int, bytes]]:
    """The answers to the lines of each block, with the counts by error code, pickled."""
    compiled = compile_settings(job.settings, job.rules, job.mapping)
    for block in blocks:
        codes: Codes = Counter()
        answers = []
        for line in block.lines:
            if is_blank(line):
                continue
            answer, is_error = answer_line(line, compiled, job.now_ms)
            codes[orjson.loads(answer)["error"]["code"] if is_error else ""] += 1
            answers.append(answer)
        if answers:
            yield block.place, pickle.dumps((codes, b"".join(answers)))


def _in_order(corpus: SparkCorpus, work: Any) -> Any:
    """The results by place, sorted, in as many partitions as Spark reads the corpus in."""
    results = corpus.map(work)
    number = results.rdd.getNumPartitions()
    bounds = [part * corpus.lines // number for part in range(1, number)]
    return results.rdd.map(tuple).repartitionAndSortWithinPartitions(
        number, partial(bisect_right, bounds)
    )


def _unpickled(item: tuple[int, bytes]) -> tuple[Codes, bytes]:
    found: tuple[Codes, bytes] = pickle.loads(item[1])  # noqa: S301 - written by our own workers
    return found


def _text(item: tuple[Codes, bytes]) -> bytes:
    # Spark ends each text with a line break.
    return item[1].removesuffix(b"\n")


def _codes(item: tuple[Codes, bytes]) -> Codes:
    return item[0]


def _sum(one: Codes, two: Codes) -> Codes:
    return one + two
