"""What a label must not carry (`R8`): links, e-mail, other people's telephone numbers, handles, appeals."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

# Ends of addresses that shops of the region really use; anything rarer needs "http" or "www" to be seen.
_ENDS = (
    "com|net|org|shop|store|app|link|site|online|info|biz|page|live|club|asia|co|io|me|ly|ee|gl|my|id|ph|th|vn|sg|cn"
    "|hk|tw"
)
# Every repetition is bounded: a label is what somebody uploads, and no pattern may take its time over it.
_DOT = r"(?:\.| ?[\[(] ?(?:dot|chấm) ?[\])] ?)"
_SPOKEN = r" {1,3}(?:dot|cham|chấm|titik|จุด) {1,3}"
_REST = r"[^\s]{1,200}"
_LINK = re.compile(
    rf"https? ?: ?/ ?/ ?{_REST}|\bwww ?\. ?{_REST}"
    rf"|(?<![\w@.-])[a-z0-9][a-z0-9-]{{1,62}}(?:{_DOT}[a-z0-9-]{{1,62}}){{0,4}}?{_DOT}(?:{_ENDS})\b(?:/{_REST})?"
    rf"|(?<![\w-])[a-z0-9-]{{2,62}}(?:{_SPOKEN}| \. ?| ?\. )(?:com|net|shop|store)\b"
)
_EMAIL = re.compile(
    r"(?<![\w.+-])[\w.+-]{1,64} ?(?:@|[\[(] ?(?:at|a còng) ?[\])]) ?[\w-]{1,63}"
    r"(?: ?(?:\.|[\[(] ?dot ?[\])]) ?[a-z]{2,20}){1,4}"
)
_HANDLE = re.compile(r"(?<![\w.])@ ?[a-z0-9_][a-z0-9_.]{2,29}")
# Digits with at most three other signs between two of them, on one line.
_DIGITS = re.compile(r"(?<![\w.])(?:\(?\+|00)? ?\(?\d(?:[ .\-()_·•*]{0,3}\d){6,16}(?![\w])")
_CALL = re.compile(
    r"\b(?:tel(?:ephone|epon|p)?|phone|mobile|hp|hotline|call|text|sms|wa|no\.?\s?hp|hubungi|telefon|sđt|đt|điện thoại|"
    r"liên hệ|contact)\b|โทร|เบอร์|ติดต่อ|ไลน์"
)
_DATE = re.compile(
    r"\b\d{1,2}[-./]\d{1,2}[-./]\d{2,4}\b|\b\d{4}[-./]\d{1,2}[-./]\d{1,2}\b|\b\d{1,2}:\d{2}(?::\d{2})?\b"
)
# A unit ("#06-01", "Blk 5 05-12") and what a price or a weight is written with.
_UNIT = re.compile(
    r"#\s?\d{1,3}\s?-\s?\d{1,4}\b|\b(?:rm|rp|php|sgd|idr|usd|myr|thb|vnd)\s?[\d.,]+|₱\s?[\d.,]+|฿\s?[\d.,]+"
)
# How numbers begin in the six markets: with the country, or the way they are dialled inside it.
_BEGINS = re.compile(r"(?:00)?(?:60|62|63|65|66|84)\d{7,11}|0[1-9]\d{7,11}")

# Other places to buy or talk. What is long enough is also seen with its letters pulled apart.
_NAMES = {
    "WhatsApp": ("whatsapp", "wasap", "whatsap"),
    "LINE": (),
    "Zalo": ("zalo",),
    "Telegram": ("telegram",),
    "Instagram": ("instagram", "insta"),
    "Facebook": ("facebook", "เฟซบุ๊ก", "เฟสบุ๊ค", "เฟสบุ๊ก"),
    "Messenger": ("messenger",),
    "WeChat": ("wechat", "weixin", "微信"),
    "Viber": ("viber",),
    "Shopee": ("shopee", "ช้อปปี้", "ช็อปปี้", "虾皮"),
    "Lazada": ("lazada", "ลาซาด้า"),
    "Tokopedia": ("tokopedia",),
    "Bukalapak": ("bukalapak",),
    "Carousell": ("carousell",),
    "Sendo": ("sendo.vn",),
    "YouTube": ("youtube",),
}
# Short ones mean something only with what follows them: a colon, an "id", a number.
_SHORT = {
    "WhatsApp": r"\bwa\s?(?:[:.：]|(?=\s?[+0-9]))",
    "LINE": r"(?<!address )(?<!addr )\bline\s?(?:id\b|@|[:：](?!\s?\d{1,2}\b))|\badd\s+line\b|ไลน์",
    "Instagram": r"\big\s?[:：@]",
    "Facebook": r"\bfb\s?[:：@/]",
    "Telegram": r"\btg\s?[:：@]",
}
_APPEALS = re.compile(
    r"\b(?:5|five)\s?-?\s?stars?\b|\b(?:good|positive) (?:review|feedback)s?\b|\bleave (?:a|us a) review\b"
    r"|\bfollow us\b|\bpromo(?:tion)? code\b|\bdiscount code\b|\bvoucher\b|\bcashback\b"
    r"|\bbintang (?:5|lima)\b|\bulasan (?:baik|positif)\b|\bkode (?:promo|diskon)\b"
    r"|\bđánh giá\s?(?:5|năm)?\s?sao\b|\bmã giảm giá\b|\b5 sao\b"
    r"|รีวิว(?:\s?5\s?ดาว)?|5\s?ดาว|ห้าดาว|โค้ดส่วนลด|ส่วนลด"
)


def _apart(name: str) -> str:
    if not name.isascii() or len(name) < 5:
        return rf"\b{re.escape(name)}\b" if name.isascii() else re.escape(name)
    return r"(?<![a-z])" + r"[\s._*|-]{0,2}".join(map(re.escape, name)) + r"(?![a-z])"


_PLATFORMS = {
    platform: re.compile("|".join([*map(_apart, names), *([_SHORT[platform]] if platform in _SHORT else ())]))
    for platform, names in _NAMES.items()
}

Found = tuple[str, str, int, int]  # code, what it is, first and past-the-last folded character


def find(folded: str, own_digits: Sequence[str], carriers: Sequence[str]) -> Iterator[Found]:
    """Everything forbidden in a folded text, each place once.

    `own_digits`: digits that belong to the order (the recipient's number and address, tracking, ids): no finding.
    `carriers`: the parcel's carrier by its names: a platform that carries by itself is not advertised by its label.
    """
    taken: list[tuple[int, int]] = []
    for code, detail, (start, end) in _all(folded, own_digits, carriers):
        if not any(start < last and first < end for first, last in taken):
            taken.append((start, end))
            yield code, detail, start, end


def _all(
    folded: str, own_digits: Sequence[str], carriers: Sequence[str]
) -> Iterator[tuple[str, str, tuple[int, int]]]:
    """The surest first: what is part of an e-mail address is no link and no handle."""
    for code, pattern in (("email", _EMAIL), ("link", _LINK)):
        yield from (_hit(code, match) for match in pattern.finditer(folded))
    yield from (_hit("phone", match) for match in _phones(_blank(folded), own_digits))
    for platform, match in _platforms(folded, carriers):
        yield "platform", platform, match.span()
    for code, pattern in (("handle", _HANDLE), ("appeal", _APPEALS)):
        yield from (_hit(code, match) for match in pattern.finditer(folded))


def _hit(code: str, match: re.Match[str]) -> tuple[str, str, tuple[int, int]]:
    """A match without the blanks around it."""
    found = match.group()
    start = match.start() + len(found) - len(found.lstrip())
    return code, found.strip(), (start, start + len(found.strip()))


def _platforms(folded: str, carriers: Sequence[str]) -> Iterator[tuple[str, re.Match[str]]]:
    for platform, pattern in _PLATFORMS.items():
        if any(pattern.search(carrier) for carrier in carriers):
            continue
        for match in pattern.finditer(folded):
            yield platform, match


def _phones(text: str, own_digits: Sequence[str]) -> Iterator[re.Match[str]]:
    for match in _DIGITS.finditer(text):
        digits = re.sub(r"\D", "", match.group())
        if _is_own(digits, own_digits):
            continue
        line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
        is_called = _CALL.search(line[-24:]) is not None and len(digits) >= 7
        is_dialled = match.group().lstrip(" (").startswith("+") or _BEGINS.fullmatch(digits) is not None
        if is_called or (is_dialled and 8 <= len(digits) <= 15):
            yield match


def _is_own(digits: str, own: Sequence[str]) -> bool:
    """Whether these digits are the order's own; of a number that is masked, what can be read of it has to fit."""
    core = digits.lstrip("0")
    for each in own:
        if "*" not in each:
            if core[-8:] in each:
                return True
            continue
        length = min(len(core), len(each.lstrip("0")))
        if length >= 7 and all(a in ("*", b) for a, b in zip(each[-length:], core[-length:], strict=True)):
            return True
    return False


def _blank(folded: str) -> str:
    """Dates, units and prices are full of digits and no numbers to call."""
    for pattern in (_DATE, _UNIT):
        folded = pattern.sub(lambda match: "~" * len(match.group()), folded)
    return folded


SENTENCES: Mapping[str, str] = {
    "link": "A link to somewhere else.",
    "email": "An e-mail address.",
    "phone": "A telephone number that is not the recipient’s.",
    "platform": "Another platform to buy or talk on.",
    "handle": "A name on another platform.",
    "appeal": "It asks for reviews or advertises: it has nothing to do with the order.",
}
