import io
import json
from codecs import BOM_UTF8
from typing import Any

import pytest

from tests.translator.messages import NOW_MS, track
from translator import Operation, Result, Rules, Settings, bulk
from translator.bulk import MAX_LINE_BYTES, Job, translate_stream

JOB = Job(Settings(token="T"), Rules.documented(), NOW_MS)


def answers(text: bytes, workers: int = 1) -> list[dict[str, Any]]:
    sink = io.BytesIO()
    errors = translate_stream(io.BytesIO(text), sink, JOB, workers=workers)
    results = [json.loads(line) for line in sink.getvalue().splitlines()]
    assert errors == sum(result["error"] is not None for result in results)
    return results


@pytest.mark.parametrize(
    ("line", "code", "text"),
    [
        (b"{", "not_json", "the line is not JSON in UTF-8"),
        (b"\xff\xfe", "not_json", "the line is not JSON in UTF-8"),
        (b"[]", "not_an_object", "a message must be a JSON object, not []"),
        (b"null", "not_an_object", "a message must be a JSON object, not None"),
        (b"{}", "missing_type", "type is missing"),
        (b'{"type":"trak"}', "unknown_type", "type 'trak' is not a Segment call; did you mean"),
        (b'{"type":"track","properties":{"a":NaN}}', "invalid_value", "properties.a is nan"),
        (b'{"type":"track","context":{"a":-Infinity}}', "invalid_value", "context.a is -inf"),
        (b'{"type":"track","event":"\\ud800"}', "invalid_value", "event has a lone surrogate"),
        (b'{"type":"track","userId":18446744073709551617}', "invalid_value", "userId is a whole"),
        (
            b'{"type":"track","properties":{"a":-9223372036854775809}}',
            "invalid_value",
            "properties.a is a whole number of more than 64 bits",
        ),
        (
            b'{"type":"track","properties":{"a":' + b"9" * 5000 + b"}}",
            "invalid_value",
            "properties.a is a whole number of more than 64 bits",
        ),
        (b'{"a":' * 101 + b"1" + b"}" * 101, "nesting_too_deep", "a.a.a"),
        (b"[" * 3000 + b"]" * 3000, "nesting_too_deep", ""),
        (b"[" * 300_000, "nesting_too_deep", "the line is nested too deeply"),
    ],
)
def test_a_bad_line_stops_only_itself(line: bytes, code: str, text: str) -> None:
    """A line that cannot be translated is answered with an error, in its place."""
    good = json.dumps(track()).encode()
    first, bad, last = answers(b"\n".join([good, line, good]) + b"\n")
    assert first == last
    assert first["error"] is None
    assert len(first["operations"]) == 1
    assert bad["error"]["code"] == code
    assert bad["error"]["message"].startswith(text)
    assert bad["operations"] == []


def test_long_numbers_of_64_bits_and_texts_of_digits() -> None:
    """Numbers of 64 bits are exact, and a text of digits is a text."""
    values = {"most": 2**64 - 1, "least": -(2**63), "text": "9" * 30}
    [answer] = answers(json.dumps(track(properties=values)).encode())
    [operation] = answer["operations"]
    assert {name: operation["payload"]["properties"][name] for name in values} == values


def test_floats_as_javascript_prints_them() -> None:
    """A long whole number is a float if that float has exactly these digits."""
    texts = ["100000000000000000000", "-9223372036854776000", "1" + "0" * 300]
    line = b'{"type":"track","event":"A","userId":"u","properties":{"x":[%s]}}'
    [answer] = answers(line % ",".join(texts).encode())
    [operation] = answer["operations"]
    assert operation["payload"]["properties"]["x"] == [1e20, -9.223372036854776e18, 1e300]


def test_the_last_line_needs_no_end() -> None:
    """A file without a newline at its end loses nothing."""
    assert [answer["messageId"] for answer in answers(json.dumps(track()).encode())] == ["m1"]


def test_blank_lines_are_ignored() -> None:
    """A line of white space is ignored: it has no answer and is not an error."""
    good = json.dumps(track()).encode()
    found = answers(b"\n" + good + b"\r\n \t\n\n" + good + b"\n\n")
    assert [answer["error"] for answer in found] == [None, None]


