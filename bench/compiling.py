"""The cost of compiling one issue in a new process, and in one that has compiled before."""

from pathlib import Path
from statistics import median
from time import process_time

from bench import desk
from newsletter.app import App
from newsletter.model import BlockSet, Manifest
from newsletter.render.compile import Site, compile

_AGAIN = 5


def costs(folder: str) -> dict[str, float]:
    """Milliseconds of CPU for the project in the folder: `cold` for the first time in this process, then `warm`."""
    with desk.project(Path(folder)).app() as app:
        manifest = desk.manifest(app)
        cold = _milliseconds(app, manifest)  # includes the import of the MJML compiler and of the CSS inliner
        return {"cold": cold, "warm": median(_milliseconds(app, manifest) for _ in range(_AGAIN))}


def blocks(app: App, manifest: Manifest) -> BlockSet:
    """The issue's compiled blocks, made as preparing makes them."""
    site = Site(app.settings.site.postal_address, app.links().web(manifest.issue_id))
    return compile(app.template(manifest.newsletter), manifest, language=manifest.newsletter.language, site=site)


def _milliseconds(app: App, manifest: Manifest) -> float:
    begun = process_time()
    blocks(app, manifest)
    return 1000 * (process_time() - begun)
