"""Topics: the number of subscribers that chose each, and stories, topics and tags that do not fit."""

from newsletter.app import App, subscribers
from newsletter.choosing.topicsreport import TopicsReport, report
from newsletter.model import Topic

REPORTED = 500
"""How many of the newest stories a report looks at."""


def chosen(app: App) -> list[tuple[Topic, int]]:
    """Every topic, in the order of the topics file, with the number of active subscribers who chose it by name."""
    counts = app.store.subscribers.topics_chosen()
    return [(topic, counts.get(topic.slug, 0)) for topic in app.topics().offered(())]


def misfits(app: App) -> TopicsReport:
    """Stories that no topic matches, topics that nobody chose, and tags that no topic knows."""
    subscribers.sync_subscribers(app)
    stories = [each.story for each in app.store.stories.find(REPORTED)]
    return report(app.topics(), stories, app.store.subscribers.topics_chosen())
