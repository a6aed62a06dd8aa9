"""The gallery: every template as its readers may see it, for an editor to look at and for tests to measure.

1. `specimen` makes the mails: what a reader of the sample project gets from each template.
2. `schemes` shows a mail as programs do that are dark, invert colours, hold back pictures or drop styles.
3. `blocks` cuts out each block of a template, for docs/templates.md.
4. `__main__` takes the screenshots of docs/gallery and writes the page around them (`scripts/gallery`).
"""
