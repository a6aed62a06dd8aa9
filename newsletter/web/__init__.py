"""The web pages, one package for each kind of visitor: `preview` for the editor. They get everything from `app` and
decide nothing."""
