"""The page and its pictures, and what the explorer says of itself."""

from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, Response

from birdsat.explorer.answers import NotFoundError, bytes_answer, json_answer
from birdsat.explorer.asked_jobs import MOST_PHOTOS, MOST_TAXA
from birdsat.explorer.pictures import chip_png
from birdsat.explorer.routes.examples import answers, bytes_of
from birdsat.explorer.routes.models import Lat, Lon, models_of
from birdsat.explorer.state import State, state_of

api, router = APIRouter(tags=["explorer"]), APIRouter()  # what machines ask as well; the page
PAGE = Path(str(files("birdsat.explorer"))) / "page"
BASEMAP = Path(str(files("birdsat.explorer"))) / "basemap.jpg"
_KINDS = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".pbf": "application/x-protobuf",
    ".webmanifest": "application/manifest+json",
    ".txt": "text/plain; charset=utf-8",
}


def about_of(state: State, *, static: bool = False) -> dict[str, Any]:
    """What the explorer says of itself."""
    from importlib.metadata import version

    asked = state.site.request
    return {
        "version": version("birdsat"),
        "world": {
            "name": "the built-in world",
            "licence": "made of NASA's Blue Marble: Next Generation and NOAA's ETOPO, both free to use; given away "
            "under the licence of birdsat",
            "source": "Blue Marble: Next Generation, NASA Earth Observatory; ETOPO, NOAA; Natural Earth",
            "cell_deg": 0.25,
        },
        "has": {
            "run": asked.run is not None,
            "dataset": asked.dataset is not None,
            "truth": asked.truth is not None,
            "region": asked.region is not None,
            "photos": asked.run is not None and not static,
            "imagery": "Blue Marble: Next Generation, 2004" if asked.imagery is None else Path(asked.imagery).name,
            "sharpest_km": state.site.sharpest_km,
            "locate": asked.run is not None and bool(asked.ranges or asked.region) and not static,
            "place_photos": state.site.has_place_photos and not static,
        },
        "limits": {
            "upload_bytes": int(asked.upload_mb * 1e6),
            "quota_bytes": int(asked.quota_mb * 1e6),
            "photos_at_once": MOST_PHOTOS,
            "taxa_of_a_fit": MOST_TAXA,
        },
        "models": models_of(state),
        "page": {"static": static},
        "command": asked.command("explore") if asked.is_local and not static else "birdsat explore",
    }


@api.get("/v1/about", responses=answers("about"))
def about(request: Request) -> Response:
    """What this explorer has, and what it takes."""
    return json_answer(request, about_of(state_of(request)))


@api.get(
    "/v1/basemap.jpg",
    response_class=Response,
    responses=bytes_of("Blue Marble over the whole Earth, degrees", "image/jpeg"),
)
def basemap(request: Request) -> Response:
    """The Earth from above."""
    return bytes_answer(request, BASEMAP.read_bytes(), "image/jpeg", cache="public, max-age=86400")


@api.get("/v1/chip.png", response_class=Response, responses=bytes_of("A square around a place, north up", "image/png"))
def chip(
    request: Request,
    lon: Lon,
    lat: Lat,
    km: Annotated[float, Query(ge=0.1, le=5000, description="Side of the square")] = 100,
    px: Annotated[int, Query(ge=16, le=512)] = 256,
) -> Response:
    """Satellite picture of a place."""
    picture = chip_png(state_of(request).site.request.imagery, BASEMAP, lon, lat, km, px)
    return bytes_answer(request, picture, "image/png")


def page_files() -> dict[str, Path]:
    """Every file of the built page, by its address without a slash before it."""
    if not PAGE.is_dir():
        return {}
    return {
        path.relative_to(PAGE).as_posix(): path
        for path in sorted(PAGE.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


@router.get("/{name:path}", include_in_schema=False)
def page(request: Request, name: str) -> Response:
    """A file of the page. The name is looked up among those there are: none of it reaches the file system."""
    found, name = page_files(), name or "index.html"
    if name not in found:
        if name == "v1" or name.startswith("v1/"):
            raise NotFoundError(f"there is no address /{name[:100]}; see /v1/openapi.json.")
        if not found:
            raise NotFoundError(
                "this birdsat was installed without the explorer's page, which `npm ci && npm run build` in web/ "
                "makes; the API works: see /v1/openapi.json."
            )
        raise NotFoundError(f"there is no page {name[:100]!r}.")
    path = found[name]
    kind = _KINDS.get(path.suffix.lower(), "application/octet-stream")
    if name.startswith("assets/"):  # whose names change with what is in them
        return FileResponse(path, media_type=kind, headers={"cache-control": "public, max-age=31536000, immutable"})
    return bytes_answer(request, path.read_bytes(), kind)
