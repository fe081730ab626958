"""Every rule of the guide has its trials by name: what shows R1 to R33, and that each of these tests is there.

The words of each rule are in `sync/rules/guide_rules.toml`; here is where each is tried, at the floor where it lives.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from sync.rules import guide
from tests.support.programs import ROOT

SHOWN_BY: Mapping[str, tuple[tuple[str, str], ...]] = {
    "R1": (
        (
            "tests/integration/test_stock.py",
            "test_of_forty_those_that_can_be_are_confirmed_and_the_rest_is_told_what_is_short",
        ),
    ),
    "R2": (
        ("tests/js/pages.test.js", "a cancelled parcel stops a handover, not a report about it"),
        (
            "tests/web/test_office_prepare.py",
            "test_ticked_parcels_are_cancelled_with_a_reason_from_the_list",
        ),
        (
            "tests/web/test_office_parcel.py",
            "test_a_parcel_that_has_not_left_is_cancelled_with_a_reason_from_its_page",
        ),
    ),
    "R3": (
        (
            "tests/e2e/test_phone_packing.py",
            "test_a_parcel_is_packed_offline_with_its_checklist_its_count_and_a_photo",
        ),
    ),
    "R4": (
        (
            "tests/integration/test_packing.py",
            "test_a_mark_reaches_parcels_that_are_there_and_those_imported_later",
        ),
    ),
    "R5": (
        (
            "tests/e2e/test_phone_packing.py",
            "test_a_parcel_is_packed_offline_with_its_checklist_its_count_and_a_photo",
        ),
    ),
    "R6": (
        ("tests/web/test_office_packing.py", "test_what_was_not_ticked_and_counted_is_read_on_the_parcel"),
    ),
    "R7": (("tests/unit/test_labels.py", "test_what_a_label_lacks_is_named"),),
    "R8": (
        ("tests/web/test_office_labels.py", "test_each_forbidden_thing_is_drawn_on_the_page"),
        ("tests/unit/test_labels.py", "test_our_own_code_in_print_is_found_whoever_it_belongs_to"),
    ),
    "R9": (("tests/unit/test_cases.py", "test_r9_a_bad_label_is_at_the_sellers_cost"),),
    "R10": (
        (
            "tests/unit/test_packs.py",
            "test_vietnams_own_cancellation_replaces_the_guides_for_standard_orders_of_the_marketplace_only",
        ),
    ),
    "R11": (
        ("tests/web/test_office_carriers.py", "test_what_the_seller_ships_is_due_until_it_is_marked"),
        (
            "tests/integration/test_ship_by_seller.py",
            "test_an_order_is_due_from_our_handover_until_an_export_or_a_person_marks_it",
        ),
    ),
    "R12": (("tests/e2e/test_main_job.py", ""),),
    "R13": (
        (
            "tests/integration/test_sweep.py",
            "test_r13_r14_and_the_carriers_first_scan_are_stored_with_number_and_source",
        ),
        ("tests/unit/test_deadlines.py", "test_a_rule_is_open_one_second_before_and_passed_when_due"),
    ),
    "R14": (
        (
            "tests/integration/test_sweep.py",
            "test_r13_r14_and_the_carriers_first_scan_are_stored_with_number_and_source",
        ),
        ("tests/unit/test_deadlines.py", "test_a_rule_is_open_one_second_before_and_passed_when_due"),
    ),
    "R15": (("tests/e2e/test_phone_collect.py", "test_another_carriers_parcel_is_taken_only_with_a_reason"),),
    "R16": (("tests/unit/test_event_schema.py", ""),),
    "R17": (("tests/e2e/test_main_job.py", ""),),
    "R18": (
        (
            "tests/integration/test_carrier_feeds.py",
            "test_a_carriers_word_moves_the_parcel_at_the_carriers_own_time",
        ),
        ("tests/e2e/test_phone_screens.py", "test_a_signature_survives_a_turned_phone_and_a_crash"),
    ),
    "R19": (
        (
            "tests/integration/test_carrier_feeds.py",
            "test_the_same_report_by_any_way_and_any_number_of_times_is_one_event",
        ),
        (
            "tests/integration/test_sweep.py",
            "test_r13_r14_and_the_carriers_first_scan_are_stored_with_number_and_source",
        ),
    ),
    "R20": (
        ("tests/web/test_office_carriers.py", "test_an_empty_shop_begins_with_a_carrier_of_the_public_table"),
    ),
    "R21": (
        ("tests/integration/test_sweep.py", "test_r21_two_failed_attempts_are_lost_whatever_the_clock_says"),
    ),
    "R22": (
        (
            "tests/integration/test_sweep.py",
            "test_r22_what_was_handed_over_and_never_acknowledged_is_lost_after_12_days",
        ),
        ("tests/unit/test_deadlines.py", "test_the_clock_deems_at_the_very_second_and_dates_it_then"),
    ),
    "R23": (
        ("tests/unit/test_cases.py", "test_r23_and_r31_letters_are_written_in_the_language_of_every_market"),
        (
            "tests/integration/test_cases_and_the_clock.py",
            "test_r23_buyers_who_paid_are_told_to_request_a_refund_once_for_each_case_and_order",
        ),
    ),
    "R24": (("tests/unit/test_deadlines.py", "test_the_marketplaces_delivery_promise_is_what_delays"),),
    "R25": (
        (
            "tests/integration/test_sweep.py",
            "test_r25_an_order_without_an_update_is_cancelled_after_15_days_and_not_a_second_before",
        ),
        ("tests/unit/test_packs.py", "test_working_days_skip_the_markets_days_off_and_holidays"),
        (
            "tests/unit/test_packs.py",
            "test_a_day_that_summer_time_makes_shorter_still_ends_at_its_last_second",
        ),
    ),
    "R26": (
        (
            "tests/unit/test_cases.py",
            "test_r26_what_was_paid_beforehand_comes_back_and_cash_on_delivery_leaves_nothing",
        ),
        (
            "tests/integration/test_cases.py",
            "test_money_comes_back_for_what_was_paid_beforehand_and_is_tracked_to_its_end",
        ),
    ),
    "R27": (
        (
            "tests/integration/test_sweep.py",
            "test_r27_an_order_is_reminded_of_once_a_day_from_the_first_missed_update_to_day_15",
        ),
        ("tests/integration/test_sweep.py", "test_r27_ends_with_the_update"),
    ),
    "R28": (
        (
            "tests/integration/test_packing.py",
            "test_dangerous_goods_stop_the_office_and_the_phone_until_they_are_let_go",
        ),
    ),
    "R29": (
        (
            "tests/integration/test_packing.py",
            "test_a_count_that_is_not_the_orders_is_seen_and_goes_when_the_order_is_corrected",
        ),
    ),
    "R30": (
        (
            "tests/unit/test_cases.py",
            "test_r30_a_complaint_has_forty_days_and_nothing_else_has_a_time_without_a_source",
        ),
        (
            "tests/integration/test_cases_and_the_clock.py",
            "test_r30_a_case_past_its_deadline_raises_one_alarm_and_says_so_in_its_history",
        ),
    ),
    "R31": (
        (
            "tests/integration/test_cases.py",
            "test_r31_force_majeure_pauses_its_parcels_deadlines_and_ends_with_the_case",
        ),
        (
            "tests/integration/test_cases_and_the_clock.py",
            "test_r31_a_period_ends_at_its_second_by_itself_and_the_deadlines_go_on",
        ),
        ("tests/integration/test_sweep.py", "test_r31_force_majeure_stops_the_clock_of_the_parcels_it_names"),
    ),
    "R32": (
        ("tests/e2e/test_phone_packing.py", "test_a_return_is_begun_and_ended_with_the_proof_of_a_handover"),
    ),
    "R33": (
        (
            "tests/integration/test_propose_many.py",
            "test_a_list_is_proposed_for_oldest_first_and_taken_as_it_was_shown",
        ),
        ("tests/web/test_office_stock.py", "test_an_order_says_from_where_and_with_whom_and_why"),
    ),
}


def test_all_of_the_guides_rules_are_told_and_tried() -> None:
    assert list(guide.RULES) == [f"R{number}" for number in range(1, 34)] == list(SHOWN_BY)


@pytest.mark.parametrize("number", SHOWN_BY)
def test_what_tries_a_rule_is_there(number: str) -> None:
    assert guide.RULES[number].says
    for path, name in SHOWN_BY[number]:
        text = (ROOT / path).read_text(encoding="utf-8")
        wanted = f"def {name}(" if path.endswith(".py") else f'test("{name}"'
        assert not name or wanted in text, (path, name)
        assert re.search(r"\b(def test_|test\()", text), (path, name)
