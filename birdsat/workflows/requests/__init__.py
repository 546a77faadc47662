"""Request records: one frozen dataclass a verb, light of imports. Their fields are written here and nowhere else."""
