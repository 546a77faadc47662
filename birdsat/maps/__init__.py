"""Where a taxon lives: predicted over a grid, evaluated against the truth, written and drawn."""
