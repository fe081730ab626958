"""The label check, R7 and R8: what is found, and what is rightly left alone, in the languages of the markets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sync.rules.labels.check import Finding, check, is_good
from sync.rules.labels.reading import Reading, Symbol, Word, fold_text, words_of
from sync.rules.labels.required import Expected, address_share, has_name

CODE = "F7ANY0M5J7AJ"
ORDER = Expected(
    name="R*** T***",
    address="No. 12, Jalan Ampang 05-12, Taman Melati, 53100 Kuala Lumpur",
    phone="(+60)123****89",
    items=("Batik shirt, long sleeve, blue, for men",),
    skus=("SKU-1",),
    tracking="JX0800000007",
    numbers=("576460000000000013",),
    carriers=("J&T Express",),
    code=CODE,
)
LABEL = """J&T Express   Order 576460000000000013
To: Rahman Tan  (+60)123456789
No. 12, Jln Ampang 05-12, Taman Melati
53100 Kuala Lumpur, Malaysia
Batik shirt, long sleeve x 2   1.2 kg   RM 54.80
JX 0800 0000 07        22/11/2026 10:30"""


def looked_at(text: str, expected: Expected = ORDER, symbols: tuple[Symbol, ...] = ()) -> list[Finding]:
    return check(words_of(text), symbols, expected, is_picture=False)


def kinds(findings: list[Finding], kind: str) -> list[str]:
    return [finding.code for finding in findings if finding.kind == kind]


def forbidden(more: str, expected: Expected = ORDER) -> list[tuple[str, str]]:
    found = looked_at(f"{LABEL}\n{more}", expected)
    return [(finding.code, finding.detail) for finding in found if finding.kind == "forbidden"]


def test_a_good_label_is_good_and_says_what_text_alone_cannot_show() -> None:
    found = looked_at(LABEL)
    assert kinds(found, "ok") == ["name", "address", "item", "tracking"]
    assert is_good(found)
    assert kinds(found, "unread") == ["qr"]


@pytest.mark.parametrize(
    ("without", "missing"),
    [
        ("Rahman Tan", "name"),
        ("No. 12, Jln Ampang 05-12, Taman Melati\n53100 Kuala Lumpur", "address"),
        ("Batik shirt, long sleeve", "item"),
        ("JX 0800 0000 07", "tracking"),
    ],
)
def test_what_a_label_lacks_is_named(without: str, missing: str) -> None:
    found = looked_at(LABEL.replace(without, ""))
    assert kinds(found, "missing") == [missing]
    assert not is_good(found)


def test_a_masked_name_on_the_label_and_a_whole_one_in_the_books_fit_the_other_way_too() -> None:
    masked = LABEL.replace("Rahman Tan", "R*** T***")
    assert "name" in kinds(looked_at(masked), "ok")
    assert "name" in kinds(looked_at(LABEL.replace("Rahman Tan", "RAHMAN  TAN")), "ok")
    assert "name" in kinds(looked_at(LABEL.replace("Rahman Tan", "Salmah Tan")), "missing")


def test_another_number_is_not_the_tracking_number() -> None:
    assert "tracking" in kinds(looked_at(LABEL.replace("0007", "0008").replace("00 07", "00 08")), "missing")
    assert "tracking" in kinds(looked_at(LABEL.replace("JX 0800 0000 07", "JX08000000071")), "missing")


def test_where_the_order_says_nothing_nothing_is_missing() -> None:
    found = looked_at(LABEL, Expected())
    assert kinds(found, "missing") == []
    assert {"name", "address", "item", "tracking"} <= set(kinds(found, "unread"))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        # links
        ("visit https://myshop.example/x", "link"),
        ("HTTP : // myshop.test", "link"),
        ("www.batik-kl.com", "link"),
        ("batik-kl.com.my", "link"),
        ("bit.ly/3xYz", "link"),
        ("wa.me/60123", "link"),
        ("BATIKKL[dot]COM", "link"),
        ("batikkl dot com", "link"),
        ("batikkl . com", "link"),
        ("shopbatik chấm com", "link"),
        ("ｂａｔｉｋ．ｃｏｍ", "link"),
        ("bаtik-kl.cоm", "link"),  # Cyrillic a and o
        ("bat\u200bik\u2060-kl.com", "link"),
        # e-mail
        ("sales@batik-kl.com", "email"),
        ("sales (at) batik-kl [dot] com", "email"),
        ("sales＠batik.my", "email"),
        # telephone
        ("+60 12-987 6543", "phone"),
        ("(+60) 12-987 6543", "phone"),
        ("0129876543", "phone"),
        ("0 1 2 9 8 7 6 5 4 3", "phone"),
        ("0.1.2.9.8.7.6.5.4.3", "phone"),
        ("(012) 987-6543", "phone"),
        ("0812 3456 7890", "phone"),
        ("09171234567", "phone"),
        ("โทร ๐๘๑ ๒๓๔ ๕๖๗๘", "phone"),
        ("SĐT: 0912 345 678", "phone"),
        ("+84 912 345 678", "phone"),
        ("Hotline 1900 1234", "phone"),
        ("call 6789 1234", "phone"),
        ("+65 6789 1234", "phone"),
        ("０１２９８７６５４３", "phone"),
        ("𝟎𝟏𝟐𝟗𝟖𝟕𝟔𝟓𝟒𝟑", "phone"),
        # other platforms
        ("WhatsApp us", "platform"),
        ("W h a t s A p p", "platform"),
        ("w.h.a.t.s.a.p.p", "platform"),
        ("wasap je", "platform"),
        ("WA: batik", "platform"),
        ("Line ID batik99", "platform"),
        ("LINE: batik99", "platform"),
        ("แอดไลน์ batik", "platform"),
        ("Zalo batik", "platform"),
        ("Telegram", "platform"),
        ("IG: batik.kl", "platform"),
        ("INSTAGRAM", "platform"),
        ("fb/batik.kl", "platform"),
        ("เฟซบุ๊ก", "platform"),
        ("also on Shopee!", "platform"),
        ("s-h-o-p-e-e", "platform"),
        ("ЅНОРЕЕ", "platform"),  # Cyrillic throughout
        ("ช้อปปี้", "platform"),
        ("ลาซาด้า", "platform"),
        ("Lazada", "platform"),
        ("微信", "platform"),
        # names on them, and what has nothing to do with the order
        ("@batik.kl", "handle"),
        ("@ batik_kl", "handle"),
        ("give us 5 stars", "appeal"),
        ("Kasih bintang 5 ya", "appeal"),
        ("đánh giá 5 sao", "appeal"),
        ("รีวิว 5 ดาว", "appeal"),
        ("voucher inside", "appeal"),
    ],
)
def test_what_does_not_belong_on_a_label_is_found(text: str, code: str) -> None:
    assert [found for found, _ in forbidden(text)] == [code], forbidden(text)


@pytest.mark.parametrize(
    "text",
    [
        "+60123456789",  # the recipient's own, of which the books know a part
        "012-345 6789",
        "Jl.Merdeka No.5 Blok.C",
        "PT.Maju Jaya Tbk. Co.Ltd Sdn.Bhd.",
        "Order: 576460000000000013",
        "Package 1150000000000000001",
        "22-11-2026 10:30:05  01/12/2026",
        "#06-01 238823",
        "RM 0123456.00",
        "RM1,299.00 IDR 1.250.000",
        "1.2 kg 30x20x10 cm",
        "A-line dress, linen, in-line skates",
        "Address line 1: Jalan Ampang",
        "Wawasan 2020, Wangsa Maju",
        "SKU 0001-0002",
        "Sentosa Cove 098297",
        "Big: 2, sig: x",
        "Ward 5, District 10, Ho Chi Minh City",
        "Phường 5, Quận 10",
        "J&T Express EZ 300-JX0-01",
        "Qty 12 Total 3",
    ],
)
def test_what_labels_have_anyway_is_left_alone(text: str) -> None:
    assert forbidden(text) == []


def test_a_number_in_the_recipients_own_address_is_theirs() -> None:
    address = "Lot 7, Kedai Pak Ali 013-222 1111, 53100 Kuala Lumpur"
    expected = replace(ORDER, address=address, phone="+60123456789")
    assert forbidden("Kedai Pak Ali 013-222 1111", expected) == []
    assert [code for code, _ in forbidden("013-222 1112", expected)] == ["phone"]
    assert forbidden("012-3456789", expected) == []
    assert [code for code, _ in forbidden("012-3456780", expected)] == ["phone"]


def test_a_masked_number_lets_only_what_fits_it_pass() -> None:
    assert [code for code, _ in forbidden("+60123456780")] == ["phone"]
    assert [code for code, _ in forbidden("+60133456789")] == ["phone"]


def test_a_platform_that_carries_the_parcel_itself_is_no_advertisement() -> None:
    label = "Shopee Xpress"
    assert [code for code, _ in forbidden(label)] == ["platform"]
    assert forbidden(label, replace(ORDER, carriers=("SPX Express (Shopee Xpress)",))) == []


def test_codes_in_the_picture_are_judged_by_what_they_say() -> None:
    symbols = (
        Symbol("linear", "JX0800000007", 0, (0.1, 0.1, 0.5, 0.2)),
        Symbol("linear", "576460000000000013"),
        Symbol("linear", "4006381333931"),
        Symbol("qr", "https://shop.example"),
        Symbol("qr", CODE),
        Symbol("matrix", "anything"),
    )
    found = check([], symbols, ORDER, is_picture=True)
    assert kinds(found, "forbidden") == ["barcode", "qr", "own_code", "matrix"]
    assert kinds(found, "ok") == ["tracking"]
    assert found[3].place is not None
    assert found[3].place.boxes == ((0.1, 0.1, 0.5, 0.2),)


def test_of_a_picture_without_letters_it_is_said_what_was_not_looked_at() -> None:
    found = check([], (), ORDER, is_picture=True)
    assert kinds(found, "unread") == ["name", "address", "item", "tracking", "text"]
    assert kinds(found, "missing") == [], "nobody looked, so nothing is missing"


def test_our_own_code_in_print_is_found_whoever_it_belongs_to() -> None:
    assert forbidden("F7AN-Y0M5-J7AJ") == [("own_code", "F7AN-Y0M5-J7AJ")]
    assert forbidden("F7AN-Y0M5-J7AK") == [], "mistyped: no code of ours"


def test_a_finding_says_where_in_the_text_and_on_the_page_it_is() -> None:
    words = [
        Word("Call", 1, 0, (0, 0, 0.1, 0.1)),
        Word("０１２", 1, 0, (0.1, 0, 0.2, 0.1)),
        Word("987\u200b6543", 1, 0, (0.2, 0, 0.4, 0.1)),
    ]
    [finding] = [f for f in check(words, (), Expected(), is_picture=True) if f.kind == "forbidden"]
    assert finding.place is not None
    assert (finding.place.page, finding.place.boxes) == (1, ((0.1, 0, 0.2, 0.1), (0.2, 0, 0.4, 0.1)))
    text = Reading(words).text
    assert text[finding.place.start : finding.place.end] == "０１２ 987\u200b6543"


def test_folding_keeps_letters_that_mean_something() -> None:
    assert fold_text("Điện thoại ๐๘๑ ﬁne ＡＢ") == "điện thoại 081 fine ab"


@pytest.mark.timeout(30)
def test_a_hostile_text_is_searched_in_reasonable_time() -> None:
    """No pattern may explode: the page limit is enforced elsewhere, this is its whole length at its worst."""
    for text in (
        "0 " * 20_000,
        "a." * 20_000,
        "a-" * 20_000,
        "@ " * 20_000,
        "w h a t s " * 4_000,
        "* " * 20_000,
    ):
        looked_at(text)


def test_a_pasted_text_made_to_stall_the_search_does_not() -> None:
    assert has_name("r" * 10_000 + "." * 10_000, "R*** T***") is None


@pytest.mark.timeout(30)
def test_a_masked_name_made_to_stall_the_search_does_not() -> None:
    assert has_name("a" * 60, "a*" * 20 + "z") is None
    assert has_name("a-" * 5000, "a* " * 7 + "z") is None
    assert address_share("a" * 60, "a*" * 20 + "z") == (0, 1)
    assert has_name("to rina tan, kl", "R*** T**") == (3, 11)
