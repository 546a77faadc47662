"""Names of files in the store, which the server and its children share. Light: a child imports it for a thumbnail."""

CHECKED_FILE = "checked.parquet"  # beside an upload: its records
DROPPED_FILE = "dropped.csv"  # and the rows that are none
READ_AS_FILE = "read_as.json"  # which columns and CRS they were read by
POINTS_FILE = "points.json"  # their places and months
THUMB_FILE = "thumb.jpg"
RECORDS_FILE = "records.parquet"  # beside a project's model
SETTINGS_FILE, WEIGHTS_FILE = (
    "ranges.json",
    "ranges.safetensors",
)  # of a range model, as `birdsat.ranges.facts` has them
EXAMPLE_VERSION = 5  # of the example; one more when it is made anew
EXAMPLE_TABLE, EXAMPLE_WEIGHTS = "invented_birds.csv", "weights.npz"  # in its pack
EXAMPLE_FILES = ("effort.tif", "effort.json")  # and beside its model
EXAMPLE_LISTED = "listed.json"  # what is said of it before it is opened
PROJECT_FILE = "project.json"
LOCATED_FILE, LOCATED_CELLS_FILE = "located.bin", "located-cells.bin"  # beside a photo: where it may have been taken
