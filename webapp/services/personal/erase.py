"""Take a person's name, numbers and addresses out of the books; what was signed stays as it was signed.

Events cannot be changed without ceasing to be evidence: a name that somebody signed with stays in them, and is said to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sync.protocol.problems import Problem
from sync.rules.lifecycle import ENDED
from webapp.services.keeping.acts import write_act
from webapp.services.keeping.delete_old import clear_marked
from webapp.services.personal.find import Person, find_person
from webapp.store import import_writing
from webapp.store.models import ABOUT_BUYER, Case, Parcel, User
from webapp.store.queries import deletions, keeping, labels, persons
from webapp.store.unit import Session, lock_org, transaction

SIGNED = (
    "Records that a phone signed are evidence and cannot be changed: a name that somebody gave as they signed is in"
    " them. They are kept to make and to answer legal claims."
)
_OVER = ENDED - {"returning"}
PHOTOS = (
    "Photos of their parcels are evidence and stay: a label in them shows name, telephone and address. They go only"
    " after the days that are set under Privacy."
)
_TELLS_NOBODY = {"city", "postcode"}  # alone: "May" is a town, and a month
BACKED_UP = "Backups made before still have all of it, until they are replaced."
_WAITS = {
    "review": "A record that they signed at the door waits for review: review it first, or erase without signatures.",
    "retake": "Their signature is to be given again: settle that task first, or erase without signatures.",
    "hold": "A parcel that they signed for is on hold: take that back first, or erase without signatures.",
}
SHARED = "Signatures that were given for other people's parcels as well are kept."
_KEPT = {
    "elsewhere": SHARED,
    "quarantine": (
        "A picture of theirs stays while a record that names it is held back: take it in or set it aside,"
        " and erase again."
    ),
}
_MOST_NAMED = 10
_SHOWN_IN_CASE = (
    "Case {} is open, and the label check of a parcel in it shows a page with this person's label:"
    " erase when it is closed."
)
_SHOWN_BY_OTHERS = (
    "Label checks of other parcels showed a page with their label: {}. The page is deleted there too, with what was"
    " read off it; what was found stays. To have the picture again, check a file of that label alone."
)
_PAGES_GONE = (
    "Its pages were erased, with what was read off them: another buyer's label was on one, and they asked."
)


@dataclass(slots=True)
class Erased:
    """What was erased, in numbers, and what stays with the reason. `others`: orders that may be the same person's."""

    key: str
    kind: str
    counts: dict[str, int] = field(default_factory=dict)
    stays: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """As a command tells it."""
        return asdict(self)


def erase_person(
    org_id: str, asked: str, made_by: str | None, now: datetime, *, with_signatures: bool = False
) -> Erased:
    """Erase whom `asked` means (`find_person`); twice is once.

    Problem `still-used` while they work here, or while a parcel of theirs is under way or in an open case.
    """
    with transaction() as session:
        head = lock_org(session, org_id)
        person = find_person(session, org_id, asked)
        done = Erased(person.key, "staff" if person.user else "buyer", others=list(person.others))
        if person.user is not None:
            _erase_staff(session, person.user, done, now)
        else:
            _erase_buyer(session, org_id, head, person, done, made_by, now, with_signatures=with_signatures)
        done.stays.append(BACKED_UP)
        data = {"is": done.kind, "id": done.key, **done.counts}
        write_act(session, org_id, "person_erased", made_by, now, data)
    clear_marked(org_id, now)
    return done


def _erase_staff(session: Session, user: User, done: Erased, now: datetime) -> None:
    if user.active:
        raise Problem("still-used", f"{user.name} still works here: end their work first, under People.")
    done.counts = {**persons.forget_staff(session, user, now)}
    done.stays.append(SIGNED)


