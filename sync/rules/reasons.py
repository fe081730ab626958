"""The reasons a person can choose from, by event kind: stable codes with words for the screen.

A reason outside this list is kept as it came: the list guides the phone, it never refuses a record.
"""

from __future__ import annotations

REASONS: dict[str, tuple[tuple[str, str], ...]] = {
    "attempt": (
        ("nobody_home", "Nobody at home"),
        ("address_wrong", "Address wrong or incomplete"),
        ("refused", "Recipient refused it"),
        ("no_access", "No way in"),
        ("asked_later", "Recipient asked for another time"),
        ("payment_missing", "Cash on delivery not ready"),
        ("other", "Other"),
    ),
    "report": (
        ("damage", "Damaged"),
        ("loss", "Missing"),
        ("wrong_parcel", "Wrong parcel"),
        ("short_count", "Fewer than listed"),
        ("refused", "Handover refused"),
        ("retake", "New photo, as the office asked"),
        ("other", "Other"),
    ),
    "void": (
        ("mistake", "Scanned by mistake"),
        ("wrong_parcel", "Wrong parcel"),
        ("not_handed_over", "It was not handed over after all"),
        ("other", "Other"),
    ),
    "return": (
        ("refused", "Recipient refused it"),
        ("undeliverable", "Could not be delivered"),
        ("cancelled", "Order was cancelled"),
        ("damaged", "Damaged"),
        ("other", "Other"),
    ),
    "cancel": (
        ("out_of_stock", "Out of stock"),
        ("buyer_request", "The buyer asked for it"),
        ("price_error", "Wrong price"),
        ("address_undeliverable", "The address cannot be delivered to"),
        ("marketplace", "Cancelled by the marketplace"),
        ("other", "Other"),
    ),
    "override": (
        ("carrier_agreed", "The carrier takes it all the same"),
        ("list_outdated", "The list is out of date"),
        ("label_replaced", "The label was replaced"),
        ("other", "Other"),
    ),
}

# Reports that say the parcel itself is harmed.
DAMAGE = frozenset({"damage", "damaged"})
# Reports that are no complaint about the parcel.
NO_COMPLAINT = frozenset({"retake"})
