"""Links: made absolute, kept only if they lead to the web or to a mailbox, and brought to one spelling."""

import re
from urllib.parse import urlsplit

import httpx2

from newsletter.text import CONTROLS, SURROGATES

_NOISE = re.compile(f"[{CONTROLS}{SURROGATES}]")
_TRACKING = re.compile(r"(?:utm_\w+|fbclid|gclid|gclsrc|gbraid|wbraid|dclid|msclkid|yclid|twclid|ttclid|igshid|igsh"
                       r"|mc_cid|mc_eid|_hsenc|_hsmi|mkt_tok|vero_id|oly_enc_id|oly_anon_id|wt_mc|at_medium"
                       r"|at_campaign)(?:=|$)", re.IGNORECASE)
_PORTS = {"http": 80, "https": 443}


def absolute(link: str, base: str = "") -> str:
    """`link` as an absolute http, https or mailto address in ASCII, resolved against `base`; empty if it is not one.

    Tabs, line ends and controls are removed first, as browsers do (WHATWG URL, basic URL parser), so that
    "java\\tscript:" is recognised. A link with a user or password in it is dropped, since it may be a disguise.
    """
    link = _NOISE.sub("", link).strip().replace("\\", "%5C")
    if not link:
        return ""
    try:
        url = httpx2.URL(base).join(link) if base else httpx2.URL(link)
        return str(url) if _goes_somewhere(url) else ""
    except (httpx2.InvalidURL, ValueError):
        return ""


def _goes_somewhere(url: httpx2.URL) -> bool:
    if url.scheme == "mailto":
        return "@" in url.path
    known = url.scheme in _PORTS and bool(url.host) and not url.userinfo
    return known and (url.port is None or 0 < url.port < 65536)


def on_web(link: str, base: str = "") -> str:
    """`link` as an absolute http or https address; empty if it is not one."""
    whole = absolute(link, base)
    return "" if whole.startswith("mailto:") else whole


def canonical(link: str) -> str:
    """One spelling for an absolute http(s) address: no fragment, no tracking, no default port."""
    parts = urlsplit(link)
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    port = "" if parts.port in (None, _PORTS.get(parts.scheme)) else f":{parts.port}"
    query = "&".join(each for each in parts.query.split("&") if each and not _TRACKING.match(each))
    return f"{parts.scheme}://{host}{port}{parts.path or '/'}" + (f"?{query}" if query else "")
