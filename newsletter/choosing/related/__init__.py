"""Stories that report the same news become one cluster, of which an issue shows one story: the pick.

1. Each story is reduced to a *profile*: the words of its title and of its lead, the numbers and the names in them.
2. Only stories of a few days, in one language, that share rare words, names or numbers become pairs.
3. A pair is *tied* when the other story covers each title, the leads overlap, and the numbers do not contradict:
   numbers that agree lower the bar, numbers that differ forbid the tie. Words weigh by their rarity among the stories
   at hand, so a person or a company in many of them ties nothing.
4. Clusters grow from the strongest tie on, and only where every member is tied to every other one.

The editor's `related.toml` has the last word. A wrong merge costs a subscriber a story, a missed merge only repeats
one, so every doubt is decided against merging. The limits were chosen on the first half of `tests/data/related`.
"""

from newsletter.choosing.related.clusters import Cluster, Clusters, cluster
from newsletter.choosing.related.overrides import Apart, Overrides, Together

__all__ = ["Apart", "Cluster", "Clusters", "Overrides", "Together", "cluster"]
