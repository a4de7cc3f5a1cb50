"""Money in a text: the amount if the text has exactly one reading.

Shops send what they display, and a display depends on the country: `1,234.50`, `1.234,50`,
`1 234,50` and `1'234.50` are the same amount. One separator before exactly three
digits can be either kind, so `1,234` has two readings and gives no amount. A text in JSON's
notation of numbers, such as `1.234`, was written by a program and is read as JSON reads it.
See decision:charge-amount.
"""

import re
from math import isfinite

_JSON_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")

MAX_LENGTH = 400
"""Longer texts are not an amount (characters); JSON's largest number has 309 digits."""

_ISO_4217 = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN
BZD CAD CDF CHF CLF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS
GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW
KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD
NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD
SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED
VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG
"""
_LOCAL_SIGNS = """
$ US$ A$ C$ R$ S$ HK$ NT$ NZ$ MX$ CA$ AU$ € £ ¥ ₹ ₽ ₩ ₺ ₴ ₪ ₫ ₱ ₦ ฿ ₸ ₼ ₾ ₲ ₡ ₵ ₭ ₮ ₨ ¢
kr kr. Fr Fr. SFr SFr. zł Kč Ft lei руб руб. р. Rs Rs. RM Rp S/ R лв лв. din din.
euro euros dollar dollars
"""
CURRENCIES = frozenset(word.casefold() for word in (_ISO_4217 + _LOCAL_SIGNS).split())
"""Currencies that may precede or follow an amount: ISO 4217 codes and local signs, in lower
case."""

_SPACES = " \u00a0\u2009\u202f"
_APOSTROPHES = "'\u2019"
_AMOUNT = re.compile(
    rf"""(?P<before>[^0-9]*?)
         (?P<number>
            (?: (?<![^\W\d_]) [.,] )?             # "$.50", but "Rs.100" is not a hundredth
            [0-9] (?: [0-9.,{_SPACES}{_APOSTROPHES}]* [0-9] )?
         )
         (?: [.,] [-\u2013\u2014]{{0,2}} )?        # "100,-"
         (?P<after>[^0-9]*)""",
    re.VERBOSE,
)


def read_amount(text: str) -> int | float | None:
    """The amount in the text, or None if it has no reading or more than one.

    A sign and a currency may stand around the number. Digits are 0 to 9. Whole amounts are
    integers as long as a double holds them exactly.
    """
    text = text.strip()
    if len(text) > MAX_LENGTH:
        return None
    if _JSON_NUMBER.fullmatch(text):
        return _number(text)
    found = _AMOUNT.fullmatch(text)
    if found is None:
        return None
    sign = _sign(found["before"], found["after"])
    digits = _plain_digits(found["number"])
    if sign is None or digits is None:
        return None
    return _number(sign + digits)


def _number(text: str) -> int | float | None:
    amount = float(text)
    if not isfinite(amount):
        return None
    return int(amount) if amount.is_integer() and abs(amount) < 2**53 else amount


def _sign(before: str, after: str) -> str | None:
    """`-` or nothing; None if something else than a sign and a currency is around the number."""
    before = before.replace("\u2212", "-").strip()
    sign = ""
    if before[:1] in ("+", "-"):
        sign, before = before[0], before[1:].strip()
    elif before[-1:] in ("+", "-"):
        sign, before = before[-1], before[:-1].strip()
    words = (before.casefold(), after.strip().casefold())
    return sign if all(not word or word in CURRENCIES for word in words) else None


def _plain_digits(number: str) -> str | None:
    """The number in Python's notation; None if its separators have no reading or more than one."""
    separators = re.sub("[0-9]", "", number)
    if not separators:
        return number
    kinds = set(separators)
    last = separators[-1]
    if last in ".," and separators.count(last) == 1:
        whole, fraction = number.split(last)
        if len(kinds) == 1:
            # The only separator: it groups digits, or it is the decimal point.
            may_group = len(fraction) == 3 and 1 <= len(whole) <= 3 and whole[0] != "0"
            return None if may_group else f"{whole}.{fraction}"
        return f"{joined}.{fraction}" if (joined := _joined(whole, kinds - {last})) else None
    return _joined(number, kinds)


def _joined(number: str, separators: set[str]) -> str | None:
    """Digits in groups without their separator; None if they are not grouped by one separator."""
    if len(separators) != 1:
        return None
    first, *groups = number.split(separators.pop())
    *inner, final = groups
    thousands = 1 <= len(first) <= 3 and all(len(group) == 3 for group in groups)
    # India writes 12,34,567: groups of two before the last of three.
    indian = bool(inner) and 1 <= len(first) <= 2 and all(len(group) == 2 for group in inner)
    grouped = thousands or (indian and len(final) == 3)
    return first + "".join(groups) if grouped and first[0] != "0" else None
