"""The program's vocabulary: frozen data, and nothing that reads a clock, a file, a network or a database.

A *source* gives *stories*; *topics* say what each is about. An *issue* freezes the stories of one occasion into a
*manifest*. An *edition* is that manifest as chosen for one set of *interests* and one *past*: the stories that its
subscribers had before. *Blocks* are the stories compiled to wire-ready bytes with *placeholders* left open; a *message*
is an edition's blocks joined, with one *subscriber's* placeholders filled. A *delivery* records what became of an issue
for a subscriber.

All times are aware and in UTC unless a field's description states otherwise.
"""

from newsletter.model.digest import digest
from newsletter.model.issue import (
    Candidate,
    Decision,
    Edition,
    Entry,
    Manifest,
    Member,
    Past,
    Reason,
    Recorded,
    Section,
    Slot,
    Verdict,
)
from newsletter.model.message import (
    Attempt,
    Block,
    BlockSet,
    Delivery,
    Message,
    Outcome,
    Place,
    Placeholder,
    Receipt,
    Records,
    Settled,
    State,
    Weights,
)
from newsletter.model.newsletter import Newsletter, Quiet
from newsletter.model.source import FeedState, Harvest, Source
from newsletter.model.states import TRANSITIONS, IssueState, Verb, may
from newsletter.model.story import Match, Picture, Problem, Story, Topic
from newsletter.model.subscriber import (
    Frequency,
    Interests,
    Status,
    Subscriber,
    Subscription,
    Variation,
    spoken_in,
    status_at,
    subscriptions,
)

__all__ = [
    "TRANSITIONS",
    "Attempt",
    "Block",
    "BlockSet",
    "Candidate",
    "Decision",
    "Delivery",
    "Edition",
    "Entry",
    "FeedState",
    "Frequency",
    "Harvest",
    "Interests",
    "IssueState",
    "Manifest",
    "Match",
    "Member",
    "Message",
    "Newsletter",
    "Outcome",
    "Past",
    "Picture",
    "Place",
    "Placeholder",
    "Problem",
    "Quiet",
    "Reason",
    "Receipt",
    "Recorded",
    "Records",
    "Section",
    "Settled",
    "Slot",
    "Source",
    "State",
    "Status",
    "Story",
    "Subscriber",
    "Subscription",
    "Topic",
    "Variation",
    "Verb",
    "Verdict",
    "Weights",
    "digest",
    "may",
    "spoken_in",
    "status_at",
    "subscriptions",
]
