"""The card of a published model: what it is for, what it learned from, under which licences, how good it is, limits."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from birdsat.errors import InputError
from birdsat.fetch.hub import HubAddress
from birdsat.imagery.ground_sizes import sizes_text
from birdsat.markdown import markdown_block, markdown_code, markdown_text, yaml_text
from birdsat.methods.classifier import Classifier
from birdsat.metrics import INTERVAL, figure_texts
from birdsat.ranges.model import RangeModel
from birdsat.reading import read_json
from birdsat.tables import markdown_table
from birdsat.training.manifest import RUN_FILE, RunManifest
from birdsat.training.metrics import read_metrics
from birdsat.training.run_folder import Run

CLASSIFY_FILE, RETRIEVE_FILE = "classify.json", "retrieve.json"
_TAXA_SHOWN = 50
_NOT_STATED = "not stated"


def run_card(run: Run, manifest: RunManifest | None, address: HubAddress) -> str:
    """Of a run, as Markdown with a head of YAML. manifest: None for a run of an earlier birdsat."""
    method = type(run.method).__name__
    names_taxa = isinstance(run.method, Classifier)
    figures = _scores(run.path)
    head = _head(
        licence=run.dataset.licence,
        task="image-classification" if names_taxa else "image-feature-extraction",
        tags=("birds", "biology", method),
        model=address.repo.rpartition("/")[2],
        dataset=run.dataset.title,
        top1=_top1_of_names(figures, names_taxa),
    )
    parts = [head, f"# {method} on {markdown_text(run.dataset.title)}", _run_introduction(run, names_taxa)]
    parts += ["## Use", _use(address, _RUN_USE if run.method.sees_photos else _CHIP_USE)]
    parts += ["## Intended use", _intended(run, names_taxa)]
    parts += ["## Data", _data(run, manifest), "## Licences", _licences(run, manifest)]
    parts += ["## Labels", _labels(run, manifest)]
    parts += ["## Figures", *_figures(run.path, figures)]
    parts += ["## Limits", _run_limits(run, names_taxa), "## How it was made", _made(manifest)]
    return "\n\n".join(parts) + "\n"


def ranges_card(model: RangeModel, address: HubAddress) -> str:
    """Of a range model, as Markdown with a head of YAML."""
    facts = model.facts
    head = _head(
        licence="", task="tabular-classification", tags=("birds", "biology", "species distribution"),
        model=address.repo.rpartition("/")[2], dataset="occurrences", top1=None,
    )  # fmt: skip
    records = sum(facts.points)
    parts = [
        head,
        f"# Ranges of {len(facts.taxa):,} taxa",
        f"Where {len(facts.taxa):,} bird taxa live, month by month: a range model of birdsat, learned from {records:,} "
        f"records (after thinning) and {markdown_text(model.inputs_text)}.",
        "## Use",
        _use(address, _RANGES_USE),
        "## Intended use",
        "Maps of relative suitability, and what place and date say of a bird beside its photo. Not for saying that a "
        "taxon is absent, nor for decisions about a site without a survey.",
        "## Data",
        f"Tables: {markdown_text(', '.join(Path(table).name for table in facts.tables) or _NOT_STATED)}. Where was "
        f"looked: {markdown_text(model.observer_bias)}. Chip features are those of the run {markdown_code(facts.run)} "
        f"(fingerprint {markdown_code(facts.model)}).",
        "## Licences",
        "The tables' licences are not known to the model; those of each record stand in the tables themselves, and may "
        "bind what is learned from them.",
        "## Labels",
        _taxa(facts.taxa, facts.common_names, facts.taxonomy),
        "## Figures",
        _held_out(model.evaluation) if model.evaluation else "Nothing could be held out.",
        "## Limits",
        "A probability is relative: .5 is a place as likely among the records as among the background. Records are "
        "biased to where people are. It reads chip features of the very run above alone. It keeps the cells in which "
        "each taxon was recorded, for its area of applicability; not the records, nor chip features of the region.",
        "## How it was made",
        markdown_block(facts.command) if facts.command else "Not known.",
    ]
    return "\n\n".join(parts) + "\n"


_RUN_USE = """vectors = model.embed_photos(["a.jpg"])  # (1, d) unit vectors
names = model.classify(["a.jpg"]).top(3)"""
_CHIP_USE = """vectors = model.embed_places([(8.5, 47.4)], imagery="chips.tif")"""
_RANGES_USE = """model.thresholds(model.facts.taxa[0])
model.save("ranges/theirs")  # for `birdsat map --ranges ranges/theirs`"""


