"""The state of the preview's page. All of it is in the URL, so that it can be shared and survives reloading."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal, Self, TypeVar
from urllib.parse import urlencode

Part = Literal["html", "text", "headers", "source"]
Width = Literal["phone", "desktop"]
Scheme = Literal["light", "dark"]

PARTS: tuple[Part, ...] = ("html", "text", "headers", "source")
WIDTHS: Mapping[Width, int] = {"desktop": 768, "phone": 390}
"""The width of the mail program's window, in CSS pixels."""
SCHEMES: tuple[Scheme, ...] = ("light", "dark")

_Choice = TypeVar("_Choice", bound=str)


@dataclass(frozen=True, slots=True)
class View:
    """The editor's choice of what to show."""

    issue: str = ""
    """An issue's id, or a newsletter's name for its draft; empty for the one that the preview was opened with."""
    reader: str = ""
    """A subscriber's address, a persona's slug, or words to search for. Empty for the first subscriber."""
    part: Part = "html"
    """The part of the message."""
    width: Width = "desktop"
    scheme: Scheme = "light"

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Self:
        """The view of a URL's query. Unknown keys and values are ignored."""
        return cls(
            issue=query.get("issue", ""), reader=query.get("reader", "").strip(), part=_known(query.get("part"), PARTS),
            width=_known(query.get("width"), tuple(WIDTHS)), scheme=_known(query.get("scheme"), SCHEMES),
        )

    @property
    def query(self) -> dict[str, str]:
        """The values that differ from the default view."""
        usual: dict[str, str] = asdict(View())
        given: dict[str, str] = asdict(self)
        return {name: value for name, value in given.items() if value != usual[name]}

    def link(self, path: str = "/", **changes: str) -> str:
        """The address of this view, with some of its values changed."""
        query = View.of({**asdict(self), **changes}).query
        return f"{path}?{urlencode(query)}" if query else path


def _known(given: str | None, choices: tuple[_Choice, ...]) -> _Choice:
    """The given choice if it is known, else the first."""
    return next((choice for choice in choices if choice == given), choices[0])
