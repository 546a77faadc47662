"""What a table from elsewhere may ask for at the most, so that a damaged or hostile file costs seconds and not the
machine. Real tables stay far below: GBIF's have 50 columns and rows of half a kilobyte, Darwin Core some 250 terms."""

MAX_ROW_BYTES = 1 << 21  # a row of text, and the head; also what is read at a time
MAX_COLUMNS = 4096
MAX_DESCRIPTION_BYTES = 1 << 22  # of meta.xml and datapackage.json
MAX_DESCRIPTION_DEPTH = 32  # elements within elements
MAX_HEAD_LINES = 1000  # before the first row, as meta.xml counts them
# A zip or gzip that unpacks to more than this, and to so many times its own size, is made to harm: tables of text pack
# to a tenth or so. The first number lets small ones pass that say one thing over and over.
MAX_UNPACKED_BYTES, MAX_UNPACKED_TIMES = 1 << 30, 300
