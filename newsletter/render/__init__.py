"""Stories, topics and a template in; an issue's blocks out, compiled once and ready for the wire.

1. `template.Template.load` reads a template's folder: MJML and Jinja, the plain-text twins, the theme, the catalogues.
2. `lint.lint` reports everything in its sources that MJML would accept without an error, with file and line.
3. `compile.compile` renders every story of an issue once (Jinja, MJML, CSS inlining, `lean`), cuts it at markers into
   blocks, finds the placeholders in them, and encodes each stretch so that any may follow any other.
4. `layout.layout` puts the blocks of an edition in order, with the values of its own placeholders.
5. `placeholders.fill` fills the placeholders of one block for one subscriber: the hot loop.

Nothing is imported here: `compile` needs slow libraries, `layout` and `placeholders` do not.
"""
