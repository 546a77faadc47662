"""What a finished verb prints: one function a verb, from its result record."""

from birdsat.workflows.fit_ranges import FitResult


def fit(result: FitResult) -> None:
    """The size of the model and its figures."""
    facts = result.model.facts
    print(f"{len(facts.taxa):,} taxa, {sum(facts.points):,} records: {result.folder}")
    print(*(f"{name.replace('_', ' ')}: {value:.3g}" for name, value in result.model.evaluation.items()), sep="\n")