@pytest.mark.parametrize("piece", [1, 2, 1 << 17])
def test_a_byte_order_mark(monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    """It is not a part of the first line: the line may be blank, and errors count from its start.

    Spark reads files in the same way.
    """
    monkeypatch.setattr(bulk, "CHUNK_BYTES", piece)
    good = json.dumps(track()).encode()
    bad = b'{"type": tru}\n'
    assert answers(BOM_UTF8) == []
    assert answers(BOM_UTF8 + b"\n" + good) == answers(good)
    assert answers(BOM_UTF8 + bad + BOM_UTF8 + good) == answers(bad + good)
    assert answers(good + b"\n" + BOM_UTF8 + bad) == answers(good + b"\n" + bad)


def test_no_lines_no_answers() -> None:
    """An empty file is answered with an empty file."""
    assert answers(b"") == []


def test_a_line_without_end_is_cut_short_and_answered() -> None:
    """A line of more than the limit costs bounded memory and one error."""
    good = json.dumps(track()).encode()
    long = json.dumps(track(properties={"x": "a" * (2 * MAX_LINE_BYTES)})).encode()
    first, bad, last = answers(b"\n".join([good, long, good]))
    assert first == last
    assert bad["error"]["code"] == "not_json"
    assert "longer than 16777216 bytes" in bad["error"]["message"]


def test_a_line_of_the_longest_length_is_translated(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of a line does not count as part of it."""
    good = json.dumps(track()).encode()
    monkeypatch.setattr(bulk, "MAX_LINE_BYTES", len(good))
    exact, longer = answers(good + b"\n" + good + b" \n")
    assert exact["error"] is None
    assert longer["error"]["message"] == f"the line is longer than {len(good)} bytes"


@pytest.mark.parametrize("depth", [99, 100, 101])
def test_only_the_deep_line_of_a_chunk_is_refused(depth: int) -> None:
    """Lines that are not deep count together as many brackets as they like."""
    good = json.dumps(track(properties={"list": [[], [], []] * 50})).encode()
    deep = b'{"type":"track","event":"e","userId":"u","x":' + b"[" * depth + b"]" * depth + b"}"
    codes = [
        one["error"] and one["error"]["code"] for one in answers(b"\n".join([good, deep, good]))
    ]
    assert codes == [None, "nesting_too_deep" if depth > 99 else None, None]


def test_two_processes_answer_in_the_order_of_one() -> None:
    """On several cores the output is the same as on one, to the byte."""
    messages = [track(messageId=f"m{number}", properties={"n": number}) for number in range(9000)]
    text = b"".join(json.dumps(message).encode() + b"\n" for message in messages)
    assert len(text) > 1 << 20
    one, two = io.BytesIO(), io.BytesIO()
    translate_stream(io.BytesIO(text), one, JOB)
    translate_stream(io.BytesIO(text), two, JOB, workers=2)
    assert one.getvalue() == two.getvalue()
    ids = [json.loads(line)["messageId"] for line in one.getvalue().splitlines()]
    assert ids == [f"m{number}" for number in range(9000)]


def test_a_slow_producer_is_answered_line_by_line() -> None:
    """What has been written to a pipe is answered before more comes."""

    class Slow(io.BytesIO):
        def read1(self, size: int | None = -1, /) -> bytes:
            return self.readline()

    sink = io.BytesIO()
    flushed: list[int] = []

    class Watched(io.BytesIO):
        def flush(self) -> None:
            flushed.append(self.getvalue().count(b"\n"))

    sink = Watched()
    line = json.dumps(track()).encode() + b"\n"
    translate_stream(Slow(line * 3), sink, JOB)
    assert flushed == [1, 2, 3]


def test_a_defect_of_ours_costs_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """A result that is not JSON becomes an error in its place, and the next line is answered."""
    odd = Result("m1", (Operation("/track", "https://api.mixpanel.com", {"n": 2**70}),))
    results = iter([Result("m0"), odd, Result("m2")])
    monkeypatch.setattr(bulk, "translate_message", lambda *_: next(results))
    first, bad, last = answers(b"{}\n{}\n{}\n")
    assert [found["messageId"] for found in (first, bad, last)] == ["m0", None, "m2"]
    assert bad["error"]["code"] == "internal_error"
    assert bad["operations"] == []