def _erase_buyer(
    session: Session,
    org_id: str,
    head: int,
    person: Person,
    done: Erased,
    made_by: str | None,
    now: datetime,
    *,
    with_signatures: bool,
) -> None:
    order_ids = [order.order_id for order in person.orders]
    parcels = persons.parcels_of(session, org_id, order_ids)
    codes = [parcel.code for parcel in parcels]
    cases = persons.cases_about(session, org_id, codes)
    _refuse_if_needed(parcels, [case.number for case in cases if case.state == "open"])
    done.counts["orders"] = len(order_ids)
    done.counts["case_texts"] = persons.forget_words(session, org_id, cases, _words(person))
    pages = _labels(session, org_id, codes, done)
    persons.forget_buyer(session, org_id, order_ids, now)
    import_writing.mark_parcels_of(session, org_id, head, order_ids)
    signatures = _signatures(session, org_id, codes, done) if with_signatures else set()
    events = persons.events_of_parcels(session, org_id, codes)
    blobs, kept = persons.free_to_go(session, org_id, pages | signatures, events)
    deletions.mark(session, org_id, blobs, deletions.ERASED, now, made_by=made_by)
    done.counts["pictures"] = len(blobs)
    done.stays += [said for why, said in _KEPT.items() if kept[why] and said not in done.stays]
    if events:
        done.stays.append(SIGNED)
    if photos := deletions.photos_of(session, org_id, events, codes):
        done.counts["photos_kept"] = photos
        done.stays.append(PHOTOS)
    _tell_of_files(session, org_id, cases, done)
    _tell_of_pictures(session, org_id, kept["filed"] & pages, kept["filed"] & signatures, done)


def _words(person: Person) -> set[str]:
    telling = set(ABOUT_BUYER) - _TELLS_NOBODY
    return {value for order in person.orders for name in telling if (value := getattr(order, name))}


def _labels(session: Session, org_id: str, codes: list[str], done: Erased) -> set[str]:
    """Forget the checks of their labels; gives the digests of the pages. Problem `still-used`.

    Of a page of many labels theirs is one, whichever parcel it was looked at for: left there, it would show their
    address for good, and nothing would tell any more whose it is.
    """
    own = persons.labels_of(session, org_id, codes)
    persons.forget_labels(session, org_id, own)
    done.counts["label_checks"] = len(own)
    pages = {sha256 for label in own for sha256 in label.pages}
    others = labels.showing(session, org_id, pages)
    if not others:
        return pages
    named = sorted({check.code for check in others})
    for case in persons.cases_about(session, org_id, named):
        if case.state == "open":
            raise Problem("still-used", _SHOWN_IN_CASE.format(case.number))
    done.counts["label_checks_of_others"] = len(others)
    more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
    done.stays.append(_SHOWN_BY_OTHERS.format(", ".join(named[:_MOST_NAMED]) + more))
    labels.take_pages(session, org_id, others, persons.GONE, _PAGES_GONE)
    return pages


def _signatures(session: Session, org_id: str, codes: list[str], done: Erased) -> set[str]:
    """Digests of what they signed at the door; those of others' parcels too stay. Problem `still-used`."""
    mine, shared = persons.signatures_at_the_door(session, org_id, codes)
    if why := keeping.needed(session, org_id, mine):
        raise Problem("still-used", _WAITS[why[0]])
    if shared:
        done.stays.append(SHARED)
    return mine


def _tell_of_files(session: Session, org_id: str, cases: Sequence[Case], done: Erased) -> None:
    numbers = {case.id: case.number for case in cases}
    for case_id, count in Counter(
        it.subject for it in persons.files_of_cases(session, org_id, numbers)
    ).items():
        many = "1 file is" if count == 1 else f"{count} files are"
        done.stays.append(
            f"Case {numbers[case_id]}: {many} attached to it. Look, and delete there what is theirs."
        )


def _tell_of_pictures(
    session: Session, org_id: str, pages: set[str], signatures: set[str], done: Erased
) -> None:
    """Of what stays because a case has it as a file, whomever that is about."""
    for number in persons.cases_with(session, org_id, pages):
        done.stays.append(f"Case {number}: a page with their label is a file of it. Delete it there.")
    for number in persons.cases_with(session, org_id, signatures):
        done.stays.append(
            f"Case {number}: their signature is a file of it. Delete it there, and erase again."
        )


def _refuse_if_needed(parcels: list[Parcel], open_cases: list[int]) -> None:
    under_way = [parcel.code for parcel in parcels if parcel.status not in _OVER]
    if under_way:
        raise Problem(
            "still-used",
            f"Parcel {under_way[0]} is under way, and cannot arrive without name and address: erase when it is over.",
        )
    if open_cases:
        raise Problem(
            "still-used", f"Case {open_cases[0]} is open and about this person: erase when it is closed."
        )
