"""Camtrap DP packages of a few rows."""

import csv
import gzip
import io
import json

PROFILE = "https://raw.githubusercontent.com/tdwg/camtrap-dp/1.0.1/camtrap-dp-profile.json"
DEPLOYMENTS = (
    ("deploymentID", "locationID", "latitude", "longitude", "coordinateUncertainty"),
    ("d1", "hill", "51.5", "4.75", "100"),
    ("d2", "lake", "52.5", "5.25", "3000"),
)
MEDIA = (
    ("mediaID", "deploymentID", "timestamp", "filePath", "filePublic", "fileMediatype"),
    ("m1", "d1", "2020-05-30T02:57:37+00:00", "media/1.jpg", "true", "image/jpeg"),
    ("m2", "d2", "2020-06-01T12:00:00Z", "https://example.org/2.jpg", "true", "image/jpeg"),
    ("m3", "d1", "2020-05-30T02:57:40+00:00", "media/3.mp4", "true", "video/mp4"),
    ("m4", "d1", "2020-05-30T02:57:41+00:00", "../elsewhere.jpg", "true", "image/jpeg"),
)
HEAD = (
    *("observationID", "deploymentID", "mediaID", "eventID", "eventStart", "eventEnd"),
    *("observationLevel", "observationType", "scientificName", "count"),
)
NIGHT = ("e1", "2020-05-30T02:57:37+02:00", "2020-05-30T02:58:00+02:00")
DAY = ("e2", "2020-06-01T12:00:00Z", "2020-06-01T12:01:00Z")
OBSERVATIONS = (
    HEAD,
    ("o1", "d1", "m1", *NIGHT, "media", "animal", "Ardea cinerea", "1"),
    ("o2", "d1", "m1", *NIGHT, "media", "human", "Homo sapiens", "1"),
    ("o3", "d2", "", *DAY, "event", "animal", "Anas platyrhynchos", "4"),
    ("o4", "d1", "", *NIGHT, "event", "blank", "", ""),
)


def table(rows):
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def contents(deployments=DEPLOYMENTS, media=MEDIA, observations=OBSERVATIONS, *, suffix=".csv", **said):
    """The files of a package by name; said: what its description holds in place of the usual."""
    tables = {"deployments": deployments, "media": media, "observations": observations}
    described = {
        "profile": PROFILE,
        "licenses": [{"name": "CC0-1.0", "scope": "data"}, {"name": "CC-BY-4.0", "scope": "media"}],
        "resources": [{"name": name, "path": f"{name}{suffix}"} for name in tables],
    }
    pack = gzip.compress if suffix.endswith(".gz") else bytes
    files = {f"{name}{suffix}": pack(table(rows)) for name, rows in tables.items()}
    return {"datapackage.json": json.dumps(described | said).encode(), **files}
