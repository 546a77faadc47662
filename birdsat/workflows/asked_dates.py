"""Of which dates a request asks for records."""

from birdsat.observations.dates import read_period
from birdsat.observations.record_dates import RecordDates
from birdsat.workflows.requests.records import DatesOptions


def dates_of(options: DatesOptions) -> RecordDates:
    """From the first day of the one to the last of the other, in these months."""
    return RecordDates(
        first=None if options.from_date is None else read_period(str(options.from_date))[0],
        last=None if options.to_date is None else read_period(str(options.to_date))[1],
        months=tuple(options.record_months),
    )