def _head(*, licence: str, task: str, tags: Sequence[str], model: str, dataset: str, top1: float | None) -> str:
    """What the hub reads. Its list of licences has few that data come under, so that ours goes by its words."""
    lines = ["---", "library_name: birdsat", f"pipeline_tag: {task}", "license: other"]
    lines += [f"license_name: {yaml_text(licence or _NOT_STATED)}", "tags:"]
    lines += [f"- {yaml_text(tag)}" for tag in tags]
    if top1 is not None:
        lines += [
            "model-index:",
            f"- name: {yaml_text(model)}",
            "  results:",
            "  - task:",
            "      type: image-classification",
            "    dataset:",
            f"      name: {yaml_text(dataset)}",
            f"      type: {yaml_text(dataset)}",
            "      split: test",
            "    metrics:",
            "    - type: accuracy",
            f"      value: {top1:.4f}",
        ]
    return "\n".join([*lines, "---"])


def _run_introduction(run: Run, names_taxa: bool) -> str:
    parameters = sum(parameter.numel() for parameter in run.method.parameters())
    what = "names the bird in a photo" if names_taxa else "makes vectors of photos, chips and places"
    sees = [f"photos of {run.photo_px} px"] if run.method.sees_photos else []
    if run.method.sees_chips and run.dataset.chip_ground_km:
        sees.append(f"satellite chips of {run.chip_px} px, {sizes_text(run.dataset.chip_ground_km)} on the ground")
    return f"A model of birdsat with {parameters:,} parameters, which {what}. It sees {' and '.join(sees) or 'chips'}."


def _use(address: HubAddress, lines: str) -> str:
    return f"```python\nimport birdsat\n\nmodel = birdsat.load({str(address)!r})\n{lines}\n```"


def _intended(run: Run, names_taxa: bool) -> str:
    if names_taxa:
        return (
            f"Naming birds in photos, among its {len(run.taxa):,} taxa and no others, for people who look at the "
            "answer. Not for records that others rely on, such as of a protected species, without such a look."
        )
    return (
        "Features for classifiers, search and maps of one's own. The names that it gives are likeness to mean photos, "
        "and not probabilities."
    )


def _data(run: Run, manifest: RunManifest | None) -> str:
    facts = run.dataset
    said = [
        f"{markdown_text(facts.title)}: {facts.train_rows:,} rows to learn from, {facts.val_rows:,} to choose by, "
        f"{len(facts.taxa):,} taxa. Fingerprint {markdown_code(facts.fingerprint)}."
    ]
    if manifest is not None:
        learned = manifest.dataset
        said += [markdown_text(learned.completeness)] if learned.completeness else []
        if learned.sources:
            said.append("Sources: " + "; ".join(markdown_text(source) for source in learned.sources) + ".")
        said += [f"Built by\n\n{markdown_block(learned.command)}"] if learned.command else []
    return "\n\n".join(said)


def _licences(run: Run, manifest: RunManifest | None) -> str:
    said = [
        f"Of the dataset: {markdown_text(run.dataset.licence or _NOT_STATED)}. Weights learned from photos may be "
        "bound by the photos' terms."
    ]
    if manifest is not None and manifest.dataset.licences:
        rows = [(count.name or _NOT_STATED, f"{count.rows:,}") for count in manifest.dataset.licences]
        said += ["Of the photos and chips of its rows:", markdown_table(("licence", "rows"), rows)]
    else:
        said.append("Those of its rows are not known to the model; the dataset lists them row by row.")
    return "\n\n".join(said)


def _labels(run: Run, manifest: RunManifest | None) -> str:
    if manifest is None:
        return _taxa(run.taxa, (), "")
    known = {taxon.name: taxon.common_name for taxon in manifest.dataset.taxa}
    return _taxa(run.taxa, [known.get(name, "") for name in run.taxa], manifest.dataset.named_by)


