"""Stable pseudonyms of the same form as the values that they replace.

All pseudonyms come from a keyed permutation of the whole numbers below a bound. The same key gives
the same permutation, another key another one, and two values never get the same pseudonym. A word
is read as such a number, with its characters as digits, so length, case and script stay.
"""

import hashlib
import re
import unicodedata
from datetime import date, timedelta
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from uuid import UUID

ROUNDS = 6
PIECE = 32
"""Characters of a piece; a longer word is replaced piece by piece."""

_LARGE = 10**18

ALPHABETS: tuple[tuple[str, str], ...] = (
    *(("0", "9"), ("a", "z"), ("а", "я"), ("α", "ω"), ("א", "ת"), ("ا", "ي"), ("٠", "٩")),
    *(("अ", "ह"), ("ก", "ฮ"), ("ぁ", "ん"), ("ァ", "ン"), ("가", "힣"), ("一", "龥")),
)
"""First and last letter. Any other letter becomes a Latin one."""

_RANGES = tuple((ord(first), ord(last) - ord(first) + 1) for first, last in ALPHABETS)
_LATIN = 1

_EMAIL = re.compile(r"([^\s@<>,;:\"]+)@([^\s@<>,;:\"]+\.[^\s@<>,;:\"]+)")
_URL = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*://)([^/?#\s]*)(\S*)")
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?=$|[T ])")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_WORD = re.compile(r"[^\W_]+")
_EXPONENT = re.compile(r"(\s*[+-]?(?:\d+\.?\d*|\.\d+))([eE][+-]?\d+\s*)", re.ASCII)
"""A number with an exponent, as JavaScript reads it in a text."""
_BASED = re.compile(r"(\s*0)(?:([xX])([\da-fA-F]+)|([oO])([0-7]+)|([bB])([01]+))(\s*)", re.ASCII)
"""A whole number in base 16, 8 or 2, as JavaScript reads it in a text."""
_BASES = {"d": 10, "x": 16, "o": 8, "b": 2}


