"""Tables, by subject. Every table but the installation's begins its key with the organisation."""

from webapp.store.models.blobs import Blob, BlobRef, Upload, UploadPart
from webapp.store.models.carriers import Carrier, CarrierReport
from webapp.store.models.cases import Case, CaseEntry, CaseParcel, LabelCheck, OfficeFile
from webapp.store.models.deadlines import Deadline
from webapp.store.models.devices import Device, Enrolment
from webapp.store.models.evidence import PhotoCheck, PhotoCode, PhotoPrint, ProofCheck
from webapp.store.models.keeping import DeletedBlob, OfficeAct
from webapp.store.models.ledger import Event, EventParcel, Quarantined, QuarantinedBlob, Receipt
from webapp.store.models.notices import Delivery, Notice, NoticeChoice, NoticeSettings, PushSubscription
from webapp.store.models.parcels import (
    ABOUT_BUYER,
    Anomaly,
    ImportFile,
    Order,
    OrderLine,
    Parcel,
    ParcelOrder,
    ProductMark,
)
from webapp.store.models.people import DESK_ROLES, NO_SHOP, ROLES, Installation, Organisation, User
from webapp.store.models.rescue import RescueFile, RescueItem
from webapp.store.models.stamps import DayStamp
from webapp.store.models.stock import Reservation, Stock, StockMove
from webapp.store.models.work import Place, Run, RunParcel, Task

__all__ = [
    "ABOUT_BUYER",
    "DESK_ROLES",
    "NO_SHOP",
    "ROLES",
    "Anomaly",
    "Blob",
    "BlobRef",
    "Carrier",
    "CarrierReport",
    "Case",
    "CaseEntry",
    "CaseParcel",
    "DayStamp",
    "Deadline",
    "DeletedBlob",
    "Delivery",
    "Device",
    "Enrolment",
    "Event",
    "EventParcel",
    "ImportFile",
    "Installation",
    "LabelCheck",
    "Notice",
    "NoticeChoice",
    "NoticeSettings",
    "OfficeAct",
    "OfficeFile",
    "Order",
    "OrderLine",
    "Organisation",
    "Parcel",
    "ParcelOrder",
    "PhotoCheck",
    "PhotoCode",
    "PhotoPrint",
    "Place",
    "ProductMark",
    "ProofCheck",
    "PushSubscription",
    "Quarantined",
    "QuarantinedBlob",
    "Receipt",
    "RescueFile",
    "RescueItem",
    "Reservation",
    "Run",
    "RunParcel",
    "Stock",
    "StockMove",
    "Task",
    "Upload",
    "UploadPart",
    "User",
]
