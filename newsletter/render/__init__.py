"""Stories, topics and a template in; an issue's blocks out, compiled once and ready for the wire.

1. `template.Template.load` reads a template's folder: MJML and Jinja, the plain-text twins, the theme, the words.
2. `lint.lint` reads its sources and names everything that MJML would swallow silently, with file and line.
3. `compile.compile` renders every story of an issue once (Jinja, MJML, CSS inlining, `lean`), cuts it at markers into
   blocks, finds the placeholders in them, and encodes each stretch so that any may follow any other.
4. `layout.layout` says which blocks make up an edition, in which order, and what its own placeholders hold.
5. `placeholders.fill` closes the placeholders of one block for one subscriber: the hot loop.

Nothing is imported here: `compile` needs slow libraries, `layout` and `placeholders` do not.
"""
