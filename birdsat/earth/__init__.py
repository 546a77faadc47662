"""Place, date, boxes, distance, grids and rasters. Knows of no birds and needs no torch."""
