"""Encoders: pixels, places and dates in; tokens out. They know nothing of datasets or losses."""
