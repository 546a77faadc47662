"""An error for people who opened an address in a browser: a page of its own, without a script, in place of JSON.

Where the token is needed, it has a field for it, which sends it as the address does that is printed at the start.
"""

import html
from collections.abc import Iterable, MutableMapping
from typing import Any

from starlette.responses import Response

from birdsat.errors import BirdsatError
from birdsat.explorer.answers import RefusedError, error_answer

# Nothing runs and nothing is loaded; what is typed goes to this server alone.
PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_STYLE = """
:root{color-scheme:light dark;--back:#f4f6f5;--paper:#fff;--ink:#17201f;--soft:#4c5957;--line:#5f6c6a;--wrong:#a8290f;
--accent:#0f6b66;--on:#fff}
@media (prefers-color-scheme:dark){:root{--back:#121a19;--paper:#182120;--ink:#edf2f1;--soft:#b8c4c1;--line:#9daba8;
--wrong:#ffb4a1;--accent:#6cd3c6;--on:#08211f}}
body{font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;margin:0;padding:12vh 24px 24px;
background:var(--back);color:var(--ink)}
main{max-width:32rem;margin:0 auto;padding:24px;border-radius:12px;background:var(--paper);overflow-wrap:anywhere}
h1{font-size:22px;line-height:1.3;margin:0 0 12px}p{margin:0 0 16px}.wrong{color:var(--wrong)}
label{display:block;font-weight:600;margin-bottom:6px}
input,button{font:inherit;padding:10px 14px;border-radius:8px;min-height:44px;box-sizing:border-box}
input{width:100%;border:1px solid var(--line);background:var(--paper);color:inherit}
button{margin-top:12px;border:0;background:var(--accent);color:var(--on);font-weight:600}
small{display:block;margin-top:20px;color:var(--soft)}
"""
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
