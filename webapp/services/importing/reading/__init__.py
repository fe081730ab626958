"""From bytes to rows of cells: a bounded, streaming reader for CSV and XLSX."""
