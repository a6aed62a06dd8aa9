"""The sizes of blocks, so that an edition can be kept below the length that Gmail shows."""

from collections.abc import Iterable

from newsletter.model import Block, BlockSet, Weights


def weigh(blocks: BlockSet) -> Weights:
    """The bytes of HTML of an issue's blocks, by what they hold.

    What an edition may have once counts as frame, and each story's line in the contents with the story.
    """
    html = blocks.html
    items = _sizes(html.values(), "item:")
    return Weights(
        frame=sum(html[key].size for key in ("head", "contents", "contents-end", "rest", "foot")),
        topic=_sizes(html.values(), "topic:"),
        story={story: size + items[story] for story, size in _sizes(html.values(), "story:").items()},
        lead={story: size + items[story] for story, size in _sizes(html.values(), "lead:").items()},
        more=html["more"].size,
    )


def _sizes(blocks: Iterable[Block], kind: str) -> dict[str, int]:
    return {block.key.removeprefix(kind): block.size for block in blocks if block.key.startswith(kind)}
