"""What every map is compared with: models of where a taxon lives that are quick to fit and long known."""
