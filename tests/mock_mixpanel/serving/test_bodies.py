"""The body of a request, read from a connection that may end or lie."""

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_mixpanel.serving.bodies import Body, BodyError

SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=8)


def chunks(data: bytes, sizes: list[int]) -> bytes:
    """Data in chunks of these sizes, over and over."""
    written, place, turn = b"", 0, 0
    while place < len(data):
        part = data[place : place + sizes[turn % len(sizes)]]
        written += b"%x\r\n%s\r\n" % (len(part), part)
        place, turn = place + len(part), turn + 1
    return written + b"0\r\n\r\n"


def read(body: Body, sizes: list[int]) -> bytes:
    """All of a body, read in pieces of these sizes, over and over."""
    data, turn = b"", 0
    while piece := body.read(sizes[turn % len(sizes)]):
        data, turn = data + piece, turn + 1
    return data


@given(data=st.binary(max_size=60), written=SIZES, pieces=SIZES)
def test_chunks(data: bytes, written: list[int], pieces: list[int]) -> None:
    """However it is cut into chunks and read, it is the body, and what follows stays."""
    source = BytesIO(chunks(data, written) + b"next")
    body = Body(source, "", chunked=True)
    assert (read(body, pieces), body.drained(0)) == (data, True)
    assert (body.read(), source.read()) == (b"", b"next")


@given(data=st.binary(max_size=60), pieces=SIZES)
def test_length(data: bytes, pieces: list[int]) -> None:
    """However it is read, it is as long as was said."""
    source = BytesIO(data + b"next")
    body = Body(source, str(len(data)), chunked=False)
    assert (read(body, pieces), body.drained(0)) == (data, True)
    assert (body.read(), source.read()) == (b"", b"next")


@given(data=st.binary(min_size=1, max_size=40), written=SIZES, pieces=SIZES, cut=st.data())
def test_cut_chunks(data: bytes, written: list[int], pieces: list[int], cut: st.DataObject) -> None:
    """Wherever the connection ends before the last chunk, that is an error, not a shorter body."""
    whole = chunks(data, written)
    source = BytesIO(whole[: cut.draw(st.integers(0, len(whole) - 1))])
    body = Body(source, "", chunked=True)
    with pytest.raises(BodyError):
        read(body, pieces)
    assert not body.drained(1000)


@given(data=st.binary(max_size=40), missing=st.integers(1, 10**14), pieces=SIZES)
def test_cut_length(data: bytes, missing: int, pieces: list[int]) -> None:
    """A body that is shorter than was said is an error that tells by how much."""
    length = len(data) + missing
    body = Body(BytesIO(data), str(length), chunked=False)
    told = f"the connection ended after {len(data)} of {length} bytes"
    for _ in range(2):
        with pytest.raises(BodyError, match=told):
            read(body, pieces)
    assert not body.drained(1000)


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (b"zz\r\nabc", "a chunk without its size"),
        (b"-5\r\nabc", "a chunk without its size"),
        (b"\r\nabc", "a chunk without its size"),
        (b"f" * 16 + b"\r\nabc", "a chunk without its size"),
        (b"5" * 5000, "a line of a chunk is too long"),
        (b"ffffffffffffff\r\nabc", "the connection ended after 3 bytes"),
        (b"2\r\nabc\r\n0\r\n\r\n", "a chunk is longer than its size"),
        (b"0\r\n" + b"a: b\r\n" * 101 + b"\r\n", "more than 100 trailers"),
    ],
)
def test_lying_chunks(sent: bytes, error: str) -> None:
    """Chunks that are not what they say are an error that says why."""
    with pytest.raises(BodyError, match=error):
        Body(BytesIO(sent), "", chunked=True).read()


def test_extensions_and_trailers() -> None:
    """What may stand after a size and after the last chunk is read over."""
    source = BytesIO(b"3;a=b\r\nabc\r\n0\r\nDigest: x\r\n\r\nnext")
    assert Body(source, "", chunked=True).read() == b"abc"
    assert source.read() == b"next"


@pytest.mark.parametrize("length", ["-5", "abc", "5,5", "1" * 5000, "٥", "0x5"])
def test_length_that_is_none(length: str) -> None:
    """A length that is none is an error, and what follows is unknown."""
    body = Body(BytesIO(b"abc"), length, chunked=False)
    with pytest.raises(BodyError, match="Content-Length is no length"):
        body.read()
    assert not body.drained(1000)


@pytest.mark.parametrize(("most", "drained"), [(5, True), (4, False), (0, False)])
def test_draining(most: int, drained: bool) -> None:
    """What is left is read away if it is not too much."""
    assert drained == Body(BytesIO(b"abcde"), "5", chunked=False).drained(most)


def test_silence() -> None:
    """A connection that says nothing for too long ends the body."""

    class Silent(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise TimeoutError("timed out")

    with pytest.raises(BodyError, match="timed out"):
        Body(Silent(), "5", chunked=False).read()
