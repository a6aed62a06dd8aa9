"""What blocks weigh, so that an edition can be kept below what Gmail shows."""

from collections.abc import Iterable

from newsletter.model import Block, BlockSet, Weights


def weigh(blocks: BlockSet) -> Weights:
    """The bytes of HTML of an issue's blocks, by what they hold."""
    html = blocks.html
    return Weights(
        frame=html["head"].size + html["foot"].size,
        topic=_sizes(html.values(), "topic:"),
        story=_sizes(html.values(), "story:"),
        lead=_sizes(html.values(), "lead:"),
        more=html["more"].size,
    )


def _sizes(blocks: Iterable[Block], kind: str) -> dict[str, int]:
    return {block.key.removeprefix(kind): block.size for block in blocks if block.key.startswith(kind)}
