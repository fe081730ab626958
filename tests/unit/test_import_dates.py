"""Day or month first is decided once for a file, from all its rows, and never guessed."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sync.protocol.problems import Problem
from webapp.services.importing.meaning.dates import DateJudge, read_time
from webapp.services.importing.meaning.values import Unreadable

NOW = datetime(2026, 11, 22, 9, 0)
FORMS = {"dmy": "%d/%m/%Y %H:%M:%S", "mdy": "%m/%d/%Y %H:%M:%S"}


def judge(*rows: dict[str, object], now: datetime = NOW) -> DateJudge:
    made = DateJudge(now)
    for number, cells in enumerate(rows, start=2):
        made.feed(number, cells)
    return made


def problem_of(made: DateJudge, chosen: str | None = None) -> Problem:
    with pytest.raises(Problem) as refused:
        made.decide(chosen)
    assert refused.value.code == "import-dates"
    return refused.value


times = st.datetimes(datetime(2020, 1, 1), datetime(2026, 11, 20)).map(lambda at: at.replace(microsecond=0))


@given(st.lists(times, min_size=1, max_size=30), st.sampled_from(["dmy", "mdy"]))
def test_one_day_above_12_anywhere_decides_the_file_and_every_date_comes_back(
    dates: list[datetime], form: str
) -> None:
    assume(any(at.day > 12 for at in dates))
    made = judge(*({"created_at": at.strftime(FORMS[form])} for at in dates))
    assert made.decide() == form
    assert [read_time(at.strftime(FORMS[form]), form) for at in dates] == dates
    assert made.newest(form) == max(dates)


@given(st.lists(times, min_size=2, max_size=20), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_change_the_decision(dates: list[datetime], chance) -> None:
    rows = [{"created_at": at.strftime(FORMS["dmy"])} for at in dates]

    def outcome(made: DateJudge) -> str:
        try:
            return made.decide()
        except Problem as problem:
            return "ask" if "ask" in problem.members else "mixed"

    before = outcome(judge(*rows))
    chance.shuffle(rows)
    assert outcome(judge(*rows)) == before


def test_a_file_that_mixes_both_is_refused_and_both_rows_are_named() -> None:
    problem = problem_of(judge({"created_at": "25/11/2025 10:00:00"}, {}, {"paid_at": "11/26/2025 10:00:00"}))
    assert "row 2" in problem.detail
    assert "row 4" in problem.detail
    assert "ask" not in problem.members


def test_a_file_in_which_no_row_decides_asks_and_names_one_row() -> None:
    problem = problem_of(judge({"created_at": "03/04/2026 10:00:00"}))
    assert problem.members["ask"] == {"row": 2, "text": "03/04/2026 10:00:00"}


def test_the_answer_decides_such_a_file() -> None:
    made = judge({"created_at": "03/04/2026 10:00:00"})
    assert made.decide("dmy") == "dmy"
    assert made.decide("mdy") == "mdy"


def test_an_answer_that_a_row_contradicts_is_refused_with_that_row() -> None:
    problem = problem_of(
        judge({"created_at": "03/04/2026 10:00:00"}, {"created_at": "25/04/2026 10:00:00"}), "mdy"
    )
    assert "row 3" in problem.detail


def test_dates_that_read_the_same_either_way_need_no_decision() -> None:
    made = judge({"created_at": "05/05/2026 10:00:00", "paid_at": "05/05/2026 10:05:00"})
    assert read_time("05/05/2026 10:00:00", made.decide()) == datetime(2026, 5, 5, 10)


def test_an_order_that_would_be_shipped_before_it_was_made_decides() -> None:
    # 5 February, shipped 4 March; the other way round: 2 May, shipped 3 April.
    made = judge({"created_at": "05/02/2026 10:00:00", "shipped_at": "04/03/2026 10:00:00"})
    assert made.decide() == "dmy"


def test_a_date_that_would_lie_in_the_future_decides() -> None:
    # On 22 November: 11 January is past, 1 November too, but 1 December is not.
    assert judge({"created_at": "12/01/2026 10:00:00"}).decide() == "dmy"
    assert judge({"created_at": "01/12/2026 10:00:00"}).decide() == "mdy"


def test_payment_at_the_door_long_after_delivery_says_nothing_of_the_dates() -> None:
    problem_of(judge({"created_at": "03/04/2026 10:00:00", "paid_at": "02/04/2026 09:00:00"}))


def test_a_few_hours_backwards_are_two_clocks_and_no_evidence() -> None:
    problem_of(judge({"created_at": "03/04/2026 10:00:00", "rts_at": "03/04/2026 08:00:00"}))
    # 4 March, labelled two hours before it on 3 March; the other way round it would be a month.
    made = judge({"created_at": "04/03/2026 01:00:00", "rts_at": "03/03/2026 23:00:00"})
    assert made.decide() == "dmy"


def test_a_date_that_is_no_day_at_all_decides_nothing() -> None:
    made = judge({"created_at": "31/13/2026 10:00:00"}, {"created_at": "20/10/2026 10:00:00"})
    assert made.decide() == "dmy"


def test_times_of_twelve_hours_are_understood() -> None:
    assert read_time("11/22/2025 4:20:51 PM", "mdy") == datetime(2025, 11, 22, 16, 20, 51)
    assert read_time("11/22/2025 12:20 am", "mdy") == datetime(2025, 11, 22, 0, 20)
    with pytest.raises(Unreadable):
        read_time("11/22/2025 14:20:51 PM", "mdy")


def test_a_year_in_front_has_one_reading() -> None:
    made = judge({"created_at": "2026-03-04 10:00:00"})
    assert made.decide() == "ymd"
    assert read_time("2026-03-04 10:00:00", "ymd") == datetime(2026, 3, 4, 10)


def test_years_in_front_and_slashes_in_one_file_are_mixed() -> None:
    problem_of(judge({"created_at": "2026-03-04 10:00:00"}, {"created_at": "03/04/2026 10:00:00"}))


def test_date_cells_beside_text_are_a_spreadsheets_doing_and_refused() -> None:
    made = judge({"created_at": datetime(2026, 3, 4)}, {"created_at": "25/04/2026 10:00:00"})
    assert "row 2" in problem_of(made).detail


def test_date_cells_alone_are_believed_only_with_a_day_above_12() -> None:
    assert judge({"created_at": datetime(2026, 4, 25, 10)}).decide() == "dmy"
    problem_of(judge({"created_at": datetime(2026, 3, 4, 10)}))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "25/12/26 10:00",
        "2026",
        "25/12/2026",
        "25/12-2026 10:00",
        "1/1/1999 10:00",
        datetime(1899, 12, 30),  # a spreadsheet's zero, shown as a date
        datetime(1, 1, 1),
    ],
)
def test_anything_else_is_no_date(text: str | datetime) -> None:
    with pytest.raises(Unreadable) as refused:
        read_time(text, "dmy")
    assert refused.value.code == "date_invalid"


@given(st.text(max_size=40))
def test_no_text_breaks_the_judge(text: str) -> None:
    made = judge({"created_at": text})
    try:
        order = made.decide()
        read_time(text, order)
    except (Problem, Unreadable):
        pass


def test_the_newest_time_is_of_the_reading_that_was_decided() -> None:
    made = judge({"created_at": "01/12/2025 10:00:00"}, {"created_at": "20/03/2026 10:00:00"})
    assert made.newest(made.decide()) == datetime(2026, 3, 20, 10)
    assert NOW - timedelta(days=1) > datetime(2026, 3, 20)
