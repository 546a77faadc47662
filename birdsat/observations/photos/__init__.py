"""Where and when a photo was taken: by its EXIF, a track, a table, or as it is given."""
