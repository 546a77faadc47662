"""Names of files in the store, which the server and its children share. Light: a child imports it for a thumbnail."""

CHECKED_FILE = "checked.parquet"  # beside an upload: its records
DROPPED_FILE = "dropped.csv"  # and the rows that are none
THUMB_FILE = "thumb.jpg"
RECORDS_FILE = "records.parquet"  # beside a project's model
PROJECT_FILE = "project.json"
SCATTER_FILE = "scatter.bin"
LOCATED_FILE, LOCATED_CELLS_FILE = "located.bin", "located-cells.bin"  # beside a photo: where it may have been taken
