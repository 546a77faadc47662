"""An error for people who opened an address in a browser: a page of its own, without a script, in place of JSON.

Where the token is needed, it has a field for it, which sends it as the address does that is printed at the start.
"""

import html
from collections.abc import Iterable, MutableMapping
from importlib.resources import files
from typing import Any

from starlette.responses import Response

from birdsat.errors import BirdsatError
from birdsat.explorer.answers import RefusedError, error_answer

# Nothing runs and nothing is loaded; what is typed goes to this server alone.
PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_STYLE = (files("birdsat.explorer") / "error_page.css").read_text("utf-8")
_NEEDED = (
    "This explorer is shared, and shows itself to those who know its token. Whoever started it has the token: it is at "
    "the end of the address that birdsat printed, after “?token=”. Open that address, or paste the token here."
)


def wants_page(scope: MutableMapping[str, Any]) -> bool:
    """Whether a person's browser asks for a page, and not a program or the page itself for an answer of the API."""
    if scope["method"] not in ("GET", "HEAD") or str(scope["path"]).startswith("/v1/"):
        return False
    accepted = b",".join(value for name, value in scope["headers"] if name.lower() == b"accept")
    return b"text/html" in accepted.lower()


def said_to(scope: MutableMapping[str, Any], error: BirdsatError, query: Iterable[tuple[str, str]] = ()) -> Response:
    """The error as whoever asks can read it: a page or JSON. query: names and values of what was asked for, which a
    token that is given leads on to."""
    answer = error_answer(error)
    if not wants_page(scope):
        return answer
    answer.headers["content-type"] = "text/html; charset=utf-8"
    answer.headers["content-security-policy"] = PAGE_POLICY
    answer.body = _page(error, list(query)).encode("utf-8")
    answer.headers["content-length"] = str(len(answer.body))
    return answer


def _page(error: BirdsatError, query: list[tuple[str, str]]) -> str:
    if isinstance(error, RefusedError) and error.knows_no_token:
        kept = "".join(
            f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
            for name, value in query
            if name != "token"
        )
        was_wrong = any(name == "token" and value for name, value in query)
        wrong = '<p class="wrong" role="alert">That is not the token of this explorer.</p>' if was_wrong else ""
        title, text = "The explorer's token, please", _NEEDED
        form = (
            f'{wrong}<form method="get" action="/">{kept}<label for="token">Token</label>'
            '<input id="token" name="token" type="password" required autocomplete="off" spellcheck="false" autofocus>'
            "<button>Open the explorer</button></form>"
            "<small>For programs: send the header “Authorization: Bearer TOKEN”.</small>"
        )
    else:
        title, form = "That did not work", ""
        text = str(error)[:1].upper() + str(error)[1:]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
        'content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">'
        f"<title>birdsat explorer</title><style>{_STYLE}</style></head><body><main><h1>{html.escape(title)}</h1>"
        f"<p>{html.escape(text)}</p>{form}</main></body></html>"
    )
