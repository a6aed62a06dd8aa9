"""The state of the preview's page. All of it is in the URL, so that it can be shared and survives a reload."""

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
    """What the editor looks at."""

    issue: str = ""
    """An issue's id, or a newsletter's name for its draft; empty for the one the preview was opened with."""
    reader: str = ""
    """A subscriber's address or a persona's slug; else words that are searched for. Empty for the first reader."""
    part: Part = "html"
    """Of the message."""
    width: Width = "desktop"
    scheme: Scheme = "light"

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Self:
        """From a URL's query. What it does not know is as if it were not there."""
        return cls(
            issue=query.get("issue", ""), reader=query.get("reader", "").strip(), part=_known(query.get("part"), PARTS),
            width=_known(query.get("width"), tuple(WIDTHS)), scheme=_known(query.get("scheme"), SCHEMES),
        )

    @property
    def query(self) -> dict[str, str]:
        """What differs from a view that nobody touched."""
        usual: dict[str, str] = asdict(View())
        given: dict[str, str] = asdict(self)
        return {name: value for name, value in given.items() if value != usual[name]}

    def link(self, path: str = "/", **changes: str) -> str:
        """The address of this view, with some of its values changed."""
        query = View.of({**asdict(self), **changes}).query
        return f"{path}?{urlencode(query)}" if query else path


def _known(given: str | None, choices: tuple[_Choice, ...]) -> _Choice:
    """The choice given, else the first."""
    return next((choice for choice in choices if choice == given), choices[0])
