"""Where a taxon lives: predicted over a grid, judged against the truth, written and drawn."""
