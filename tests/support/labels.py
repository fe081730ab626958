"""Labels made for tests: PDFs with real text, pictures with real codes."""

from __future__ import annotations

import ctypes
import io
from collections.abc import Sequence

import pypdfium2
import pypdfium2.raw as pdfium
import qrcode
import zxingcpp
from PIL import Image

A6 = (298, 420)


def pdf(lines: Sequence[str], picture: Image.Image | None = None, pages: int = 1, turned: int = 0) -> bytes:
    """A PDF whose pages say these lines, with a picture in the lower right corner."""
    document = pypdfium2.PdfDocument.new()
    for _ in range(pages):
        page = document.new_page(*A6)
        for number, line in enumerate(lines):
            text = pdfium.FPDFPageObj_NewTextObj(document, b"Helvetica", 12)
            units = (line + "\0").encode("utf-16-le")
            buffer = (ctypes.c_ushort * (len(units) // 2)).from_buffer_copy(units)
            pdfium.FPDFText_SetText(text, buffer)
            pdfium.FPDFPageObj_Transform(text, 1, 0, 0, 1, 20, A6[1] - 40 - 20 * number)
            pdfium.FPDFPage_InsertObject(page, text)
        if picture is not None:
            _put(document, page, picture)
        if turned:
            page.set_rotation(turned)
        page.gen_content()
    out = io.BytesIO()
    document.save(out)
    document.close()
    return out.getvalue()


def _put(document: pypdfium2.PdfDocument, page: pypdfium2.PdfPage, picture: Image.Image) -> None:
    image = pypdfium2.PdfImage.new(document)
    image.set_bitmap(pypdfium2.PdfBitmap.from_pil(picture.convert("RGB")))
    image.set_matrix(pypdfium2.PdfMatrix().scale(90, 90).translate(180, 30))
    page.insert_obj(image)


def qr(text: str) -> Image.Image:
    """A QR code."""
    made: Image.Image = qrcode.make(text, box_size=6).get_image().convert("RGB")
    return made


def bars(text: str) -> Image.Image:
    """A Code 128."""
    barcode = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.Code128)
    return Image.fromarray(zxingcpp.write_barcode_to_image(barcode, scale=3, add_quiet_zones=True)).convert(
        "RGB"
    )


def photo(*parts: Image.Image, size: tuple[int, int] = (900, 1200), form: str = "JPEG") -> bytes:
    """A picture of a label with these parts one under the other, and no text layer."""
    page = Image.new("RGB", size, "white")
    at = 60
    for part in parts:
        page.paste(part, (80, at))
        at += part.height + 60
    out = io.BytesIO()
    page.save(out, form)
    return out.getvalue()