class Pseudonyms:
    """The pseudonyms of one key, which is any secret bytes."""

    def __init__(self, key: bytes) -> None:
        self._key = hashlib.blake2b(key, digest_size=32).digest()
        self.text = lru_cache(maxsize=50_000)(self._text)

    def number(self, value: float) -> float:
        """Another number with the same sign and number of digits and decimals; -1, 0 and 1 stay."""
        if value in (-1, 0, 1):
            return value
        if type(value) is int:
            found = self._large(value) if abs(value) >= _LARGE else int(self.words(str(value)))
            return self.number(found) if found in (-1, 1) else found
        # The exponent stays, so a number stays as large as it was.
        mantissa, mark, exponent = repr(value).partition("e")
        return float(self.words(mantissa) + mark + exponent)

    def _large(self, value: int) -> int:
        """Numbers need as many bits as before: 63, 64 or more. Longer ones keep their length."""
        size = abs(value)
        if value == -(2**63):
            return value
        if size < 2**63:
            low, high = _LARGE, 2**63
        elif 0 < value < 2**64:
            low, high = 2**63, 2**64
        else:
            digits, shortest = len(str(size)), 2**64 if value > 0 else 2**63 + 1
            low, high = max(shortest, 10 ** (digits - 1)), 10**digits
        size = low + self._permuted(size - low, high - low, f"number {low}")
        return size if value > 0 else -size

    def _text(self, value: str) -> str:
        """Another text of the same form: an e-mail address, a URL, a date, ..., or just words."""
        if _UUID.fullmatch(value):
            return self._uuid(value)
        if _DATE.match(value):
            return self._date(value)
        address = _address(value)
        if address is not None:
            return self._address(address)
        url = _URL.fullmatch(value)
        if url:
            return url[1] + self._host(url[2]) + self.words(url[3])
        exponent = _EXPONENT.fullmatch(value)
        if exponent:
            return self.words(exponent[1]) + exponent[2]
        based = _BASED.fullmatch(value)
        if based:
            before, letter, digits, *after = [part for part in based.groups() if part]
            return "".join([before, letter, self._digits(digits, letter.lower()), *after])
        return self.emails(value) if "@" in value else self.words(value)

    def emails(self, value: str, *, only: bool = False) -> str:
        """A text with its e-mail addresses replaced, and, without `only`, its words too."""
        parts, end = [], 0
        for found in _EMAIL.finditer(value):
            between = value[end : found.start()]
            parts.append(between if only else self.words(between))
            parts.append(f"{self.words(found[1])}@{self._host(found[2])}")
            end = found.end()
        rest = value[end:]
        return "".join(parts) + (rest if only else self.words(rest))

    def words(self, value: str) -> str:
        """A text with each word replaced, and all between them kept."""
        return _WORD.sub(lambda found: self._word(found[0]), value)

    def day(self, value: date) -> date:
        """Another day of the same year."""
        first = date(value.year, 1, 1)
        length = (date(value.year, 12, 31) - first).days + 1
        tweak = f"day {value.year}"
        return first + timedelta(self._permuted((value - first).days, length, tweak))

    def _host(self, value: str) -> str:
        # Names under .example are reserved (RFC 2606).
        return f"{self.words(value)}.example" if value else value

    def _date(self, value: str) -> str:
        try:
            day = date.fromisoformat(value[:10])
        except ValueError:
            return value
        return self.day(day).isoformat() + value[10:]

    def _address(self, value: IPv4Address | IPv6Address) -> str:
        """An address of a range reserved for documentation; two addresses may become one."""
        if value.version == 4:
            number = self._permuted(int(value), 2**32, "ip")
            return str(IPv4Address((10 << 24) + number % 2**24))
        number = self._permuted(int(value), 2**128, "ip")
        return str(IPv6Address((0x20010DB8 << 96) + number % 2**96))

    def _uuid(self, value: str) -> str:
        """Version and variant stay."""
        digits = value.replace("-", "")
        kept = digits[12] + digits[16]
        rest = digits[:12] + digits[13:16] + digits[17:]
        found = f"{self._permuted(int(rest, 16), 16**30, f'uuid {kept}'):030x}"
        whole = str(UUID(found[:12] + kept[0] + found[12:15] + kept[1] + found[15:]))
        return whole.upper() if value.isupper() else whole

    def _digits(self, digits: str, base: str = "d") -> str:
        """Digits in a base; leading zeros stay and no other is made, so a number keeps its size."""
        rest = digits.lstrip("0")
        if not rest:
            return digits
        size = _BASES[base]
        low = size ** (len(rest) - 1)
        form = f"number {len(rest)}" if base == "d" else f"number {base} {len(rest)}"
        number = self._permuted(int(rest, size) - low, (size - 1) * low, form)
        return digits[: -len(rest)] + _cased(format(low + number, base), digits)

    def _word(self, word: str) -> str:
        return "".join(
            self._piece(word[start : start + PIECE], start) for start in range(0, len(word), PIECE)
        )

    def _piece(self, piece: str, start: int) -> str:
        if start == 0 and piece.isascii() and piece.isdigit():
            return self._digits(piece)
        # JavaScript's parseFloat reads the digits before a letter: leading zeros stay, and the
        # next digit does not become one.
        rest = piece.lstrip("0") if start == 0 else piece
        zeros, piece = piece[: len(piece) - len(rest)], rest
        digit = int(start == 0 and piece[0].isdecimal() and piece[0].isascii())
        letters = [_letter(character) for character in piece]
        sizes = [_RANGES[alphabet][1] for alphabet, _, _ in letters]
        lowest = [digit, *[0] * (len(piece) - 1)]
        value, bound = 0, 1
        for (_, offset, _), size, low in zip(letters, sizes, lowest, strict=True):
            value, bound = value * (size - low) + offset - low, bound * (size - low)
        form = ",".join(str(alphabet) for alphabet, _, _ in letters)
        value = self._permuted(value, bound, f"word {start} {form}")
        found = []
        for (alphabet, _, marks), size, low in reversed(
            list(zip(letters, sizes, lowest, strict=True))
        ):
            value, offset = divmod(value, size - low)
            found.append(chr(_RANGES[alphabet][0] + offset + low) + marks)
        plain = [unicodedata.normalize("NFC", character) for character in reversed(found)]
        return zeros + "".join(_cased(new, old) for new, old in zip(plain, piece, strict=True))

    def _permuted(self, value: int, bound: int, tweak: str) -> int:
        """The value's place in the permutation: a Feistel network, walked until below the bound."""
        half = max((bound - 1).bit_length() + 1, 2) // 2
        mask = (1 << half) - 1
        while True:
            left, right = value >> half, value & mask
            for number in range(ROUNDS):
                left, right = right, left ^ (self._hash(number, right, half, tweak) & mask)
            value = left << half | right
            if value < bound:
                return value

    def _hash(self, number: int, value: int, bits: int, tweak: str) -> int:
        text = f"{number} {value:x} {tweak}".encode()
        size = (bits + 7) // 8
        return int.from_bytes(hashlib.shake_128(self._key + text).digest(size))


def _address(value: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(value) if "." in value or ":" in value else None
    except ValueError:
        return None


@lru_cache(maxsize=10_000)
def _letter(character: str) -> tuple[int, int, str]:
    """The character's alphabet, its place there, and its marks (accents)."""
    # Decomposition would take Hangul apart, into letters of which a syllable is made.
    hangul = "가" <= character <= "힣"
    plain = character if hangul else unicodedata.normalize("NFD", character.lower())
    for alphabet, (first, size) in enumerate(_RANGES):
        if 0 <= ord(plain[0]) - first < size:
            return alphabet, ord(plain[0]) - first, plain[1:]
    return _LATIN, ord(character) % 26, ""


def _cased(new: str, old: str) -> str:
    return new.upper() if old.isupper() else new
