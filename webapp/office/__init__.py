"""The back office: HTMX pages and the fragments they are made of."""

from flask import Blueprint

blueprint = Blueprint("office", __name__, url_prefix="/office")

from webapp.office import (  # noqa: E402, F401  (rooms register themselves on the blueprint)
    board,
    carriers,
    case_files,
    case_steps,
    cases,
    context,
    deadlines,
    exceptions,
    feeds,
    imports,
    labels,
    notice_settings,
    notices,
    orders,
    packing,
    parcel,
    parcels,
    people,
    phones,
    photos,
    places,
    prepare,
    prepare_plan,
    privacy,
    proofs,
    quarantine,
    rescue,
    review,
    rules,
    run_changes,
    runs,
    shipping,
    stamps,
    stock,
    tags,
    unsent,
)
