"""How large a file may be: every number that bounds the reader, with its reason."""

from __future__ import annotations

MAX_BYTES = 60 * 1024 * 1024  # a month of a very large shop is about 40 MB of CSV
MAX_ROWS = 500_000
MAX_COLUMNS = 400  # the export has about 65
MAX_CELL = 32_767  # what a spreadsheet's cell can hold
MAX_BAD_ROWS = 50_000  # beyond this it is not the file that somebody meant to import

# A workbook is a zip: these hold before any part of it is given to the workbook reader.
MAX_PARTS = 1_000
MAX_INFLATED = 512 * 1024 * 1024
MAX_RATIO = 250  # real exports inflate 10 to 60 times, a bomb up to 1,032 times
RATIO_FROM = 1024 * 1024  # small parts may be as repetitive as they like

# Texts that a workbook's cells share are the one thing of it that has to be held in memory.
MAX_SHARED_TEXTS = 1_000_000
MAX_SHARED_CHARS = 64 * 1024 * 1024
MAX_BESIDE = 16 * 1024 * 1024  # names of sheets, relations, styles: an export's are a few kilobytes