def _taxa(taxa: Sequence[str], common_names: Sequence[str], named_by: str) -> str:
    names = common_names or ("",) * len(taxa)
    rows = [(str(label), taxon, name) for label, (taxon, name) in enumerate(zip(taxa, names, strict=True))]
    by = f"Named by {markdown_text(named_by)}." if named_by else "Named as the sources have them, by no one list."
    said = [
        f"{by} `labels.json` has them all.",
        markdown_table(("label", "taxon", "common name"), rows[:_TAXA_SHOWN], words=3),
    ]
    return "\n\n".join([*said, f"and {len(rows) - _TAXA_SHOWN:,} more."] if len(rows) > _TAXA_SHOWN else said)


def _scores(run: Path) -> list[Mapping[str, Any]]:
    """The scores of classify.json that have a top-1; none where it is not there or damaged."""
    with suppress(OSError, InputError, LookupError, TypeError, AttributeError):
        written = read_json(run / CLASSIFY_FILE)["scores"]
        return [score for score in written if isinstance(score.get("top1"), float | int)]
    return []


def _top1_of_names(scores: Sequence[Mapping[str, Any]], names_taxa: bool) -> float | None:
    """Of what names photos by this run: the trained classifier, or the probe on photos alone. Not the best of all,
    which would be chosen on the test split."""
    of_photos = [score for score in scores if score.get("inputs") == "photo"]
    frozen = ("probe", "1-NN", "20-NN")  # of embeddings, where a trained classifier goes by other features
    named = [
        one
        for one in of_photos
        if (one.get("classifier") not in frozen if names_taxa else one.get("classifier") == "probe")
    ]
    return float(named[0]["top1"]) if named else None


def _figures(run: Path, scores: Sequence[Mapping[str, Any]]) -> list[str]:
    """Tables of what was measured, each with the split that it is of."""
    said = []
    if scores:
        rows = [
            (
                str(score.get("classifier")), str(score.get("inputs")), _share(score.get("top1")),
                _share(score.get("top5")), _share(score.get("macro")),
            )
            for score in scores
        ]  # fmt: skip
        said += [
            "On the test split:",
            markdown_table(("classifier", "inputs", "top-1", "top-5", "macro"), rows, words=2),
        ]
    with suppress(OSError, InputError, LookupError, TypeError, AttributeError):
        found = read_json(run / RETRIEVE_FILE)["results"]
        recalls: list[tuple[str, ...]] = [
            (
                str(one["direction"]),
                "yes" if one["with_metadata"] else "no",
                *(_share(one["species"][k]) for k in _RECALLS),
            )
            for one in found
        ]
        said += [
            "Retrieval of the same taxon, test split:",
            markdown_table(("", "place, date", *_RECALLS), recalls, words=2),
        ]
    val = [record for record in read_metrics(run) if record.get("split") == "val"]
    if val:
        best = min(val, key=lambda record: float(record["loss"]))
        said += [f"Losses on the val split, by which the weights of step {best['step']:,} were chosen:"]
        said.append(_table(("loss", "value"), best["losses"]))
    return said or ["None were measured."]


_RECALLS = ("r1", "r5", "r10")


def _share(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float | int) else ""


def _held_out(values: Mapping[str, float]) -> str:
    rows = [(name.replace("_", " "), shown) for name, shown in figure_texts(values).items()]
    return markdown_table(("held out", f"value ({INTERVAL:.0%} interval)"), rows)


def _table(head: tuple[str, str], values: Mapping[str, float]) -> str:
    return markdown_table(head, [(name.replace("_", " "), f"{value:.4f}") for name, value in values.items()])


def _run_limits(run: Run, names_taxa: bool) -> str:
    said = ["Photos were taken where people are, of birds that let themselves be photographed."]
    if names_taxa:
        said.append(
            f"It knows {len(run.taxa):,} taxa and gives one of them to any photo, of another bird and of no bird as "
            "well; its probabilities are calibrated on its own val split alone."
        )
    if run.photo_px < 128:
        said.append(f"At {run.photo_px} px, birds that differ in small marks are mixed up.")
    if run.method.uses_metadata:
        said.append("Place and date enter what it says of places; scores on a map are not probabilities of occurrence.")
    return " ".join(said)


def _made(manifest: RunManifest | None) -> str:
    if manifest is None:
        return "By an earlier birdsat, which did not say."
    last = manifest.sessions[-1]
    said = "\n\n".join(markdown_block(session.command) for session in manifest.sessions if session.command)
    versions = ", ".join(f"{name} {markdown_text(value)}" for name, value in last.versions().items())
    return f"{said or 'By a program.'}\n\n{versions}. `birdsat replay` makes it again from `{RUN_FILE}`."
