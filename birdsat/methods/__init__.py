"""Methods: the only place where encoders meet objectives; one file for each method of the paper."""
