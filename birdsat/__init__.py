"""birdsat: bird species from photos, places, dates and satellite images."""
